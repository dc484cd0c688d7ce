import { isIPv4 } from 'node:net';
import { InvalidArgumentError } from 'commander';
import { LAB_NAME, LAB_NAME_RULE } from '../file/names.ts';

/** Parsers of option values; a value that does not fit is a usage error (exit code 2) that says what was expected. */

/** A whole number in a range. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`);
    }
    return value;
  };
}

/** Seconds, with fractions, above zero. */
export function seconds(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value <= 0 || value > 1e6) {
    throw new InvalidArgumentError('Expected a number of seconds such as 10 or 0.5.');
  }
  return value;
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds of a time as Go writes it: `90s`, `1h30m`, `1.5h`, `500ms`; at least `least` of them. */
export function goDuration(least: number): (text: string) => number {
  return (text) => {
    const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/gy)];
    const whole = parts.map(([part]) => part).join('') === text;
    const time = parts.reduce((sum, [, count, unit]) => sum + Number(count) * UNITS_MS[unit!]!, 0);
    if (whole && time >= least && Number.isSafeInteger(Math.ceil(time))) return time;
    throw new InvalidArgumentError(`Expected a time such as 10m or 1h30m, of ${least} ms or more.`);
  };
}

/** Name of a lab, as lab files may give it: nothing else ever becomes a path. */
export function labName(text: string): string {
  if (LAB_NAME.test(text)) return text;
  throw new InvalidArgumentError(`Expected ${LAB_NAME_RULE}.`);
}

/** A dotted quad. */
export function ipv4Address(text: string): string {
  if (!isIPv4(text)) throw new InvalidArgumentError('Expected an IPv4 address such as 198.51.100.11.');
  return text;
}

/** Where to listen, as `HOST:PORT` with an IP address or name; an IPv6 address in brackets. */
export function hostAndPort(text: string): { readonly address: string; readonly port: number } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const address = bracketed ?? plain;
  if (address === undefined || Number(port) > 65535) {
    throw new InvalidArgumentError('Expected HOST:PORT such as 0.0.0.0:2379.');
  }
  return { address, port: Number(port) };
}

/** `IPV4:PORT` of what nodes dial: they have IPv4 addresses, and look up no names. @throws InvalidArgumentError */
export function ipv4AndPort(text: string): { readonly address: string; readonly port: number } {
  const endpoint = hostAndPort(text);
  if (!isIPv4(endpoint.address) || endpoint.port === 0) {
    throw new InvalidArgumentError('Expected an IPv4 address and a port such as 127.0.0.1:11019.');
  }
  return endpoint;
}

/** Gathers the values of an option that may be given several times. */
export function gather(text: string, earlier: readonly string[] | undefined): readonly string[] {
  return [...(earlier ?? []), text];
}
