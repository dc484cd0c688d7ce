import type { Cluster } from './cluster.ts';
import type { Dice } from './random.ts';

/** Something that goes wrong; resolves when it is over, and throws where it did not come about. */
export type Fault = readonly [name: string, inflict: (cluster: Cluster, dice: Dice) => Promise<void>];

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const HOUR = 3600;

/** Stops a process for a while: mostly shorter than a client or server waits, at times longer. */
async function stopped(process: { signal(signal: 'SIGSTOP' | 'SIGCONT'): void }, dice: Dice): Promise<void> {
  process.signal('SIGSTOP');
  await pause(dice.pick(300, 300, 300, 4500));
  process.signal('SIGCONT');
}

export const FAULTS: readonly Fault[] = [
  [
    'a server killed',
    async ({ servers }, dice) => {
      const server = dice.pick(...servers);
      await server.kill();
      await server.start();
    },
  ],
  [
    'Redis killed',
    async ({ redis }) => {
      await redis.kill();
      await redis.start();
    },
  ],
  [
    'Redis and a server killed',
    async ({ redis, servers }, dice) => {
      const server = dice.pick(...servers);
      await Promise.all([redis.kill(), server.kill()]);
      await redis.start();
      await server.start();
    },
  ],
  ['a server paused', ({ servers }, dice) => stopped(dice.pick(...servers), dice)],
  ['Redis paused', ({ redis }, dice) => stopped(redis, dice)],
  [
    'connections to Redis paused',
    async (cluster) => {
      await cluster.ask('CLIENT', 'PAUSE', '300');
    },
  ],
  [
    'connections to Redis cut',
    async (cluster) => {
      const cut = await cluster.ask('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      if (!(Number(cut) > 0)) throw new Error('there was no connection to cut');
    },
  ],
  [
    'scripts flushed',
    async (cluster) => {
      await cluster.ask('SCRIPT', 'FLUSH');
    },
  ],
  ["Redis' clock jumps", (cluster, dice) => jump(cluster, dice, true, false)],
  ["a server's clock jumps", (cluster, dice) => jump(cluster, dice, false, true)],
  ['all clocks jump', (cluster, dice) => jump(cluster, dice, true, true)],
];

/** Sets wall clocks hours ahead or back, while everything goes on; they stay so until the next jump. */
async function jump(cluster: Cluster, dice: Dice, redis: boolean, servers: boolean): Promise<void> {
  const offset = dice.pick(-3, -1, 1, 2) * HOUR;
  const before = await redisSeconds(cluster);
  if (redis) cluster.redisClock.set(offset);
  if (servers) for (const { clock } of cluster.servers) clock.set(offset);
  // Whether it has jumped is seen only where it stood elsewhere before.
  const ahead = (await redisSeconds(cluster)) - Date.now() / 1000;
  if (redis && Math.abs(ahead - offset) > HOUR / 2)
    throw new Error(`Redis' clock did not jump from ${before}`);
}

async function redisSeconds(cluster: Cluster): Promise<number> {
  const [seconds] = (await cluster.ask('TIME')) as [string, string];
  return Number(seconds);
}
