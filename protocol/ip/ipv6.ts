/** IPv6 addresses as 16 bytes; text form as RFC 5952 writes it. */

/** Parses RFC 4291 §2.2 text (with `::` and an embedded dotted quad). @throws RangeError if it is none. */
export function parseIpv6(text: string): Uint8Array {
  const bytes = tryParseIpv6(text);
  if (bytes === undefined) throw new RangeError(`not an IPv6 address: ${JSON.stringify(text)}`);
  return bytes;
}

/** As {@link parseIpv6}, but `undefined` where the text is no IPv6 address. */
export function tryParseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const left = groups(halves[0]!);
  const right = halves.length === 2 ? groups(halves[1]!) : [];
  if (left === undefined || right === undefined) return undefined;
  const missing = 8 - left.length - right.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const all = [...left, ...new Array<number>(missing).fill(0), ...right];
  const bytes = new Uint8Array(16);
  all.forEach((group, i) => {
    bytes[2 * i] = group >>> 8;
    bytes[2 * i + 1] = group & 255;
  });
  return bytes;
}

function groups(text: string): number[] | undefined {
  if (text === '') return [];
  const result: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    if (part.includes('.') && i === parts.length - 1) {
      const octets = part.split('.');
      if (octets.length !== 4 || !octets.every((o) => /^(0|[1-9]\d{0,2})$/.test(o) && Number(o) < 256))
        return undefined;
      const [a, b, c, d] = octets.map(Number) as [number, number, number, number];
      result.push(a * 256 + b, c * 256 + d);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      result.push(Number.parseInt(part, 16));
    } else {
      return undefined;
    }
  }
  return result;
}

/**
 * RFC 5952 text: lower case, no leading zeros, the longest run of zero groups (two or more, leftmost) as `::`.
 * @param shortestRun zero groups that are a run at least; RFC 5952 §4.2.2 wants two.
 */
export function formatIpv6(bytes: Uint8Array, shortestRun = 2): string {
  const words: number[] = [];
  for (let i = 0; i < 16; i += 2) words.push(bytes[i]! * 256 + bytes[i + 1]!);
  let best = -1;
  let bestLength = shortestRun - 1;
  for (let start = 0; start < 8; start++) {
    let end = start;
    while (end < 8 && words[end] === 0) end++;
    if (end - start > bestLength) {
      best = start;
      bestLength = end - start;
    }
    if (end > start) start = end;
  }
  const hex = words.map((word) => word.toString(16));
  if (best < 0) return hex.join(':');
  return `${hex.slice(0, best).join(':')}::${hex.slice(best + bestLength).join(':')}`;
}
