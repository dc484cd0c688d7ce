/** What stands in the data of a NOTIFICATION: building it, reading it, and showing it to people. */
import { escapeControls } from '../../bytes/escape.ts';
import { toHex } from '../../bytes/hex.ts';
import { ByteWriter, readUint16, readUint32 } from '../byte-writer.ts';
import { capabilityName } from '../capability/table.ts';
import type { NotificationBody } from '../error.ts';
import { type AfiSafi, familyText } from '../family.ts';
import { CEASE, HARD_RESET, NOTIFICATION_CODES, type NotificationData } from './notification-codes.ts';

/** Octets of a shutdown communication's text that its length octet can say (RFC 9003 §2). */
const MAX_TEXT = 255;

/**
 * Data of an Administrative Shutdown or Reset, RFC 9003 §2: 1 length · UTF-8 text.
 * @param limit octets of text; longer text is cut between characters. RFC 8203 peers take 128 at most.
 */
export function encodeShutdownCommunication(text: string, limit: number = MAX_TEXT): Uint8Array {
  const octets = new TextEncoder().encode(text);
  let length = Math.min(octets.length, limit, MAX_TEXT);
  // Never cut within a character: 10xxxxxx continues one.
  if (length < octets.length) while (length > 0 && (octets[length]! & 0xc0) === 0x80) length -= 1;
  return Uint8Array.of(length, ...octets.subarray(0, length));
}

/** A shutdown communication as it was received. */
export interface ShutdownCommunication {
  /** Fit to be logged: what could steer a terminal or forge a log line is escaped, and so is what is no UTF-8. */
  readonly text: string;
  /** One line where its octets are not as RFC 9003 §2 wants them. Only worth a log line (§4). */
  readonly fault?: string;
}

/** Reads the data of an Administrative Shutdown or Reset; `undefined` where there is no text. */
export function decodeShutdownCommunication(data: Uint8Array): ShutdownCommunication | undefined {
  if (data.length === 0 || (data[0] === 0 && data.length === 1)) return undefined;
  const octets = data.subarray(1, 1 + data[0]!);
  const length =
    data.length === 1 + data[0]! ? undefined : `length ${data[0]} does not fit ${data.length - 1} octets`;
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets);
    return { text: escapeControls(text), ...(length === undefined ? {} : { fault: length }) };
  } catch {
    return { text: escapeOctets(octets), fault: length ?? 'text is not UTF-8' };
  }
}

/** Everything but printable ASCII as `\xff`. */
function escapeOctets(octets: Uint8Array): string {
  const escaped = Array.from(octets, (octet) =>
    octet >= 0x20 && octet < 0x7f && octet !== 0x5c
      ? String.fromCharCode(octet)
      : `\\x${octet.toString(16).padStart(2, '0')}`,
  );
  return escaped.join('');
}

/** The limit that a peer hit: a family and how many prefixes it may have. */
export interface PrefixLimit extends AfiSafi {
  readonly limit: number;
}

/** Data of Maximum Number of Prefixes Reached, RFC 4486 §4: 2 AFI · 1 SAFI · 4 limit */
export function encodePrefixLimit({ afi, safi, limit }: PrefixLimit): Uint8Array {
  const writer = new ByteWriter(7);
  writer.uint16(afi);
  writer.uint8(safi);
  writer.uint32(limit);
  return writer.finish();
}

/** Reads these data, which are optional; `undefined` where they are not there or of another length. */
export function decodePrefixLimit(data: Uint8Array): PrefixLimit | undefined {
  if (data.length !== 7) return undefined;
  return { afi: readUint16(data, 0), safi: data[2]!, limit: readUint32(data, 3) };
}

/** A Hard Reset around `body`: the peer must not keep our routes (RFC 8538 §3.1). */
export function hardReset(body: NotificationBody): NotificationBody {
  const data = new Uint8Array(2 + body.data.length);
  data[0] = body.code;
  data[1] = body.subcode;
  data.set(body.data, 2);
  return { code: CEASE, subcode: HARD_RESET, data };
}

/** What a Hard Reset wraps (RFC 8538 §3.1); any other NOTIFICATION is itself. */
export function unwrapHardReset(body: NotificationBody): NotificationBody {
  if (body.code !== CEASE || body.subcode !== HARD_RESET || body.data.length < 2) return body;
  return { code: body.data[0]!, subcode: body.data[1]!, data: body.data.subarray(2) };
}

/** What the data of this code and subcode should hold; `undefined` where there should be none. */
export function dataKind(code: number, subcode: number): NotificationData | undefined {
  return NOTIFICATION_CODES[code]?.subcodes[subcode]?.data;
}

/** Octets that {@link dataText} shows of data in hex. */
const SHOWN = 32;

/** The data in words; hex where they have not the shape that their code and subcode ask for, `undefined` for none. */
export function dataText({ code, subcode, data }: NotificationBody): string | undefined {
  if (data.length === 0) return undefined;
  return wordsFor(dataKind(code, subcode), data) ?? hexText(data);
}

function wordsFor(kind: NotificationData | undefined, data: Uint8Array): string | undefined {
  switch (kind) {
    case 'length':
      return data.length === 2 ? `length ${readUint16(data, 0)}` : undefined;
    case 'type':
      return data.length === 1 ? `type ${data[0]}` : undefined;
    case 'version':
      return data.length === 2 ? `version ${readUint16(data, 0)}` : undefined;
    case 'attribute-type':
      return data.length === 1 ? `attribute ${data[0]}` : undefined;
    case 'attribute':
      return data.length >= 2 ? `attribute ${data[1]}, ${hexText(data)}` : undefined;
    case 'capabilities':
      return capabilityNames(data);
    case 'prefix-limit': {
      const limit = decodePrefixLimit(data);
      return limit && `${familyText(limit.afi, limit.safi)} limit ${limit.limit}`;
    }
    case 'shutdown-communication': {
      const communication = decodeShutdownCommunication(data);
      return communication && `"${communication.text}"`;
    }
    default:
      return undefined;
  }
}

/** Names of capabilities in a row; `undefined` where these octets are none. */
function capabilityNames(data: Uint8Array): string | undefined {
  const names: string[] = [];
  let at = 0;
  while (at + 2 <= data.length) {
    names.push(capabilityName(data[at]!));
    at += 2 + data[at + 1]!;
  }
  return at === data.length ? names.join(', ') : undefined;
}

function hexText(data: Uint8Array): string {
  const rest = data.length > SHOWN ? `… (${data.length} octets)` : '';
  return `0x${toHex(data.subarray(0, SHOWN))}${rest}`;
}
