import { describe, expect, test } from 'vitest';
import type { PingResult } from '../../../agents/control/types.ts';
import { pingHeading, pingLine, pingReport, pingSummary } from '../../../lab/cli/ping-output.ts';

function reply(sequence: number, rttMs: number): PingResult {
  return { sequence, outcome: 'reply', from: '10.0.0.2', rttMs, ttl: 62, bytes: 64, error: null };
}
const timeout: PingResult = {
  sequence: 3,
  outcome: 'timeout',
  from: null,
  rttMs: null,
  ttl: null,
  bytes: null,
  error: null,
};
const error: PingResult = { ...timeout, outcome: 'error', from: '10.0.0.9', error: 'Time to live exceeded' };

describe('ping output', () => {
  test('begins like iputils', () => {
    expect(pingHeading('default/web', '10.0.0.2', 56)).toBe(
      'PING default/web (10.0.0.2) 56(84) bytes of data.',
    );
  });

  test.each([
    [reply(1, 0.1234), ['64 bytes from 10.0.0.2: icmp_seq=1 ttl=62 time=0.123 ms']],
    [reply(2, 1.2345), ['64 bytes from 10.0.0.2: icmp_seq=2 ttl=62 time=1.23 ms']],
    [reply(2, 12.345), ['64 bytes from 10.0.0.2: icmp_seq=2 ttl=62 time=12.3 ms']],
    [reply(2, 123.45), ['64 bytes from 10.0.0.2: icmp_seq=2 ttl=62 time=123 ms']],
    [timeout, []],
    [error, ['From 10.0.0.9 icmp_seq=3 Time to live exceeded']],
  ])('line of %o', (result, lines) => {
    expect(pingLine(result)).toEqual(lines);
  });

  test('statistics of replies', () => {
    const report = pingReport('default/a', 'default/b', '10.0.0.2', [reply(1, 1), reply(2, 3)], 1001.4);
    expect(report).toMatchObject({
      transmitted: 2,
      received: 2,
      lossPercent: 0,
      rtt: { min: 1, avg: 2, max: 3, mdev: 1 },
    });
    expect(pingSummary(report)).toBe(
      '\n--- default/b ping statistics ---\n2 packets transmitted, 2 received, 0% packet loss, time 1001ms\nrtt min/avg/max/mdev = 1.000/2.000/3.000/1.000 ms',
    );
  });

  test('statistics of losses and errors', () => {
    const report = pingReport('default/a', 'x', '10.0.0.2', [reply(1, 1), timeout, error], 5);
    expect(pingSummary(report)).toContain(
      '3 packets transmitted, 1 received, +1 errors, 66.6667% packet loss, time 5ms',
    );
    expect(pingReport('a', 'x', 'x', [timeout], 5)).toMatchObject({ lossPercent: 100, rtt: null });
  });
});
