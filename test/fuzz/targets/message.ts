// Whole messages: what the decoder, the dissector and the encoder make of them has to fit together.
import { capabilityText } from '../../../protocol/bgp/capability/capability.ts';
import type { CodecContext } from '../../../protocol/bgp/context.ts';
import type { FieldError } from '../../../protocol/bgp/dissect/field.ts';
import { dissectMessage } from '../../../protocol/bgp/dissect/message.ts';
import { worstError } from '../../../protocol/bgp/dissect/worst-error.ts';
import { BgpError } from '../../../protocol/bgp/error.ts';
import { FAMILIES } from '../../../protocol/bgp/family.ts';
import {
  HEADER_LENGTH,
  MAX_MESSAGE_LENGTH,
  OPEN,
  ROUTE_REFRESH,
} from '../../../protocol/bgp/message/header.ts';
import { type BgpMessage, decodeMessage } from '../../../protocol/bgp/message/message.ts';
import { describeNotification, encodeNotification } from '../../../protocol/bgp/message/notification.ts';
import { encodeOpen } from '../../../protocol/bgp/message/open.ts';
import { encodeRouteRefresh, refreshLengthFault } from '../../../protocol/bgp/message/route-refresh.ts';
import {
  announcedRoutes,
  encodeUpdate,
  endOfRib,
  type UpdateMessage,
  withdrawnRoutes,
} from '../../../protocol/bgp/message/update.ts';
import { NLRI_CODECS } from '../../../protocol/bgp/nlri/table.ts';
import { forEachRoute } from '../../../protocol/bgp/nlri/walk.ts';
import { toHex } from '../../../protocol/bytes/hex.ts';
import { digest } from '../digest.ts';
import { guarded, type Outcome } from '../guard.ts';
import { mutateMessage } from '../mutate-message.ts';
import type { FuzzRandom } from '../random.ts';
import { ALL_FAMILIES, MESSAGES, POOL } from '../seeds.ts';
import type { FuzzTarget } from '../target.ts';
import { checkTree } from '../tree.ts';

const ONE_LINE = /^[^\p{Cc}\p{Zl}\p{Zp}]*$/u;

/** Any session, those with everything negotiated more often. */
export function anyContext(random: FuzzRandom): CodecContext {
  return {
    fourOctetAs: !random.oneIn(4),
    extendedMessage: random.oneIn(2),
    peerType: random.pick(['internal', 'external', 'confederation']),
    families: random.oneIn(3) ? random.some(ALL_FAMILIES) : ALL_FAMILIES,
    addPath: random.oneIn(3) ? random.some(ALL_FAMILIES) : [],
    extendedNextHop: random.oneIn(3) ? ['ipv4-unicast', 'ipv4-vpn'] : [],
    ...(random.oneIn(6) ? { firstAs: 64513 } : {}),
  };
}

interface MessageCase {
  readonly context: CodecContext;
}

/** Everything that is done with one message from a peer or a capture. */
export const messageTarget: FuzzTarget<MessageCase> = {
  name: 'message',
  weight: 60,
  make(random) {
    const context = anyContext(random);
    return { bytes: mutateMessage(random.pick(MESSAGES), random, POOL), context };
  },
  check(bytes, { context }) {
    const tree = guarded(bytes, (view) => dissectMessage(view, context), []).value!;
    checkTree(tree);
    // The decoder is given whole messages only.
    if (bytes.length < HEADER_LENGTH || bytes[16]! * 256 + bytes[17]! !== bytes.length) return;
    const outcome = guarded(bytes, (view) => decodeMessage(view, context), [BgpError]);
    checkAgreement(bytes, outcome, worstError(tree));
    if (outcome.value === undefined) {
      const { offset } = outcome.error as BgpError;
      // At the end where something is missing there.
      if (!(offset >= 0 && offset <= bytes.length)) throw new Error(`error at ${offset}`);
      return;
    }
    checkAgain(outcome.value, context);
    if (outcome.value.kind === 'update') checkRoutes(outcome.value);
    if (outcome.value.kind === 'notification') checkLine(describeNotification(outcome.value));
    if (outcome.value.kind === 'open')
      for (const each of outcome.value.capabilities) checkLine(capabilityText(each));
  },
};

function checkLine(text: string): void {
  if (!ONE_LINE.test(text)) throw new Error(`not one line: ${JSON.stringify(text)}`);
}

