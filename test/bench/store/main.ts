// npm run bench:store [-- OPTIONS]: podwire's store and etcd side by side (docs/bench-store.md).
import { mkdirSync, readFileSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { root } from '../../support/root.ts';
import { scriptOptions, wrongUsage } from '../../support/script-options.ts';
import { machine } from '../labs.ts';
import { findProgram } from '../server-process.ts';
import { type Figures, measure, PARTS } from './parts.ts';
import { report } from './report.ts';
import { etcd, memory, redis } from './stores.ts';

const STORES = ['etcd', 'memory', 'redis everysec', 'redis always'];
/** Magic number of tmpfs (statfs(2)): what is "on disk" there is in memory. */
const TMPFS = 0x0102_1994;

const USAGE = `usage: npm run bench:store -- [OPTION...]

etcd and podwire's store, in memory and on Redis, one after the other with the same work.

  --only PART[,PART]     which parts (default: all)
  --store NAME[,NAME]    which stores (default: all)
  --keys N               keys of "memory" and "restart" (default: 100000)
  --seconds N            length of "latency" and "watch" (default: 20)
  --watchers N           watches of "watch" (default: 1000)
  --rate N               writes a second of "watch" (default: 1000)
  --node OPTION          option of Node for podwire, several: --node=--cpu-prof
  --json FILE            where the figures go, in place of what it has of the same part and store
                         (default: test/bench/results/store.json)
  --help

parts:
${PARTS.map(({ name, title }) => `  ${name.padEnd(10)}${title}`).join('\n')}
stores: ${STORES.join(', ')}
Data are written to ${tmpdir()} (TMPDIR), which should be on a disk. A part takes a minute with each store at most.`;

function number(option: 'keys' | 'seconds' | 'watchers' | 'rate'): number {
  const value = Number(given[option]);
  if (Number.isInteger(value) && value > 0) return value;
  return wrongUsage(USAGE, `--${option} ${given[option]}: expected a whole number above 0`);
}

/** Those of the items that a list names, in their own order. */
function chosen<T extends { readonly name: string }>(option: 'only' | 'store', items: readonly T[]): T[] {
  const names = given[option].split(',').map((name) => name.trim());
  const unknown = names.find((name) => !items.some((item) => item.name === name));
  if (unknown !== undefined) {
    wrongUsage(USAGE, `--${option} ${unknown}: expected ${items.map(({ name }) => name).join(', ')}`);
  }
  return items.filter(({ name }) => names.includes(name));
}

const given = scriptOptions(USAGE, {
  only: { type: 'string', default: PARTS.map(({ name }) => name).join(',') },
  store: { type: 'string', default: STORES.join(',') },
  keys: { type: 'string', default: '100000' },
  seconds: { type: 'string', default: '20' },
  watchers: { type: 'string', default: '1000' },
  rate: { type: 'string', default: '1000' },
  node: { type: 'string', multiple: true, default: [] },
  json: { type: 'string', default: join(root, 'test', 'bench', 'results', 'store.json') },
});
const scale = {
  keys: number('keys'),
  seconds: number('seconds'),
  watchers: number('watchers'),
  rate: number('rate'),
};
const parts = chosen('only', PARTS);
const kinds = [etcd, memory(given.node), redis('everysec', given.node), redis('always', given.node)];
const stores = chosen('store', kinds);
if (statfsSync(tmpdir()).type === TMPFS) {
  console.log(`${tmpdir()} is in memory: no figure of a store that syncs its data counts (TMPDIR)`);
}

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());

const figures: Figures[] = [];
for (const part of parts) {
  console.log(part.title);
  const ofPart: Figures[] = [];
  for (const kind of stores) {
    if (part.lasting && !kind.lasting) continue;
    const missing = [...kind.programs, ...part.programs].find((name) => findProgram(name) === undefined);
    if (missing !== undefined) {
      console.log(`${kind.name}: ${missing} is not installed`);
      continue;
    }
    if (process.stdout.isTTY) process.stdout.write(`${part.name}: ${kind.name} ...`);
    ofPart.push(await measure(part, kind, scale, stop.signal));
    if (stop.signal.aborted) process.exit(130);
    if (process.stdout.isTTY) process.stdout.write('\r\x1b[K');
    else console.log(`${part.name}: ${kind.name} done`);
  }
  for (const line of report(ofPart)) console.log(line);
  console.log();
  figures.push(...ofPart);
}

/** What an earlier run measured that this one did not. */
function earlier(): Figures[] {
  try {
    const known = JSON.parse(readFileSync(given.json, 'utf8')) as { readonly figures: Figures[] };
    const again = (old: Figures): boolean =>
      figures.some(({ part, store }) => part === old.part && store === old.store);
    return known.figures.filter((old) => !again(old));
  } catch {
    return [];
  }
}

const place = ({ part, store }: Figures): number =>
  PARTS.findIndex(({ name }) => name === part) * STORES.length + STORES.indexOf(store);
const all = [...earlier(), ...figures].sort((a, b) => place(a) - place(b));
mkdirSync(dirname(given.json), { recursive: true });
writeFileSync(given.json, `${JSON.stringify({ machine: machine(), ...scale, figures: all }, null, 1)}\n`);
process.exitCode = figures.some(({ failure }) => failure !== undefined) ? 1 : 0;
