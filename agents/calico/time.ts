/** RFC 3339 time of nanoseconds since the epoch, in whole seconds as Kubernetes writes times: `2026-01-02T03:04:05Z`. */
export function rfc3339(wallNanos: bigint): string {
  return new Date(Number(wallNanos / 1_000_000_000n) * 1000).toISOString().replace('.000Z', 'Z');
}
