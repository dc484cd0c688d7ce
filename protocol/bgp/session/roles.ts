/** Roles of the two ends of an external session, RFC 9234 §4. */
import { ROLE_NAMES, roleText } from '../capability/role.ts';
import type { PeerType } from '../context.ts';
import { BgpError } from '../error.ts';
import { HEADER_LENGTH } from '../message/header.ts';
import { OPEN_MESSAGE_ERROR, ROLE_MISMATCH } from '../message/notification-codes.ts';
import type { BgpRole, CompleteConfig } from './config.ts';

/** What the other end must be, RFC 9234 §4.2 table 2. */
const COUNTERPART: Readonly<Record<BgpRole, BgpRole>> = {
  provider: 'customer',
  customer: 'provider',
  'rs-server': 'rs-client',
  'rs-client': 'rs-server',
  peer: 'peer',
};

/**
 * The roles of both sides, where both said theirs.
 * @param remote every role in the peer's OPEN, as numbers of the wire.
 * @throws BgpError 2/11 where the peer contradicts itself, where the roles do not go together, or where the peer says
 * none and strict mode is on.
 */
export function negotiateRole(
  config: CompleteConfig,
  peerType: PeerType,
  remote: readonly number[],
): { readonly local: BgpRole; readonly remote: BgpRole } | undefined {
  const { role: local, roleStrict } = config.capabilities;
  // RFC 9234 §4: within an AS, or a confederation, there are no roles.
  if (local === undefined || peerType !== 'external') return undefined;
  const [first] = remote;
  if (first === undefined) {
    if (roleStrict) throw mismatch('the peer must say its role');
    return undefined;
  }
  if (remote.some((role) => role !== first))
    throw mismatch(`roles ${remote.map(roleText).join(', ')} contradict each other`);
  const expected = COUNTERPART[local];
  const theirs = ROLE_NAMES[first];
  if (theirs !== expected)
    throw mismatch(`role ${roleText(first)} must be ${expected}, since we are ${local}`);
  return { local, remote: theirs };
}

function mismatch(expected: string): BgpError {
  return new BgpError('OPEN', HEADER_LENGTH + 9, expected, OPEN_MESSAGE_ERROR, ROLE_MISMATCH);
}
