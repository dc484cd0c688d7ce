/**
 * MPLS labels in NLRI, RFC 8277 §2: 3 octets each, the label in the upper 20 bits, the lowest bit set on the last
 * one of a stack. A withdrawn route carries 0x800000, or 0x000000 from speakers of RFC 3107, in place of labels (§2.4).
 */
export const LABEL_LENGTH = 3;

/** What stands for the labels of a withdrawn route. */
export const WITHDRAW_LABEL: Uint8Array = Uint8Array.of(0x80, 0, 0);

/** The three octets at `at` as one number. */
export function readUint24(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
}

/**
 * Octets of the label stack at `at`: up to a bottom-of-stack bit or one of the values of a withdrawn route;
 * `undefined` where it has not ended by `limit`.
 */
export function labelStackLength(bytes: Uint8Array, at: number, limit: number): number | undefined {
  for (let end = at + LABEL_LENGTH; end <= limit; end += LABEL_LENGTH) {
    const entry = readUint24(bytes, end - LABEL_LENGTH);
    if ((entry & 1) !== 0 || entry === 0x800000 || entry === 0) return end - at;
  }
  return undefined;
}

/** `"100"`, `"100/200"` for a stack (top first); `undefined` for a withdrawn route's. */
export function labelText(stack: Uint8Array): string | undefined {
  const first = readUint24(stack, 0);
  if (stack.length === LABEL_LENGTH && (first === 0x800000 || first === 0)) return undefined;
  const labels: number[] = [];
  for (let at = 0; at < stack.length; at += LABEL_LENGTH) labels.push(readUint24(stack, at) >> 4);
  return labels.join('/');
}

/**
 * The stack of what {@link labelText} gives.
 * @throws RangeError naming the text where it is none, or where a label above another one would read as the mark of a
 * withdrawn route: 0 and 524288.
 */
export function parseLabels(text: string): Uint8Array {
  const labels = text.split('/').map((part) => (/^\d{1,7}$/.test(part) ? Number(part) : Number.NaN));
  if (!labels.every((label) => label <= 0xfffff)) {
    throw new RangeError(`not MPLS labels: ${JSON.stringify(text)} (0 to ${0xfffff}, "/" between them)`);
  }
  if (labels.slice(0, -1).some((label) => label === 0 || label << 4 === 0x800000)) {
    throw new RangeError(`labels 0 and 524288 must be the last of a stack: ${JSON.stringify(text)}`);
  }
  const stack = new Uint8Array(labels.length * LABEL_LENGTH);
  labels.forEach((label, i) => {
    const entry = (label << 4) | (i === labels.length - 1 ? 1 : 0);
    stack.set([entry >> 16, entry >> 8, entry], i * LABEL_LENGTH);
  });
  return stack;
}