/** What people are shown as the worst error is what a speaker does. */
function checkAgreement(
  bytes: Uint8Array,
  outcome: Outcome<BgpMessage>,
  worst: FieldError | undefined,
): void {
  const shown = worst?.outcome ?? 'none';
  // What these say depends on the session: its machine has more to find fault with than the decoder.
  const more = bytes[18] === OPEN || (bytes[18] === ROUTE_REFRESH && refreshLengthFault(bytes) !== undefined);
  if (more && shown === 'session-reset') return;
  if (outcome.error !== undefined) {
    const { notification } = outcome.error as BgpError;
    if (shown !== 'session-reset') throw new Error(`decoder: ${outcome.error.message}, shown: ${shown}`);
    if (digest(worst!.notification) !== digest(notification)) {
      const { code, subcode } = worst!.notification!;
      throw new Error(`decoder: ${notification.code}/${notification.subcode}, shown: ${code}/${subcode}`);
    }
    return;
  }
  const { value } = outcome;
  const expected = value.kind === 'update' ? outcomeOf(value) : 'none';
  const same =
    expected === 'none' || expected === 'ignored'
      ? shown === 'none' || shown === 'ignored'
      : shown === expected;
  if (!same || (expected === 'ignored' && shown === 'none')) {
    throw new Error(`decoder: ${expected}, shown: ${shown} (${worst?.reason})`);
  }
}

function outcomeOf(update: UpdateMessage): string {
  const routes = update.faultyRoutes.map(({ outcome }) => outcome);
  if (update.treatAsWithdraw || routes.includes('treat-as-withdraw')) return 'treat-as-withdraw';
  if (update.faults.length > 0) return 'attribute-discard';
  return routes.length > 0 ? 'ignored' : 'none';
}

/** What was read and is written again is read as the same. */
function checkAgain(message: BgpMessage, context: CodecContext): void {
  const written = encode(message, context);
  if (written === undefined) return;
  // Capabilities that came apart may need a longer form when put together.
  const again = decodeMessage(written, context);
  const [before, after] = [essence(message), essence(again)];
  if (digest(before) === digest(after)) return;
  const text = (value: unknown): string =>
    JSON.stringify(value, (_key, member) => (member instanceof Uint8Array ? toHex(member) : member));
  throw new Error(`read, written and read again: ${text(before)}, then ${text(after)}`);
}

function encode(message: BgpMessage, context: CodecContext): Uint8Array | undefined {
  switch (message.kind) {
    case 'open':
      return encodeOpen(message);
    case 'notification':
      return message.data.length > MAX_MESSAGE_LENGTH - HEADER_LENGTH - 2
        ? undefined
        : encodeNotification(message);
    case 'route-refresh':
      return encodeRouteRefresh(message);
    case 'keepalive':
      return undefined;
    default: {
      if (message.treatAsWithdraw || message.rawAttributes.length + message.nlri.length > 30_000)
        return undefined;
      const written = encodeUpdate(message, context);
      return written.length > MAX_MESSAGE_LENGTH && !context.extendedMessage ? undefined : written;
    }
  }
}

function essence(message: BgpMessage): unknown {
  if (message.kind !== 'update') return message;
  const { withdrawn, attributes, nlri, treatAsWithdraw } = message;
  // Of an empty list nothing is written.
  const { as4Path, as4Aggregator, ...others } = attributes;
  return { withdrawn, nlri, treatAsWithdraw, attributes: others };
}

/** Routes can be walked, taken apart, put together and shown. */
function checkRoutes(update: UpdateMessage): void {
  let walked = 0;
  for (const { family, bytes, addPath } of [...announcedRoutes(update), ...withdrawnRoutes(update)]) {
    if (!update.families.includes(family)) throw new Error(`${family} was not negotiated`);
    const codec = NLRI_CODECS[family];
    let end = 0;
    forEachRoute(family, bytes, addPath === true, (offset, next) => {
      end = next;
      if (++walked > 40) return;
      const nlri = bytes.subarray(offset, next);
      const key = codec.key(nlri);
      const whole = codec.join(key, codec.data(nlri));
      if (toHex(codec.key(whole)) !== toHex(key)) throw new Error(`${family}: key changes in ${toHex(nlri)}`);
      checkLine(codec.text(nlri));
    });
    if (end !== bytes.length)
      throw new Error(`${FAMILIES[family].afi}: walk ends at ${end} of ${bytes.length}`);
  }
  if (endOfRib(update) !== undefined && announcedRoutes(update).length > 0) {
    throw new Error('an End-of-RIB announces routes');
  }
}
