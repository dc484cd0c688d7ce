import { getSystemErrorMap } from 'node:util';
import { type Endpoint, PortError } from '../ports.ts';

/** Error names that libuv's table lacks but Linux calls of this folder return. */
const LINUX_ONLY: Readonly<Record<number, readonly [string, string]>> = {
  77: ['EBADFD', 'file descriptor in bad state'],
};

const byNumber = new Map<number, readonly [string, string]>();
const textByName = new Map<string, string>();
for (const [number, [name, text]] of getSystemErrorMap()) {
  byNumber.set(-number, [name, text]);
  textByName.set(name, text);
}

/** Name of an errno number of this platform, `13` → `"EACCES"`; `"ERRNO_13"` where it has none. */
export function errnoName(errno: number): string {
  return (byNumber.get(errno) ?? LINUX_ONLY[errno])?.[0] ?? `ERRNO_${errno}`;
}

function errnoText(code: string): string | undefined {
  return textByName.get(code) ?? Object.values(LINUX_ONLY).find(([name]) => name === code)?.[1];
}

/**
 * The error for a failed operation: `cannot listen on 127.1.0.1:179: permission denied (EACCES)`.
 * `what` says what could not be done, after "cannot"; `hint` what would help, where that is known.
 */
export function portError(what: string, code: string, hint?: string): PortError {
  const cause = errnoText(code);
  const text = cause === undefined ? code : `${cause} (${code})`;
  return new PortError(code, `cannot ${what}: ${text}${hint === undefined ? '' : `; ${hint}`}`);
}

/** As {@link portError}, from an error that Node threw or emitted (its `code`, else its message). */
export function portErrorFrom(what: string, error: unknown): PortError {
  const code = errorCode(error);
  if (errnoText(code) !== undefined) return portError(what, code);
  const message = error instanceof Error ? error.message : String(error);
  return new PortError(code, `cannot ${what}: ${message}`);
}

/** The `code` of an error of Node's (`"ECONNREFUSED"`), else its message. */
export function errorCode(error: unknown): string {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  return typeof code === 'string' ? code : typeof message === 'string' ? message : String(error);
}

/** `127.0.0.1:179`, `[2001:db8::1]:179`. */
export function formatEndpoint({ address, port }: Endpoint): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
