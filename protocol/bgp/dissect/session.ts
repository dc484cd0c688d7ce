import type { CodecContext } from '../context.ts';
import { BgpError } from '../error.ts';
import { FAMILIES, type Family } from '../family.ts';
import { MAX_EXTENDED_MESSAGE_LENGTH, MAX_MESSAGE_LENGTH, OPEN, UPDATE } from '../message/header.ts';
import { decodeOpen } from '../message/open.ts';
import { type CapabilitySet, capabilitySet } from '../session/capability-set.ts';
import type { Field } from './field.ts';
import { dissectMessage } from './message.ts';
import { SessionMessages } from './session-messages.ts';
import { faultWeight } from './worst-error.ts';

/** What the person knows of a session, for whatever its OPENs do not say because they were not seen. */
export interface SessionKnowledge {
  /** AS numbers in AS_PATH and AGGREGATOR have four octets; undefined to find out. */
  readonly fourOctetAs?: boolean;
  /** Families whose NLRI carries path identifiers. */
  readonly addPath?: readonly Family[];
}

/** A part of the context that the capture does not show. */
export type Guess = 'fourOctetAs' | 'addPath' | 'peerType';

/** One message of a session, taken apart. */
export interface DissectedMessage {
  /** A view, valid during the call. */
  readonly bytes: Uint8Array;
  readonly field: Field;
  /** How it was read. */
  readonly context: CodecContext;
  /** What of the context, as far as it matters to this message, is a guess. */
  readonly guessed: readonly Guess[];
}

/** What is told of one direction of a session, in the order of its octets. */
export interface SessionVisitor {
  message(message: DissectedMessage): void;
  /** Octets that belong to no message, after a gap or a wrong header. */
  skipped(octets: number): void;
}

/** A message in a context. */
type Reading = Pick<DissectedMessage, 'context' | 'field'>;

/**
 * What speaks against a confederation: more than an attribute that an external peer must not send, less than an AS_PATH
 * with confederation segments, which nobody else may send (RFC 5065 §5).
 */
const CONFEDERATION_MISFIT = 2.5;

function misfitKey({ fourOctetAs, addPath, peerType }: CodecContext): string {
  return `${fourOctetAs} ${addPath?.length ?? 0} ${peerType}`;
}

/** How badly a reading of an UPDATE fits: its faults, and routes that repeat, as path identifiers read as prefixes do. */
function misfitOf(field: Field): number {
  return faultWeight(field) + repeatedRoutes(field);
}

function repeatedRoutes(field: Field): number {
  const children = field.children ?? [];
  const routes = children.filter(({ name }) => name === 'route').map(({ value }) => value);
  return children.reduce((sum, child) => sum + repeatedRoutes(child), routes.length - new Set(routes).size);
}

/** What is known of one end. */
interface Speaker {
  readonly asn: number;
  readonly capabilities: CapabilitySet;
}

const EVERY_FAMILY: readonly Family[] = Object.values(FAMILIES).map(({ family }) => family);
const IPV4_FAMILIES: readonly Family[] = Object.values(FAMILIES)
  .filter(({ afi }) => afi === 1)
  .map(({ family }) => family);

/**
 * Reads both directions of a session as its two speakers did: each UPDATE in the context that the OPENs before it
 * settled (four-octet AS numbers, path identifiers, families, long messages, next hops), and where an OPEN was not
 * seen, in the one that fits the UPDATEs seen so far best.
 */
export class SessionDissector {
  readonly #knowledge: SessionKnowledge;
  readonly #speakers: [Speaker | undefined, Speaker | undefined] = [undefined, undefined];
  readonly #directions: readonly [SessionMessages, SessionMessages];
  /** How badly each candidate context fits the UPDATEs of a direction so far. */
  readonly #misfits: readonly [Map<string, number>, Map<string, number>] = [new Map(), new Map()];

  /** @param visitors of the two directions. */
  constructor(knowledge: SessionKnowledge, visitors: readonly [SessionVisitor, SessionVisitor]) {
    this.#knowledge = knowledge;
    const direction = (sender: 0 | 1): SessionMessages =>
      new SessionMessages(
        {
          message: (bytes) => visitors[sender].message(this.#dissect(sender, bytes)),
          skipped: (octets) => visitors[sender].skipped(octets),
        },
        () => this.#maximum(sender),
      );
    this.#directions = [direction(0), direction(1)];
  }

  /** What comes next is the first that speaker 0 or 1 sent; without this, it may be in the middle of a message. */
  begin(sender: 0 | 1): void {
    this.#directions[sender].begin();
  }

  /** The next octets that speaker 0 or 1 sent. */
  push(sender: 0 | 1, bytes: Uint8Array): void {
    this.#directions[sender].push(bytes);
  }

  /** Some of the next octets are missing. */
  gap(sender: 0 | 1): void {
    this.#directions[sender].gap();
  }

  /** Nothing more comes; a message that is not whole is told as far as it is there. */
  end(sender: 0 | 1): void {
    this.#directions[sender].end();
  }

  /** Nobody who was not seen can be said not to take long messages. */
  #maximum(sender: 0 | 1): number {
    const receiver = this.#speakers[other(sender)];
    const long = receiver === undefined || receiver.capabilities.extendedMessage;
    return long ? MAX_EXTENDED_MESSAGE_LENGTH : MAX_MESSAGE_LENGTH;
  }

