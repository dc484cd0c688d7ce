/** Values that occur in several places of a speaker's file. Each `error` is what was expected there. */
import { z } from 'zod';
import { FAMILIES, type Family } from '../../protocol/bgp/family.ts';
import { FORMATS, type Format } from './formats.ts';

const textError = { error: 'some text (quote numbers and true/false)' };

/** Text that is not empty. */
export const text: z.ZodType<string> = z.string(textError).min(1, textError);

export const boolean: z.ZodType<boolean> = z.boolean({ error: 'true or false' });

/** A whole number within bounds. */
export function integer(min: number, max: number, unit = ''): z.ZodType<number> {
  const error = { error: `a whole number${unit} from ${min} to ${max}` };
  return z.int(error).min(min, error).max(max, error);
}

/** Whole seconds within bounds. */
export function seconds(min: number, max: number): z.ZodType<number> {
  return integer(min, max, ' of seconds');
}

/** One of some words. */
export function oneOf<const T extends readonly [string, ...string[]]>(...values: T): z.ZodType<T[number]> {
  return z.enum(values, { error: values.length === 1 ? values[0] : `one of ${values.join(', ')}` });
}

const asnError = { error: 'an AS number from 1 to 4294967295' };
export const asn: z.ZodType<number> = z.int(asnError).min(1, asnError).max(4294967295, asnError);

/** Text of a format, which the JSON Schema names. */
export function formatted(format: Format, expected: string): z.ZodType<string> {
  const error = { error: expected };
  return z.string(error).refine(FORMATS[format], error).meta({ format });
}

/** IPv4 or IPv6. */
export const address: z.ZodType<string> = formatted('ip-address', 'an IP address such as 192.0.2.1');

export const dottedQuad: z.ZodType<string> = formatted('dotted-quad', 'a dotted quad such as 192.0.2.1');

export const prefix: z.ZodType<string> = formatted(
  'prefix',
  'a prefix without host bits such as 192.0.2.0/24',
);

export const port: z.ZodType<number> = integer(1, 65535);

const families = Object.keys(FAMILIES) as [Family, ...Family[]];
export const family: z.ZodType<Family> = z.enum(families, {
  error: 'an address family such as ipv4-unicast or l2vpn-evpn',
});

/** A mapping from families to something. */
export function byFamily<T>(value: z.ZodType<T>): z.ZodType<Partial<Record<Family, T>>> {
  const shape = Object.fromEntries(families.map((name) => [name, value.optional()]));
  return z.strictObject(shape) as unknown as z.ZodType<Partial<Record<Family, T>>>;
}
