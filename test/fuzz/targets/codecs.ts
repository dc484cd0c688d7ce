// The codecs behind the messages, each by itself: attributes, capabilities, NLRI.
import { ATTRIBUTES } from '../../../protocol/bgp/attribute/table.ts';
import { ByteWriter } from '../../../protocol/bgp/byte-writer.ts';
import {
  capabilityText,
  decodeCapability,
  encodeCapability,
} from '../../../protocol/bgp/capability/capability.ts';
import type { CodecContext } from '../../../protocol/bgp/context.ts';
import { capabilityFields } from '../../../protocol/bgp/dissect/capability.ts';
import { dissectNlri } from '../../../protocol/bgp/dissect/nlri.ts';
import { BgpError } from '../../../protocol/bgp/error.ts';
import type { Family } from '../../../protocol/bgp/family.ts';
import { isFault } from '../../../protocol/bgp/nlri/codec.ts';
import { checkNlri } from '../../../protocol/bgp/nlri/prefixes.ts';
import { NLRI_CODECS } from '../../../protocol/bgp/nlri/table.ts';
import { checkRoutes, forEachRoute } from '../../../protocol/bgp/nlri/walk.ts';
import { DecodeError } from '../../../protocol/bytes/decode-error.ts';
import { fromHex, toHex } from '../../../protocol/bytes/hex.ts';
import { SAMPLES } from '../../unit/bgp/attribute-bytes.ts';
import { digest } from '../digest.ts';
import { guarded } from '../guard.ts';
import { joined, mutateBytes } from '../mutate.ts';
import { ALL_FAMILIES, POOL, ROUTES } from '../seeds.ts';
import type { FuzzTarget } from '../target.ts';
import { checkTree } from '../tree.ts';
import { anyContext } from './message.ts';

const OFFSET = 23;
const NONE = new Uint8Array(0);

interface AttributeCase {
  /** Index in the table. */
  readonly which: number;
  readonly context: CodecContext;
}

/** Values of attributes. */
export const attributeTarget: FuzzTarget<AttributeCase> = {
  name: 'attribute',
  weight: 12,
  make(random) {
    const which = random.below(ATTRIBUTES.length);
    const name = ATTRIBUTES[which]![1].name;
    const sample = SAMPLES.find((candidate) => candidate.name === name);
    const seed = sample === undefined ? random.bytes(random.below(40)) : fromHex(sample.bytes).subarray(3);
    return { bytes: mutateBytes(seed, random, POOL.attributes), which, context: anyContext(random) };
  },
  check(bytes, { which, context }) {
    const [, codec] = ATTRIBUTES[which]!;
    const children = guarded(bytes, (view) => codec.fields(view, OFFSET, context), []).value!;
    checkTree({ name: codec.name, offset: OFFSET, length: bytes.length, children });
    const outcome = guarded(bytes, (view) => codec.decode(view, context, OFFSET), [DecodeError]);
    if (outcome.error !== undefined) {
      const { offset } = outcome.error as DecodeError;
      if (!(offset >= OFFSET && offset <= OFFSET + bytes.length)) throw new Error(`error at ${offset}`);
      return;
    }
    const value = outcome.value as never;
    if (codec.text(value) === '') throw new Error('no text');
    // Of AS4_PATH nothing is left where it has confederation segments only.
    if (Array.isArray(value) && (value as unknown[]).length === 0) return;
    const writer = new ByteWriter();
    codec.encode(value, writer, context);
    const again = codec.decode(writer.finish(), context, OFFSET);
    if (digest(again) !== digest(value)) throw new Error('is read as something else when written again');
  },
};

interface CapabilityCase {
  readonly code: number;
}

/** Values of capabilities. */
export const capabilityTarget: FuzzTarget<CapabilityCase> = {
  name: 'capability',
  weight: 6,
  make(random) {
    const seed = random.pick(POOL.capabilities);
    const value = mutateBytes(seed.subarray(2), random, POOL.capabilities).subarray(0, 255);
    return { bytes: value, code: random.oneIn(10) ? random.below(256) : seed[0]! };
  },
  check(bytes, { code }) {
    const value = bytes.subarray(0, 255);
    const whole = joined(Uint8Array.of(code, value.length), value);
    const children = guarded(whole, (view) => capabilityFields(view, OFFSET), []).value!;
    checkTree({ name: 'capability', offset: OFFSET, length: whole.length, children });
    const outcome = guarded(value, (view) => decodeCapability(code, view, OFFSET), [BgpError]);
    if (outcome.value === undefined) return;
    if (capabilityText(outcome.value) === '') throw new Error('no text');
    const writer = new ByteWriter();
    encodeCapability(outcome.value, writer);
    const again = decodeCapability(code, writer.finish().subarray(2), OFFSET);
    if (digest(again) !== digest(outcome.value)) {
      throw new Error('is read as something else when written again');
    }
  },
};

interface NlriCase {
  readonly family: Family;
  readonly addPath: boolean;
  readonly routerMac: boolean;
}

/** NLRI of every family. */
export const nlriTarget: FuzzTarget<NlriCase> = {
  name: 'nlri',
  weight: 10,
  make(random) {
    const family = random.pick(ALL_FAMILIES);
    const own = ROUTES.filter((route) => route.family === family).map(({ nlri }) => nlri);
    const addPath = random.oneIn(3);
    const parts = Array.from({ length: 1 + random.below(3) }, () => {
      const id = addPath ? [Uint8Array.of(0, 0, 0, random.below(4))] : [];
      return joined(...id, random.pick(own));
    });
    return { bytes: mutateBytes(joined(...parts), random, own), family, addPath, routerMac: random.oneIn(2) };
  },
  check(bytes, { family, addPath, routerMac }) {
    const announced = { routerMac };
    const children = guarded(bytes, (view) => dissectNlri(family, view, OFFSET, { addPath, announced }), [])
      .value!;
    checkTree({ name: family, offset: OFFSET, length: bytes.length, children });
    const fault = guarded(bytes, (view) => checkRoutes(family, view, addPath), []).value;
    const fast = guarded(bytes, (view) => checkNlri(family, view, addPath), []).value;
    if ((fault === undefined) !== (fast === undefined)) throw new Error('checkNlri and checkRoutes disagree');
    if (fault !== undefined && !(fault.offset >= 0 && fault.offset <= bytes.length)) {
      throw new Error(`fault at ${fault.offset}`);
    }
    forEachRoute(family, bytes, addPath, (offset, end) =>
      checkRoute(family, bytes.slice(offset, end), routerMac),
    );
  },
};

function checkRoute(family: Family, nlri: Uint8Array, routerMac: boolean): void {
  const codec = NLRI_CODECS[family];
  const fault = guarded(nlri, (view) => codec.validate(view, { routerMac }), []).value;
  if (fault !== undefined && !(fault.offset >= 0 && fault.offset <= nlri.length)) {
    throw new Error(`fault at ${fault.offset} of ${nlri.length}`);
  }
  const key = guarded(nlri, codec.key, []).value!;
  const data = guarded(nlri, codec.data, []).value!;
  guarded(nlri, codec.text, []);
  const whole = codec.join(key, data);
  for (const again of [whole, codec.join(key, NONE)]) {
    const measured = codec.measure(again, 0, again.length);
    if (isFault(measured) || measured !== again.length) throw new Error(`joined to ${toHex(again)}`);
    if (toHex(codec.key(again)) !== toHex(key)) throw new Error(`key changes in ${toHex(again)}`);
  }
  if (toHex(codec.data(whole)) !== toHex(data)) throw new Error(`data change in ${toHex(whole)}`);
}
