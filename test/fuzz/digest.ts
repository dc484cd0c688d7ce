// One number for everything that a decoder gives, to compare two results without writing them out.

const PRIME = 0x01000193;
const scratch = new DataView(new ArrayBuffer(8));

/** 32 bits of FNV-1a over a value: octets, texts, numbers, and what lists and objects hold, with their keys. */
export function digest(value: unknown, hash = 0x811c9dc5): number {
  switch (typeof value) {
    case 'number':
      return ofNumber(value, hash);
    case 'string':
      return ofText(value, hash ^ 2);
    case 'boolean':
      return mix(hash, value ? 3 : 4);
    case 'bigint':
      return ofText(value.toString(), hash ^ 5);
    case 'object':
      return value === null ? mix(hash, 6) : ofObject(value, hash);
    default:
      return mix(hash, 7);
  }
}

function mix(hash: number, value: number): number {
  return Math.imul(hash ^ value, PRIME);
}

function ofNumber(value: number, hash: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= 0xffffffff) return mix(mix(hash, 1), value);
  scratch.setFloat64(0, value);
  return mix(mix(hash, scratch.getUint32(0)), scratch.getUint32(4));
}

function ofText(text: string, hash: number): number {
  let result = mix(hash, text.length);
  for (let i = 0; i < text.length; i++) result = mix(result, text.charCodeAt(i));
  return result;
}

function ofObject(value: object, hash: number): number {
  if (value instanceof Uint8Array) {
    let result = mix(hash ^ 8, value.length);
    for (let i = 0; i < value.length; i++) result = mix(result, value[i]!);
    return result;
  }
  if (Array.isArray(value)) {
    let result = mix(hash ^ 9, value.length);
    for (const item of value) result = digest(item, result);
    return result;
  }
  // Whatever the order of the keys.
  let sum = 0;
  for (const key in value) {
    const member = (value as Record<string, unknown>)[key];
    if (member !== undefined) sum = (sum + digest(member, ofText(key, 10))) | 0;
  }
  return mix(hash ^ 10, sum);
}