  #dissect(sender: 0 | 1, bytes: Uint8Array): DissectedMessage {
    if (bytes[18] === OPEN) this.#speakers[sender] = readOpen(bytes) ?? this.#speakers[sender];
    const candidates = this.#contexts(sender);
    if (bytes[18] === UPDATE)
      return { bytes, ...this.#bestFit(sender, bytes, candidates), guessed: this.#guessed(sender) };
    return { bytes, context: candidates[0]!, field: dissectMessage(bytes, candidates[0]!), guessed: [] };
  }

  /**
   * The reading with the fewest faults in all UPDATEs so far; of equals, the likeliest. A message that has none in the
   * best context so far needs no other.
   */
  #bestFit(sender: 0 | 1, bytes: Uint8Array, candidates: readonly CodecContext[]): Reading {
    const misfits = this.#misfits[sender];
    const misfit = (context: CodecContext): number => misfits.get(misfitKey(context)) ?? 0;
    const best = candidates.reduce((a, b) => (misfit(b) < misfit(a) ? b : a));
    const field = dissectMessage(bytes, best);
    if (candidates.length === 1 || misfitOf(field) === 0) return { context: best, field };
    const readings = candidates.map((context) => ({
      context,
      field: context === best ? field : dissectMessage(bytes, context),
    }));
    for (const reading of readings) {
      const unlikely = reading.context.peerType === 'confederation' ? CONFEDERATION_MISFIT : 0;
      misfits.set(misfitKey(reading.context), misfit(reading.context) + misfitOf(reading.field) + unlikely);
    }
    return readings.reduce((a, b) => (misfit(b.context) < misfit(a.context) ? b : a));
  }

  #guessed(sender: 0 | 1): Guess[] {
    if (this.#speakers[0] !== undefined && this.#speakers[1] !== undefined) return [];
    const from = this.#speakers[sender]?.capabilities;
    const to = this.#speakers[other(sender)]?.capabilities;
    const lacking = [from, to].some((set) => set !== undefined && set.fourOctetAs === undefined);
    const guesses: Guess[] = [];
    if (this.#knowledge.fourOctetAs === undefined && !lacking) guesses.push('fourOctetAs');
    if (this.#addPath(from, to).length > 1) guesses.push('addPath');
    guesses.push('peerType');
    return guesses;
  }

  /** The contexts in which a message may have been meant, the likeliest first. */
  #contexts(sender: 0 | 1): CodecContext[] {
    const from = this.#speakers[sender];
    const to = this.#speakers[other(sender)];
    const base = sharedContext(from?.capabilities, to?.capabilities);
    const addPaths = this.#addPath(from?.capabilities, to?.capabilities);
    const peerTypes = peerTypesOf(from, to);
    return this.#fourOctetAs(from?.capabilities, to?.capabilities).flatMap((fourOctetAs) =>
      addPaths.flatMap((addPath) =>
        peerTypes.map((peerType) => ({ ...base, fourOctetAs, addPath, peerType })),
      ),
    );
  }

  /** RFC 7911 §4: who can send to who can receive. Of one OPEN, what it offers may have been taken up or not. */
  #addPath(from: CapabilitySet | undefined, to: CapabilitySet | undefined): (readonly Family[])[] {
    if (from !== undefined && to !== undefined) return [meet(from.addPathSend, to.addPathReceive)];
    if (this.#knowledge.addPath !== undefined) return [this.#knowledge.addPath];
    const possible = from?.addPathSend ?? to?.addPathReceive ?? EVERY_FAMILY;
    return possible.length === 0 ? [[]] : [[], possible];
  }

  /** RFC 6793 §4.1: both must have the capability. */
  #fourOctetAs(from: CapabilitySet | undefined, to: CapabilitySet | undefined): boolean[] {
    if (from !== undefined && to !== undefined)
      return [from.fourOctetAs !== undefined && to.fourOctetAs !== undefined];
    const seen = from ?? to;
    if (seen !== undefined && seen.fourOctetAs === undefined) return [false];
    return this.#knowledge.fourOctetAs === undefined ? [true, false] : [this.#knowledge.fourOctetAs];
  }
}

function other(sender: 0 | 1): 0 | 1 {
  return sender === 0 ? 1 : 0;
}

/** A confederation's members look like any other AS in their OPENs; only what they send tells (RFC 5065 §5). */
function peerTypesOf(from: Speaker | undefined, to: Speaker | undefined): CodecContext['peerType'][] {
  if (from === undefined || to === undefined) return ['external', 'internal', 'confederation'];
  return from.asn === to.asn ? ['internal'] : ['external', 'confederation'];
}

/** What two OPENs settle about the messages from one speaker to the other. */
function sharedContext(
  from: CapabilitySet | undefined,
  to: CapabilitySet | undefined,
): Omit<CodecContext, 'fourOctetAs' | 'peerType' | 'addPath'> {
  const both = from !== undefined && to !== undefined;
  return {
    extendedMessage: to?.extendedMessage ?? true,
    families: both ? meet(from.families, to.families) : EVERY_FAMILY,
    extendedNextHop: to?.extendedNextHop ?? IPV4_FAMILIES,
  };
}

function meet(a: readonly Family[], b: readonly Family[]): Family[] {
  return a.filter((family) => b.includes(family));
}

/** What an OPEN says; undefined where it is not sound, since nobody goes by it then. */
function readOpen(bytes: Uint8Array): Speaker | undefined {
  try {
    const open = decodeOpen(bytes);
    const capabilities = capabilitySet(open.capabilities);
    return { asn: capabilities.fourOctetAs ?? open.myAs, capabilities };
  } catch (error) {
    if (error instanceof BgpError) return undefined;
    throw error;
  }
}
