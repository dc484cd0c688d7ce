/** Waiting for something to happen: a condition is asked again at every event, never by polling. */
export class Events {
  #waiters = new Set<() => void>();

  /** Something happened: every waiter asks its condition. */
  notify(): void {
    for (const waiter of [...this.#waiters]) waiter();
  }

  /**
   * Resolves with the first value other than undefined that `probe` returns, or with undefined after `within`
   * milliseconds. Rejects with what `probe` throws.
   */
  until<T>(probe: () => T | undefined, within: number): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const settle = (): boolean => {
        try {
          const value = probe();
          if (value === undefined) return false;
          stop();
          resolve(value);
        } catch (error) {
          stop();
          reject(error);
        }
        return true;
      };
      // On a machine that stood still both timer and input are due: the input counts first.
      const expire = (): void => {
        setImmediate(() => {
          if (settled || settle()) return;
          stop();
          resolve(undefined);
        });
      };
      let settled = false;
      const timer = setTimeout(expire, within);
      const stop = (): void => {
        settled = true;
        clearTimeout(timer);
        this.#waiters.delete(waiter);
      };
      const waiter = (): void => {
        if (!settled) settle();
      };
      this.#waiters.add(waiter);
      settle();
    });
  }
}
