import { describe, expect, test } from 'vitest';
import type { LabInfo } from '../../../agents/control/routes.ts';
import type { LabHandle } from '../../../lab/cli/lab-access.ts';
import { fakeAgent, fakeLab, info, oneLab, pod, podwire } from './support/fake-lab.ts';

/** A lab of two hosts, the second of which does not run. */
function lab(changes: Partial<LabInfo['nodes'][number]> = {}): LabHandle & { readonly log: string[] } {
  const agents = [
    fakeAgent('host1', { pods: async () => [pod('host1', 'web', '10.0.0.1')] }),
    fakeAgent('host2'),
  ];
  const all = info('demo', agents);
  const nodes = all.nodes.map((node) => ({ ...node, running: node.name === 'host1', ...changes }));
  return Object.assign(fakeLab(agents.slice(0, 1)), { info: async () => ({ ...all, nodes }) });
}

describe('podwire stop, start, kill', () => {
  test.each([
    ['stop', 'host1', 'is stopped'],
    ['kill', 'host1', 'is dead'],
    ['start', 'host2', 'is up'],
  ])('%s %s', async (action, node, message) => {
    const one = lab();
    const { code, stdout, stderr } = await podwire([action, node], { labs: oneLab(one) });
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: '',
      stderr: `podwire: node ${node} ${message}\n`,
    });
    expect(one.log).toEqual([`${action} ${node}`, 'close']);
  });

  test.each([
    ['start', 'host1', 'runs'],
    ['stop', 'host2', 'does not run'],
    ['kill', 'host2', 'does not run'],
  ])('%s %s, which is so already', async (action, node, message) => {
    const one = lab();
    const { code, stderr } = await podwire([action, node], { labs: oneLab(one) });
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: `podwire: node ${node} ${message}, nothing to do\n`,
    });
    expect(one.log).toEqual(['close']);
  });

  test('several nodes, each once', async () => {
    const one = lab({ running: true });
    const { code } = await podwire(['stop', 'host1', 'host2', 'host1'], { labs: oneLab(one) });
    expect(code).toBe(0);
    expect(one.log.toSorted()).toEqual(['close', 'stop host1', 'stop host2']);
  });

  test('a name that is wrong ends the command before anything is done', async () => {
    const one = lab();
    const { code, stderr } = await podwire(['stop', 'host1', 'hots2'], { labs: oneLab(one) });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'podwire: no node hots2 in lab demo, did you mean host2?\n',
    });
    expect(one.log).toEqual(['close']);
  });

  test('a node is required', async () => {
    const { code, stderr } = await podwire(['stop']);
    expect(code).toBe(2);
    expect(stderr).toContain("missing required argument 'node'");
  });

  test.each([
    ['stop', 'host1'],
    ['start', 'host2'],
  ])('completion of %s offers %s', async (action, node) => {
    const { stdout } = await podwire(['__complete', '--', action, ''], { labs: oneLab(lab()) });
    expect(stdout).toBe(`${node}\n`);
  });
});

describe('podwire exec in a node', () => {
  test('needs a node that runs', async () => {
    const { code, stderr } = await podwire(['exec', 'host2', '--', 'true'], { labs: oneLab(lab()) });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'podwire: node host2 does not run; start it with: podwire start host2\n',
    });
  });

  test('needs a namespace', async () => {
    const { code, stderr } = await podwire(['exec', 'host1', '--', 'true'], { labs: oneLab(lab()) });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'podwire: node host1 has no network namespace; it has with --runtime netns\n',
    });
  });

  test.skipIf(process.platform !== 'linux' || process.getuid?.() !== 0)(
    'has the folder and the variables of a foreign node',
    async () => {
      const netns = `/proc/${process.pid}/ns/net`;
      const one = lab({ running: true, netns, folder: '/', env: { PODWIRE_ASN: '65001' } });
      const command = ['sh', '-c', 'test "$PWD:$PODWIRE_ASN" = /:65001 && exit 7'];
      const { code } = await podwire(['exec', 'host2', '--', ...command], { labs: oneLab(one) });
      expect(code).toBe(7);
    },
  );
});
