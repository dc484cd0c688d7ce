// All that is fuzzed without a network.

import type { FuzzTarget } from './target.ts';
import { bmpStreamTarget, bmpTarget } from './targets/bmp.ts';
import { captureTarget, tcpTarget } from './targets/capture.ts';
import { attributeTarget, capabilityTarget, nlriTarget } from './targets/codecs.ts';
import { messageTarget } from './targets/message.ts';
import { sessionTarget } from './targets/session.ts';
import { dissectorTarget, streamTarget } from './targets/stream.ts';
import { shutdownTarget, textTarget } from './targets/text.ts';

export const TARGETS: readonly FuzzTarget[] = [
  messageTarget,
  attributeTarget,
  capabilityTarget,
  nlriTarget,
  streamTarget,
  dissectorTarget,
  bmpTarget,
  bmpStreamTarget,
  captureTarget,
  tcpTarget,
  textTarget,
  shutdownTarget,
  sessionTarget,
];
