import { expect, test } from 'vitest';
import { openLog } from '../../../agents/log.ts';
import type { CliContext } from '../../../lab/cli/context.ts';
import { terminalLog } from '../../../lab/cli/speaker-run.ts';

/** What a speaker logs on a terminal, without colours. */
function logged(work: (log: ReturnType<typeof openLog>['log']) => void): string {
  const written: string[] = [];
  const stream = { write: (text: string | Uint8Array) => written.push(String(text)) > 0 };
  const context = { stderr: stream, env: {} } as unknown as CliContext;
  work(openLog(terminalLog(context, { color: false }), 'info', {}).log);
  return written.join('');
}

test('the log of a speaker on a terminal is for people', () => {
  const text = logged((log) => {
    log.info({ file: 'a b.yaml' }, 'read again');
    log.child({ peer: '192.0.2.2' }).warn({ reason: 'TCP ECONNRESET' }, 'BGP session down');
    log.debug('not shown');
  });
  expect(text.replaceAll(/^\d\d:\d\d:\d\d\.\d{3}/gm, 'TIME')).toBe(
    'TIME INFO  -        read again file="a b.yaml"\n' +
      'TIME WARN  192.0.2.2 BGP session down reason="TCP ECONNRESET"\n',
  );
});
