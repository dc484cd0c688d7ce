/**
 * The URL of a store without its credentials, for messages and for everything that others may read. What is no URL loses all before
 * its last @, too: a password may have any character.
 */
export function withoutCredentials(url: string): string {
  return url.replace(/^([a-z]+:\/\/)?.*@/is, '$1');
}
