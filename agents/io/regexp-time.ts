import { setFlagsFromString } from 'node:v8';

/**
 * Bounds what a regular expression may cost in this process: one that V8 tracks back in too often is matched by its engine
 * of linear time instead. Expressions on AS paths come from people, and are matched against every route in the thread that
 * serves the sessions: `^([0-9]+ ?)+x` on a path of eight numbers takes 40 s without, and 1 ms with it.
 */
export function boundRegExpTime(): void {
  setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');
}
