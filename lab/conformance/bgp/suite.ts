/** All requirements, in the order of the list that they come from (docs/conformance.md). */
import type { Requirement } from './requirement.ts';
import { ADD_PATH_TESTS } from './tests/add-path.ts';
import { ATTRIBUTE_TESTS } from './tests/attribute.ts';
import { CAPABILITY_TESTS } from './tests/capability.ts';
import { COLLISION_TESTS } from './tests/collision.ts';
import { DECISION_TESTS } from './tests/decision.ts';
import { EVPN_TESTS } from './tests/evpn.ts';
import { EXTENDED_MESSAGE_TESTS } from './tests/extended-message.ts';
import { FOUR_OCTET_AS_TESTS } from './tests/four-octet-as.ts';
import { FSM_TESTS } from './tests/fsm.ts';
import { GRACEFUL_RESTART_TESTS } from './tests/graceful-restart.ts';
import { HEADER_TESTS } from './tests/header.ts';
import { MULTIPROTOCOL_TESTS } from './tests/multiprotocol.ts';
import { NEXT_HOP_TESTS } from './tests/next-hop.ts';
import { NLRI_TESTS } from './tests/nlri.ts';
import { NOTIFICATION_TESTS } from './tests/notification.ts';
import { OPEN_TESTS } from './tests/open.ts';
import { PROPAGATION_TESTS } from './tests/propagation.ts';
import { REFLECTION_TESTS } from './tests/reflection.ts';
import { ROUTE_REFRESH_TESTS } from './tests/route-refresh.ts';
import { TIMER_TESTS } from './tests/timer.ts';
import { UPDATE_TESTS } from './tests/update.ts';

export const REQUIREMENTS: readonly Requirement[] = [
  ...HEADER_TESTS,
  ...OPEN_TESTS,
  ...CAPABILITY_TESTS,
  ...FSM_TESTS,
  ...TIMER_TESTS,
  ...COLLISION_TESTS,
  ...UPDATE_TESTS,
  ...ATTRIBUTE_TESTS,
  ...NLRI_TESTS,
  ...MULTIPROTOCOL_TESTS,
  ...FOUR_OCTET_AS_TESTS,
  ...REFLECTION_TESTS,
  ...NEXT_HOP_TESTS,
  ...DECISION_TESTS,
  ...PROPAGATION_TESTS,
  ...ROUTE_REFRESH_TESTS,
  ...GRACEFUL_RESTART_TESTS,
  ...ADD_PATH_TESTS,
  ...EXTENDED_MESSAGE_TESTS,
  ...NOTIFICATION_TESTS,
  ...EVPN_TESTS,
];

/**
 * Requirements by id or group: `HDR-1`, `HDR`, in any case of letters.
 * @throws RangeError naming a word that none has.
 */
export function selectRequirements(words: readonly string[]): readonly Requirement[] {
  if (words.length === 0) return REQUIREMENTS;
  const wanted = words.flatMap((word) => word.toUpperCase().split(',')).filter((word) => word !== '');
  const matches = (requirement: Requirement, word: string): boolean =>
    requirement.id === word || requirement.id.split('-')[0] === word;
  const unknown = wanted.find((word) => !REQUIREMENTS.some((requirement) => matches(requirement, word)));
  if (unknown !== undefined) throw new RangeError(`no requirement ${unknown}`);
  return REQUIREMENTS.filter((requirement) => wanted.some((word) => matches(requirement, word)));
}
