import type { AllowanceOptions } from './allowance.ts';

/**
 * What one client may have a connection do (RFC 9113 §10.5). etcd itself bounds none of this but the header lists; these
 * bounds are far above what its clients need, and keep one that means harm from more than a connection's share of memory
 * and time.
 */

/** Streams that may be open at once (SETTINGS_MAX_CONCURRENT_STREAMS). */
export const MAX_STREAMS = 10_000;

/** Size of a request's headers as HPACK counts it, and of a header block on its way (SETTINGS_MAX_HEADER_LIST_SIZE). */
export const MAX_HEADERS: number = 64 * 1024;

/**
 * Frames that cost something and bring no request on: a stream that is reset (CVE-2023-44487) or has to be
 * (CVE-2025-8671), PING, SETTINGS, data without octets, types that nobody knows (CVE-2019-9512 and its siblings). Clients
 * reset as many streams as they have when they end, all at once.
 */
export const IDLE_FRAMES: AllowanceOptions = { burst: MAX_STREAMS, perSecond: 1000 };

/** Answers to such frames that may wait while the client does not read. */
export const MAX_UNREAD_ANSWERS = 1000;
