import { INVALID_ARGUMENT } from '../../protocol/etcd/errors.ts';
import { EtcdError } from '../../protocol/etcd/types.ts';
import { fromJson, JsonMappingError, parseJson } from '../../protocol/protobuf/json.ts';
import type { Route } from './rpc/route.ts';

/** etcd's limit for a message is 2 MiB; in base64 it takes a third more. */
export const MAX_BODY: number = 3 * 1024 * 1024;
const MAX_MESSAGE = 2 * 1024 * 1024;
const RESOURCE_EXHAUSTED = 8;

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
export function tooLarge(size: number): EtcdError {
  return new EtcdError(
    RESOURCE_EXHAUSTED,
    `grpc: received message larger than max (${size} vs. ${MAX_MESSAGE})`,
  );
}
