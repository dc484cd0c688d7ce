import type { PingResult } from '../../agents/control/types.ts';

/** What `ping --format json` prints: a contract. */
export interface PingReport {
  readonly source: string;
  readonly destination: string;
  readonly address: string;
  readonly transmitted: number;
  readonly received: number;
  readonly lossPercent: number;
  /** Milliseconds. */
  readonly timeMs: number;
  /** Milliseconds; null where nothing came back. */
  readonly rtt: {
    readonly min: number;
    readonly avg: number;
    readonly max: number;
    readonly mdev: number;
  } | null;
  readonly results: readonly PingResult[];
}

/** Header of ICMP and of IPv4, which ping counts beside the data. */
const HEADERS = 28;

/** First line, as iputils' ping prints it. */
export function pingHeading(destination: string, address: string, size: number): string {
  return `PING ${destination} (${address}) ${size}(${size + HEADERS}) bytes of data.`;
}

/** The line of one reply or error; none for a reply that did not come, as iputils does. */
export function pingLine(result: PingResult): readonly string[] {
  const { outcome, from, sequence, ttl, rttMs, bytes, error } = result;
  if (outcome === 'timeout') return [];
  if (outcome === 'error') {
    return [
      from === null ? `ping: icmp_seq=${sequence} ${error}` : `From ${from} icmp_seq=${sequence} ${error}`,
    ];
  }
  return [`${bytes} bytes from ${from}: icmp_seq=${sequence} ttl=${ttl} time=${time(rttMs ?? 0)} ms`];
}

/** Digits as iputils gives them: fewer the longer it took. */
function time(ms: number): string {
  if (ms >= 100) return ms.toFixed(0);
  if (ms >= 10) return ms.toFixed(1);
  return ms >= 1 ? ms.toFixed(2) : ms.toFixed(3);
}

/** Statistics over results. @param timeMs duration of the whole. */
export function pingReport(
  source: string,
  destination: string,
  address: string,
  results: readonly PingResult[],
  timeMs: number,
): PingReport {
  const times = results.flatMap(({ outcome, rttMs }) =>
    outcome === 'reply' && rttMs !== null ? [rttMs] : [],
  );
  const transmitted = results.length;
  const received = results.filter(({ outcome }) => outcome === 'reply').length;
  const lossPercent = transmitted === 0 ? 100 : ((transmitted - received) / transmitted) * 100;
  return {
    source,
    destination,
    address,
    transmitted,
    received,
    lossPercent,
    timeMs,
    rtt: statistics(times),
    results,
  };
}

function statistics(times: readonly number[]): PingReport['rtt'] {
  if (times.length === 0) return null;
  const avg = times.reduce((sum, one) => sum + one, 0) / times.length;
  const squares = times.reduce((sum, one) => sum + one * one, 0) / times.length;
  return {
    min: Math.min(...times),
    avg,
    max: Math.max(...times),
    mdev: Math.sqrt(Math.max(0, squares - avg * avg)),
  };
}

/** Last lines, as iputils' ping prints them. */
export function pingSummary(report: PingReport): string {
  const { destination, transmitted, received, lossPercent, timeMs, rtt, results } = report;
  const errors = results.filter(({ outcome }) => outcome === 'error').length;
  const loss = Number(lossPercent.toPrecision(6));
  const lines = [
    '',
    `--- ${destination} ping statistics ---`,
    `${transmitted} packets transmitted, ${received} received,${errors > 0 ? ` +${errors} errors,` : ''} ${loss}% packet loss, time ${timeMs.toFixed(0)}ms`,
  ];
  if (rtt !== null) {
    const { min, avg, max, mdev } = rtt;
    lines.push(`rtt min/avg/max/mdev = ${[min, avg, max, mdev].map((ms) => ms.toFixed(3)).join('/')} ms`);
  }
  return lines.join('\n');
}
