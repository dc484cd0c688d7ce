import { z } from 'zod';

/**
 * The shape of a BGPFilter's spec in a lab file, for editors and for mistyped keys; what the values must be is judged by
 * the reader that the agents use (protocol/calico/resources/bgp-filter.ts).
 */

const text = z.string({ error: 'a string' });
const number = z.int({ error: 'a whole number' });
const asn = z.union([number, text], { error: 'an AS number' });
const action = z.enum(['Accept', 'Reject'], { error: 'one of Accept, Reject' });
const operator = z.enum(['Equal', 'NotEqual', 'In', 'NotIn'], { error: 'one of Equal, NotEqual, In, NotIn' });

const operation = z.strictObject({
  addCommunity: z.strictObject({ value: text }).describe('Community a:b or a:b:c to add.').optional(),
  prependASPath: z
    .strictObject({ prefix: z.array(asn, { error: 'a list of AS numbers' }) })
    .describe('AS numbers that the path begins with then.')
    .optional(),
  setPriority: z
    .strictObject({ value: number })
    .describe('Metric in the kernel; without effect here.')
    .optional(),
});

const rule = z.strictObject({
  action: action.describe('What happens to a route that matches.'),
  cidr: text.describe('Prefix to compare that of the route with; needs matchOperator.').optional(),
  matchOperator: operator.describe('How: equal, or contained, or not.').optional(),
  prefixLength: z
    .strictObject({ min: number.optional(), max: number.optional() })
    .describe('Lengths that match as well.')
    .optional(),
  source: z
    .literal('RemotePeers', { error: 'RemotePeers' })
    .describe('Only routes that a BGP peer sent.')
    .optional(),
  interface: text.describe('Interface that the route leads out of; * stands for any text.').optional(),
  peerType: z
    .enum(['eBGP', 'iBGP'], { error: 'one of eBGP, iBGP' })
    .describe('Only sessions of this kind.')
    .optional(),
  communities: z
    .strictObject({ values: z.array(text, { error: 'a list of one community' }) })
    .describe('One community that the route carries.')
    .optional(),
  asPathPrefix: z
    .array(asn, { error: 'a list of AS numbers' })
    .describe('AS numbers that the path begins with.')
    .optional(),
  priority: number.describe('Metric in the kernel; routes here have none.').optional(),
  operations: z
    .array(operation, { error: 'a list of operations' })
    .describe('Changes, with Accept.')
    .optional(),
});

const rules = z.array(rule, { error: 'a list of rules' });

/** The spec of a BGPFilter. */
export const bgpFilterSpec: z.ZodType<Record<string, unknown>> = z.strictObject({
  exportV4: rules.describe('IPv4 routes that go to a peer: the first rule that matches decides.').optional(),
  importV4: rules.describe('IPv4 routes that come from a peer.').optional(),
  exportV6: rules.describe('IPv6 routes that go to a peer.').optional(),
  importV6: rules.describe('IPv6 routes that come from a peer.').optional(),
});
