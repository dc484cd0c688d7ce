import type { ValueCodec } from '../../protocol/calico/ipam/values.ts';
import type { ResourceKind } from '../../protocol/calico/keys.ts';
import { type CalicoResources, parseResourceOf } from '../../protocol/calico/resources/parse.ts';

/**
 * JSON of a resource as the store has it: without resourceVersion, which is the key's mod revision. Fields that other
 * versions of Calico wrote are ignored.
 */
export function resourceCodec<K extends ResourceKind>(kind: K): ValueCodec<CalicoResources[K]> {
  return {
    parse: (json) => parseResourceOf(kind, JSON.parse(json), 'ignore'),
    format: (resource) => {
      const { resourceVersion: _, ...metadata } = resource.metadata;
      return JSON.stringify({ ...resource, metadata });
    },
  };
}
