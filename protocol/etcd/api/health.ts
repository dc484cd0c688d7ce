import { enumeration, string } from '../../protobuf/field.ts';
import { defineMessage, type MessageType } from '../../protobuf/message.ts';
import { type Method, streaming, unary } from './method.ts';

/** grpc.health.v1.Health (grpc `doc/health-checking.md`). */

interface HealthCheckRequest {
  /** Empty: the server as a whole. */
  readonly service: string;
}

export interface HealthCheckResponse {
  readonly status: 'UNKNOWN' | 'SERVING' | 'NOT_SERVING' | 'SERVICE_UNKNOWN';
}

const request: MessageType<HealthCheckRequest> = defineMessage<HealthCheckRequest>(
  'grpc.health.v1.HealthCheckRequest',
  { service: string(1) },
);
const response: MessageType<HealthCheckResponse> = defineMessage<HealthCheckResponse>(
  'grpc.health.v1.HealthCheckResponse',
  {
    status: enumeration(1, 'grpc.health.v1.HealthCheckResponse_ServingStatus', [
      'UNKNOWN',
      'SERVING',
      'NOT_SERVING',
      'SERVICE_UNKNOWN',
    ]),
  },
);

export const health: {
  readonly check: Method<HealthCheckRequest, HealthCheckResponse>;
  readonly watch: Method<HealthCheckRequest, HealthCheckResponse>;
} = {
  check: unary('/grpc.health.v1.Health/Check', request, response),
  watch: streaming('server', '/grpc.health.v1.Health/Watch', request, response),
};
