import type { SessionOutput } from '../../protocol/bgp/session/event.ts';
import type { Log } from '../ports.ts';

type Fault = SessionOutput & { readonly kind: 'fault' };

/**
 * Logs a message with faults whole, with its routes, what was wrong and what came of it (RFC 7606 §6: the operator must
 * be able to find out what the message was).
 */
export function logFault(log: Log, { outcome, reasons, routes, bytes }: Fault): void {
  log.warn({ outcome, reasons, routes, message: hex(bytes) }, 'BGP message fault');
}

/** What a capture says of the message, which it has itself. */
export function faultComment({ outcome, reasons }: Fault): string {
  return `BGP message fault, ${outcome}: ${reasons.join('; ')}`;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}
