import type { CodecContext } from '../../protocol/bgp/context.ts';
import type { Field, FieldError } from '../../protocol/bgp/dissect/field.ts';
import type { Guess } from '../../protocol/bgp/dissect/session.ts';
import { isMalformed } from '../../protocol/bgp/dissect/worst-error.ts';
import { describeNotification } from '../../protocol/bgp/message/notification.ts';
import { type DecodeRecord, isoNanos, type Place } from './bgp-decode-record.ts';
import type { Paint, Style } from './context.ts';

/** Longer values are cut, in hex digits or characters; the JSON form has all of them. */
const LONGEST_VALUE = 96;

const TYPE_STYLES: Readonly<Record<string, Style>> = {
  OPEN: 'green',
  UPDATE: 'cyan',
  NOTIFICATION: 'red',
  'ROUTE-REFRESH': 'magenta',
};

/** The lines of a record for people, without a line end. */
export function recordText(record: DecodeRecord, paint: Paint): string {
  if (record.kind === 'gap') {
    return paint('yellow', `-- ${octets(record.octets)} missing in the capture${place(record.place)}`);
  }
  if (record.kind === 'skipped') {
    return paint(
      'yellow',
      `-- ${octets(record.octets)} skipped up to the next message${place(record.place)}`,
    );
  }
  const { field } = record.message;
  const width = 2 * String(Math.max(0, field.length - 1)).length + 2;
  return [
    ...headLines(record, paint),
    ...(field.children ?? []).flatMap((child) => fieldLines(child, 0, width, paint)),
    '',
  ].join('\n');
}

function octets(count: number): string {
  return count === 1 ? '1 octet' : `${count} octets`;
}

function headLines(record: DecodeRecord & { readonly kind: 'message' }, paint: Paint): string[] {
  const { number, message, missing, malformed } = record;
  const { field, context, guessed } = message;
  const type = paint(['bold', TYPE_STYLES[field.name] ?? 'white'] as Style, field.name);
  const cut = missing === 0 ? '' : paint('red', `, ${octets(missing)} missing`);
  const verdict = malformed ? `, ${paint('red', 'malformed')}` : '';
  const lines = [`#${number} ${type}, ${octets(field.length)}${cut}${verdict}${place(record.place)}`];
  if (guessed.length > 0) {
    const said = guessed.map((guess) => guessText(guess, context)).join(', ');
    lines.push(paint('dim', `   guessed, for want of an OPEN: ${said}`));
  }
  if (field.error !== undefined) lines.push(errorLine(field.error, '   ', paint));
  return lines;
}

function guessText(guess: Guess, context: CodecContext): string {
  switch (guess) {
    case 'fourOctetAs':
      return `${context.fourOctetAs ? 'four' : 'two'}-octet AS numbers`;
    case 'addPath':
      return `${context.addPath?.length ? '' : 'no '}path identifiers`;
    case 'peerType':
      return `${context.peerType} peer`;
  }
}

/** ` · 192.0.2.1:179 → 192.0.2.2:40000 · frame 4 · 2026-01-31 12:00:00.123456789 UTC` */
function place({ source, destination, frame, nanos }: Place): string {
  const parts: string[] = [];
  if (source !== undefined && destination !== undefined)
    parts.push(`${endpoint(source)} → ${endpoint(destination)}`);
  if (frame !== undefined) parts.push(`frame ${frame}`);
  if (nanos !== undefined) parts.push(isoNanos(nanos).replace('T', ' ').replace('Z', ' UTC'));
  return parts.map((part) => ` · ${part}`).join('');
}

function endpoint({ address, port }: { readonly address: string; readonly port: number }): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** A field and what is in it, a line each, with its octets before it in `width` characters. */
export function fieldLines(field: Field, depth: number, width: number, paint: Paint): string[] {
  const indent = '  '.repeat(depth);
  const range = paint('dim', byteRange(field).padStart(width));
  const value = valueText(field);
  const name = field.children === undefined ? field.name : paint('bold', field.name);
  const lines = [`  ${range}  ${indent}${name}${value === '' ? '' : `: ${value}`}`];
  if (field.error !== undefined)
    lines.push(errorLine(field.error, `  ${' '.repeat(width)}  ${indent}`, paint));
  for (const child of field.children ?? []) lines.push(...fieldLines(child, depth + 1, width, paint));
  return lines;
}

/** `16..17`, `18`, and `19` followed by a dash for what has no octets. */
function byteRange({ offset, length }: Field): string {
  if (length === 0) return `${offset}-`;
  return length === 1 ? String(offset) : `${offset}..${offset + length - 1}`;
}

/** What a person reads, and the number that stands there where that is another thing. */
function valueText({ value, text }: Field): string {
  if (value === undefined) return text ?? '';
  const plain = Array.isArray(value) ? value.join(' ') : String(value);
  if (text === undefined) return shortened(plain);
  return typeof value === 'number' && !saysNumber(text, plain) ? `${text} (${value})` : shortened(text);
}

/** Whether the digits stand in the text as a number of their own. */
function saysNumber(text: string, digits: string): boolean {
  const at = text.indexOf(digits);
  return at >= 0 && !/\d/.test(`${text[at - 1] ?? ''}${text[at + digits.length] ?? ''}`);
}

function shortened(text: string): string {
  if (text.length <= LONGEST_VALUE) return text;
  return `${text.slice(0, LONGEST_VALUE - 24)}… (${text.length} characters)`;
}

function errorLine(error: FieldError, indent: string, paint: Paint): string {
  const { outcome, reason, rfc, notification } = error;
  const answer = notification === undefined ? '' : ` → NOTIFICATION ${describeNotification(notification)}`;
  const mark = outcome === 'none' ? '' : `${outcome}: `;
  return `${indent}${paint(isMalformed(error) ? 'red' : 'yellow', `! ${mark}${reason} (${rfc})${answer}`)}`;
}
