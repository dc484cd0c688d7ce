/** The URL of a Redis without its credentials, for messages and for everything that others may read. */
export function withoutCredentials(url: string): string {
  return url.replace(/^(rediss?:\/\/)[^/]*@/, '$1');
}
