/**
 * Capabilities that are only shown:
 *
 *   FQDN, code 73, draft-walton-bgp-hostname-capability: 1 length · host name · 1 length · domain name
 *   Software Version, code 75, draft-ietf-idr-bgp-software-version: 1 length · text
 *
 * Text is UTF-8. What is not counts as a capability of an unknown shape, so that it is passed through untouched.
 */
import { escapeControls } from '../../bytes/escape.ts';
import type { ByteWriter } from '../byte-writer.ts';
import type { CapabilityCodec } from './codec.ts';

export interface FqdnCapability {
  readonly kind: 'fqdn';
  readonly hostName: string;
  readonly domainName: string;
}

export interface SoftwareVersionCapability {
  readonly kind: 'software-version';
  readonly version: string;
}

export const fqdn: CapabilityCodec<FqdnCapability> = {
  code: 73,
  kind: 'fqdn',
  name: 'FQDN',
  rfc: 'draft-walton-bgp-hostname-capability',
  malformed: 'ignored',
  decode(value) {
    const hostName = textAt(value, 0);
    const domainAt = 1 + (value[0] ?? 0);
    const domainName = textAt(value, domainAt);
    if (hostName === undefined || domainName === undefined) return undefined;
    if (domainAt + 1 + value[domainAt]! !== value.length) return undefined;
    return { kind: 'fqdn', hostName, domainName };
  },
  encode({ hostName, domainName }, writer) {
    writeText(hostName, writer);
    writeText(domainName, writer);
  },
  text: ({ hostName, domainName }) =>
    escapeControls([hostName, domainName].filter((part) => part !== '').join('.')),
  fields(value, offset) {
    const domainAt = 1 + value[0]!;
    return [
      { name: 'host name', offset, length: domainAt, value: textAt(value, 0)! },
      {
        name: 'domain name',
        offset: offset + domainAt,
        length: value.length - domainAt,
        value: textAt(value, domainAt)!,
      },
    ];
  },
};

export const softwareVersion: CapabilityCodec<SoftwareVersionCapability> = {
  code: 75,
  kind: 'software-version',
  name: 'Software Version',
  rfc: 'draft-ietf-idr-bgp-software-version',
  malformed: 'ignored',
  decode(value) {
    const version = textAt(value, 0);
    return version === undefined || 1 + value[0]! !== value.length
      ? undefined
      : { kind: 'software-version', version };
  },
  encode: ({ version }, writer) => writeText(version, writer),
  text: ({ version }) => escapeControls(version),
  fields: (value, offset) => [{ name: 'version', offset, length: value.length, value: textAt(value, 0)! }],
};

/** Text with a length octet before it; `undefined` where it is cut off or no UTF-8. */
function textAt(value: Uint8Array, at: number): string | undefined {
  if (at >= value.length || at + 1 + value[at]! > value.length) return undefined;
  try {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    return decoder.decode(value.subarray(at + 1, at + 1 + value[at]!));
  } catch {
    return undefined;
  }
}

/** @throws RangeError where the text has more than 255 octets. */
function writeText(text: string, writer: ByteWriter): void {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length > 255) throw new RangeError(`text of ${bytes.length} octets, at most 255 fit: ${text}`);
  writer.uint8(bytes.length);
  writer.append(bytes);
}
