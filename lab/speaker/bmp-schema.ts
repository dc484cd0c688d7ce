/** The shape of a BMP collector in a speaker's file. */
import { z } from 'zod';
import type { BmpCollectorConfig, BmpTable } from '../../agents/bmp/types.ts';
import { address, integer, oneOf, port } from './values.ts';

const table: z.ZodType<BmpTable> = oneOf('pre-policy', 'post-policy', 'adj-rib-out', 'loc-rib');

/** A collector. */
export const bmpSchema: z.ZodType<BmpCollectorConfig> = z.strictObject({
  address: address.describe('Address of the collector.'),
  port: port.describe('TCP port of the collector; BMP has none of its own, 11019 and 5000 are usual.'),
  localAddress: address.describe('Source address. Default: as the system chooses.').optional(),
  routes: z
    .array(table, { error: 'a list of pre-policy, post-policy, adj-rib-out, loc-rib' })
    .min(1, { error: 'a list with at least one of pre-policy, post-policy, adj-rib-out, loc-rib' })
    .describe(
      'What to send: routes of peers before and after import (RFC 7854), as sent to peers (RFC 8671), the best (RFC 9069). Default: pre-policy.',
    )
    .optional(),
  statistics: integer(0, 86_400, ' of seconds')
    .describe('Seconds from one report of statistics to the next; 0: none. Default: 60.')
    .optional(),
});
