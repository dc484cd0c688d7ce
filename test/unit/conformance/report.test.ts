import { describe, expect, test } from 'vitest';
import { TestRecord } from '../../../lab/conformance/bgp/record.ts';
import { captureOf } from '../../../lab/conformance/bgp/report/capture.ts';
import { junitReport } from '../../../lab/conformance/bgp/report/junit.ts';
import { resultLines, summaryText } from '../../../lab/conformance/bgp/report/table.ts';
import type { TestResult } from '../../../lab/conformance/bgp/run.ts';
import { REQUIREMENTS, selectRequirements } from '../../../lab/conformance/bgp/suite.ts';
import {
  Failed,
  Inconclusive,
  NotApplicable,
  verdictOf,
  worst,
} from '../../../lab/conformance/bgp/verdict.ts';
import { keepalive } from '../../../lab/conformance/bgp/wire/build.ts';
import { PcapngReader } from '../../../protocol/pcapng/reader.ts';
import { differences } from '../../conformance/expected.ts';

function result(id: string, verdict: TestResult['verdict'], reason?: string): TestResult {
  const requirement = REQUIREMENTS.find((candidate) => candidate.id === id)!;
  return {
    requirement,
    verdict,
    ...(reason === undefined ? {} : { reason }),
    steps: [],
    record: new TestRecord(),
    milliseconds: 1500,
  };
}

describe('verdicts', () => {
  test('errors say what they mean, and an unknown one is the fault of the tester', () => {
    expect(verdictOf(new Failed('x')).verdict).toBe('fail');
    expect(verdictOf(new NotApplicable('x')).verdict).toBe('not-applicable');
    expect(verdictOf(new Inconclusive('x')).verdict).toBe('inconclusive');
    expect(verdictOf(new TypeError('x'))).toEqual({
      verdict: 'inconclusive',
      reason: 'the tester failed: x',
    });
  });

  test('the worst part counts; parts that do not apply do not', () => {
    expect(worst(['pass', 'not-applicable'])).toBe('pass');
    expect(worst(['not-applicable'])).toBe('not-applicable');
    expect(worst(['pass', 'inconclusive', 'fail'])).toBe('fail');
  });
});

describe('the suite', () => {
  test('ids occur once', () => {
    const ids = REQUIREMENTS.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('requirements are chosen by id and by group', () => {
    expect(selectRequirements(['hdr-1', 'OPN-2,OPN-3']).map(({ id }) => id)).toEqual([
      'HDR-1',
      'OPN-2',
      'OPN-3',
    ]);
    expect(selectRequirements(['HDR'])).toHaveLength(5);
    expect(() => selectRequirements(['HDR-99'])).toThrow('no requirement HDR-99');
  });
});

describe('reports', () => {
  test('table', () => {
    const failed = result('HDR-1', 'fail', 'no answer');
    failed.record.add('sent', 'ebgp 127.0.16.1', 'KEEPALIVE');
    const lines = resultLines(failed, (_verdict, text) => text, true);
    expect(lines[0]).toMatch(/^HDR-1 {3}FAIL /);
    expect(lines.at(-1)).toMatch(/ms {2}-> ebgp 127\.0\.16\.1 {2}KEEPALIVE$/);
    expect(summaryText([failed, result('HDR-2', 'pass')])).toBe('2 tests: 1 pass, 1 fail');
  });

  test('JUnit XML escapes what XML cannot hold', () => {
    const xml = junitReport('a & b', [result('HDR-1', 'fail', 'got "<\u0000>"'), result('OPN-1', 'pass')]);
    expect(xml).toContain('name="a &amp; b" tests="2" failures="1"');
    expect(xml).toContain('message="got &quot;&lt;\ufffd&gt;&quot;"');
    expect(xml).toContain('<testsuite name="OPN" tests="1" failures="0"');
  });

  test('capture: handshake, messages one by one, end', async () => {
    const failed = result('HDR-1', 'fail', 'no answer');
    failed.record.connections.push({
      local: { address: '127.0.16.1', port: 40000 },
      remote: { address: '127.0.0.1', port: 1790 },
      dialled: true,
      events: [
        { time: 1_000n, what: 'opened' },
        { time: 2_000n, what: 'sent', octets: keepalive() },
        { time: 3_000n, what: 'received', octets: keepalive().subarray(0, 10) },
        { time: 4_000n, what: 'received', octets: keepalive().subarray(10) },
        { time: 5_000n, what: 'closed' },
      ],
    });
    const blocks = new PcapngReader().push(await captureOf(failed, 'podwire test'));
    const packets = blocks.filter((block) => block.kind === 'enhanced-packet');
    expect(packets.map(({ data }) => data.length - 54)).toEqual([8, 8, 0, 19, 19, 0, 0, 0]);
    expect(packets.map(({ timestamp }) => timestamp)).toEqual([
      1000n,
      1000n,
      1000n,
      2000n,
      4000n,
      5000n,
      5000n,
      5000n,
    ]);
  });
});

test('differences from expected verdicts are told in both directions', () => {
  const results = [
    result('HDR-1', 'fail', 'no answer'),
    result('HDR-2', 'pass'),
    result('HDR-3', 'fail', 'x'),
    result('HDR-4', 'pass'),
  ];
  const expected = {
    'HDR-2': { verdict: 'fail', reason: 'old' },
    'HDR-3': { verdict: 'fail', reason: 'x' },
    'HDR-4': { verdict: 'fail', reason: 'a race', sometimes: true },
    'HDR-9': { verdict: 'fail', reason: 'gone' },
  } as const;
  expect(differences(results, expected)).toEqual([
    'HDR-1: expected pass, got fail (no answer)',
    'HDR-2: expected fail, got pass',
    'HDR-9: expected fail, but there is no such test',
  ]);
});
