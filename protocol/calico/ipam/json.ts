/**
 * JSON with integers beyond 2^53: sequence numbers of blocks are nanoseconds since 1970, written as JSON numbers
 * (Calico is Go: uint64). They are bigint here and keep every digit.
 */

/** Parses JSON; integers that a number cannot hold exactly become bigint. @throws SyntaxError */
export function parseJson(text: string): unknown {
  const revive = (_key: string, value: unknown, context?: { readonly source?: string }): unknown => {
    const exact = typeof value !== 'number' || !Number.isInteger(value) || Number.isSafeInteger(value);
    return exact || context?.source === undefined || !/^-?\d+$/.test(context.source)
      ? value
      : BigInt(context.source);
  };
  return JSON.parse(text, revive);
}

/** JSON text of a value in which bigint stands for an integer. */
export function stringifyJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? rawJson(item) : item));
}

/** `JSON.rawJSON` (ECMAScript proposal json-parse-with-source), which the compiler's library does not declare yet. */
function rawJson(value: bigint): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(String(value));
}
