import { describe, expect, test } from 'vitest';
import {
  formatRecording,
  outputLine,
  parseRecording,
  type RecordedInput,
  recordingHeader,
  recordingLine,
  replay,
  type SessionRecording,
} from '../../../protocol/bgp/session/recording.ts';
import { Session } from '../../../protocol/bgp/session/session.ts';
import { BIRD_OPEN, BIRD_UPDATE, KEEPALIVE } from './golden.ts';
import { CONFIG, DIALLED } from './session-bench.ts';

const INPUTS: readonly RecordedInput[] = [
  { at: 0, input: { kind: 'start' } },
  { at: 1.25, input: { kind: 'connected', connection: DIALLED } },
  {
    at: 2,
    input: {
      kind: 'received',
      connection: DIALLED,
      bytes: new Uint8Array([...BIRD_OPEN, ...KEEPALIVE, ...BIRD_UPDATE]),
    },
  },
  { at: 3, input: { kind: 'updates-sent', messages: 3 } },
  { at: 4, input: { kind: 'timer', direction: 'outgoing', timer: 'KeepaliveTimer' } },
  { at: 5, input: { kind: 'request-refresh', family: 'ipv4-unicast' } },
  { at: 6, input: { kind: 'blocked', connection: DIALLED } },
  { at: 7, input: { kind: 'closed', connection: DIALLED, reason: 'TCP ECONNRESET' } },
  { at: 8, input: { kind: 'stop', subcode: 2, text: 'back "soon"\n' } },
];
const RECORDING: SessionRecording = { config: { ...CONFIG, peerAs: [64512, 64513] }, inputs: INPUTS };

function outputsOf(recording: SessionRecording): string[] {
  const lines: string[] = [];
  replay(recording, (outputs) => lines.push(...outputs.map(outputLine)));
  return lines;
}

describe('recording', () => {
  test('text comes back as the same recording', () => {
    expect(parseRecording(formatRecording(RECORDING))).toEqual(RECORDING);
  });

  test('a replay gives what the session gave', () => {
    const session = new Session(RECORDING.config);
    const live = INPUTS.flatMap(({ at, input }) => session.handle(input, at).map(outputLine));
    expect(live.some((line) => line.includes('"kind":"update"'))).toBe(true);
    expect(outputsOf(parseRecording(formatRecording(RECORDING)))).toEqual(live);
  });

  test('octets are hex, also those of a Buffer', () => {
    const bytes = Buffer.from([0, 255]);
    const line = recordingLine({ at: 1, input: { kind: 'received', connection: 1, bytes } });
    expect(line).toBe('{"at":1,"input":{"kind":"received","connection":1,"bytes":"00ff"}}');
  });

  test.each([
    ['nothing', '', 'line 1: is no JSON'],
    ['another format', '{"recording":"x"}', 'line 1: must start with a recording of bgp-session, version 1'],
    [
      'no configuration',
      '{"recording":"bgp-session","version":1}',
      'line 1: has no configuration of a session',
    ],
    ['a list', `${recordingHeader(CONFIG)}\n[]`, 'line 2: is no JSON object'],
    ['no time', `${recordingHeader(CONFIG)}\n{"input":{"kind":"start"}}`, 'line 2: has no time'],
    [
      'an unknown input',
      `${recordingHeader(CONFIG)}\n{"at":1,"input":{"kind":"toString"}}`,
      'line 2: has no input of a known kind',
    ],
    [
      'a missing field',
      `${recordingHeader(CONFIG)}\n{"at":1,"input":{"kind":"connected"}}`,
      'line 2: has no sound connection for connected',
    ],
    [
      'an unknown family',
      `${recordingHeader(CONFIG)}\n\n{"at":1,"input":{"kind":"disable-family","family":"constructor"}}`,
      'line 3: has no sound family for disable-family',
    ],
    [
      'bad hex',
      `${recordingHeader(CONFIG)}\n{"at":1,"input":{"kind":"received","connection":1,"bytes":"f"}}`,
      'line 2: has bytes that are no hex',
    ],
  ])('%s is refused with its line', (_name, text, message) => {
    expect(() => parseRecording(text)).toThrow(new RangeError(`recording, ${message}`));
  });
});
