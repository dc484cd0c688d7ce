import { afterAll, beforeAll, beforeEach, describe } from 'vitest';
import { keyValueRules } from './compliance-kv.ts';
import { watchRules } from './compliance-watch.ts';
import { Scene, type Subject } from './scene.ts';

/**
 * What every store must do, whatever is behind it; the identifiers are the rules' (REV revisions, RNG range, PUT, DEL, TXN, CMP
 * compaction, WCH watch, LSE lease). It runs against a real etcd too, so the expectations are etcd's own.
 */
export function compliance(name: string, start: () => Promise<Subject>): void {
  describe(`${name} is an etcd`, () => {
    let scene: Scene;
    beforeAll(async () => {
      scene = new Scene(await start());
    });
    beforeEach(() => scene.nextTest());
    afterAll(() => scene.stop());
    keyValueRules(() => scene);
    watchRules(() => scene);
  });
}
