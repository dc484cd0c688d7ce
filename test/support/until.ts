/** Pause between two looks at something that tells nobody when it changes, ms. */
const PAUSE = 20;

/**
 * Looks until `look` returns something other than undefined or false, and returns that. For what has no event to wait
 * for. `what` is told where it does not come about in time.
 */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  timeoutMs: number = 15_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}
