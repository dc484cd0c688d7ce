import { type ServiceError, status } from '@grpc/grpc-js';
import { UNAVAILABLE } from '../../../protocol/etcd/errors.ts';
import { EtcdError } from '../../../protocol/etcd/types.ts';

/** Errors of a stream after which it is worth opening another: the server, or what is between, was gone for a while. */
const PASSING: ReadonlySet<number> = new Set([
  status.CANCELLED,
  status.UNKNOWN,
  status.DEADLINE_EXCEEDED,
  status.INTERNAL,
  status.UNAVAILABLE,
]);

/** Whether another call or stream may do better than one that ended with this code. */
export function isPassing(code: number): boolean {
  return PASSING.has(code);
}

/** What @grpc/grpc-js says where a call found no connection to go over. */
const UNSENT = /^(No connection established|Name resolution failed)/;

/** Causes as Node and OpenSSL name them, in words of what to do about them; `tls`: trying again does not help. */
const CAUSES: readonly { readonly pattern: RegExp; readonly text: string; readonly tls?: true }[] = [
  { pattern: /ECONNREFUSED/, text: 'connection refused' },
  { pattern: /ENOTFOUND|EAI_AGAIN|Name resolution failed/, text: 'unknown host' },
  {
    pattern: /Failed to connect|ECONNRESET|socket hang up/,
    text: 'broke off the connection, expected an etcd with TLS for etcds:// and without for etcd://',
  },
  { pattern: /EHOSTUNREACH|ENETUNREACH/, text: 'host unreachable' },
  {
    pattern: /unable to (verify|get)( local)? (the first|issuer)|self-signed certificate/,
    text: 'its certificate is not signed by the CA that is trusted (ca=FILE)',
    tls: true,
  },
  { pattern: /certificate has expired/, text: 'its certificate has expired', tls: true },
  { pattern: /does not match certificate's altnames/, text: 'its certificate is of another host', tls: true },
  { pattern: /wrong version number|packet length too long/, text: 'does not speak TLS', tls: true },
  {
    pattern: /alert certificate required|alert bad certificate|alert handshake failure|alert unknown ca/,
    text: 'wants a client certificate of its CA (cert=FILE&key=FILE)',
    tls: true,
  },
];

function causeOf({ details, message }: ServiceError): string {
  const known = CAUSES.find(({ pattern }) => pattern.test(details));
  if (known !== undefined) return known.text;
  const [, last] = /Last error: (?:Error: )?(.*?)\.?(?: Resolution note:.*)?$/s.exec(details) ?? [];
  return (last ?? (details || message)).split('\n', 1)[0]!;
}

/** What became of a call that failed. */
export interface CallFailure {
  readonly error: EtcdError;
  /** The call did not get through, or its answer did not. */
  readonly lost: boolean;
  /** It did not get through for sure. */
  readonly unsent: boolean;
  /** The same will happen to the next one. */
  readonly final: boolean;
  /** For a stream: another may do better. */
  readonly passing: boolean;
}

/** Judges an error of @grpc/grpc-js; `store` names the server in what it says. */
export function failureOf(error: ServiceError, store: string): CallFailure {
  const { code, details } = error;
  const own = details.startsWith('etcdserver:');
  const lost = code === status.UNAVAILABLE;
  const tls = lost && CAUSES.some((cause) => cause.tls === true && cause.pattern.test(details));
  return {
    error: errorOf(error, store, own),
    lost,
    unsent: lost && UNSENT.test(details),
    final: tls,
    passing: isPassing(code) && !tls,
  };
}

function errorOf(error: ServiceError, store: string, own: boolean): EtcdError {
  const { code, details } = error;
  if (code === status.DEADLINE_EXCEEDED)
    return new EtcdError(UNAVAILABLE, `store ${store}: no answer in time`);
  if (code === status.UNAVAILABLE && !own)
    return new EtcdError(UNAVAILABLE, `store ${store}: ${causeOf(error)}`);
  return new EtcdError(code, details);
}
