import { type Limits, maxMessageBytes } from '../../protocol/etcd/check.ts';
import { INVALID_ARGUMENT, RESOURCE_EXHAUSTED } from '../../protocol/etcd/errors.ts';
import { EtcdError } from '../../protocol/etcd/types.ts';
import { fromJson, JsonMappingError, parseJson } from '../../protocol/protobuf/json.ts';
import type { Route } from './rpc/route.ts';

/** Characters of a message of the largest size, in base64 and with names around it, at most. */
export function maxBody(limits: Limits): number {
  return 1.5 * maxMessageBytes(limits);
}

/** The request in a JSON text. @throws EtcdError 3. */
export function readMessage(route: Route, text: string): unknown {
  try {
    return fromJson(route.method.request, parseJson(text));
  } catch (error) {
    if (error instanceof JsonMappingError) throw new EtcdError(INVALID_ARGUMENT, error.message);
    throw error;
  }
}

/** The error for a request of `size` octets. */
export function tooLarge(size: number, limits: Limits): EtcdError {
  return new EtcdError(
    RESOURCE_EXHAUSTED,
    `grpc: received message larger than max (${size} vs. ${maxMessageBytes(limits)})`,
  );
}
