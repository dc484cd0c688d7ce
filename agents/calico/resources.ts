import {
  RESOURCE_KINDS,
  type ResourceKind,
  resourceKey,
  resourcePrefix,
} from '../../protocol/calico/keys.ts';
import type { ObjectMeta } from '../../protocol/calico/resources/common.ts';
import {
  type CalicoResource,
  type CalicoResources,
  parseResourceOf,
} from '../../protocol/calico/resources/parse.ts';
import type { KeyValue } from '../../protocol/etcd/types.ts';
import type { Clock, Log, Random } from '../ports.ts';
import type { KvClient } from '../store/client.ts';
import { keyBytes, keyText } from '../store/keys.ts';
import { listWatch } from '../store/list-watch.ts';
import { resourceCodec } from './resource-codec.ts';
import { RETRY, untilUnchanged } from './retry.ts';
import { rfc3339 } from './time.ts';
import { StoredValueError, TypedKv, type Versioned } from './typed-kv.ts';

/** A resource cannot be written as asked. */
export class ResourceError extends Error {
  override readonly name = 'ResourceError';
  readonly reason: 'exists' | 'missing' | 'conflict';

  constructor(reason: ResourceError['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

export interface ResourcePorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log?: Log;
}

/** What happens to the resources of a kind. Called once per change, in the store's order. */
export interface ResourceHandler<R> {
  onPut(resource: R, previous: R | undefined): void;
  onDelete(previous: R): void;
  /** Everything that existed when the watch began has been told; also after each later list. */
  onSynced?(): void;
  /** A key holds no such resource. If it did before, `onDelete` follows. */
  onInvalid?(error: StoredValueError): void;
}

/** Calico's resources in the store: created, changed and deleted by compare-and-swap on the mod revision. */
export class ResourceClient {
  readonly #client: KvClient;
  readonly #ports: ResourcePorts;
  readonly #kvs: { readonly [K in ResourceKind]: TypedKv<CalicoResources[K]> };

  constructor(client: KvClient, ports: ResourcePorts) {
    this.#client = client;
    this.#ports = ports;
    this.#kvs = {
      IPPool: new TypedKv(client, resourceCodec('IPPool')),
      BGPConfiguration: new TypedKv(client, resourceCodec('BGPConfiguration')),
      BGPPeer: new TypedKv(client, resourceCodec('BGPPeer')),
      BGPFilter: new TypedKv(client, resourceCodec('BGPFilter')),
      Node: new TypedKv(client, resourceCodec('Node')),
      WorkloadEndpoint: new TypedKv(client, resourceCodec('WorkloadEndpoint')),
    };
  }

  /**
   * Writes a new resource with uid, creation time and defaults; returns it with resourceVersion.
   * @throws ResourceError `exists`; FieldError where it is not valid
   */
  async create<R extends CalicoResource>(resource: R): Promise<R> {
    const { uid = this.#uuid(), creationTimestamp = rfc3339(this.#ports.clock.wallNanos()) } =
      resource.metadata;
    const written = await this.#kv(resource.kind).create(
      keyOf(resource),
      stored(resource, { uid, creationTimestamp }),
    );
    if (written === undefined) throw new ResourceError('exists', `${title(resource)} exists already`);
    return versioned(written) as R;
  }

  /**
   * Replaces a resource that is still at its `metadata.resourceVersion`. Uid and creation time stay.
   * @throws ResourceError `conflict` where it changed since, `missing` where it is gone
   */
  async update<R extends CalicoResource>(resource: R): Promise<R> {
    const current = await this.#kv(resource.kind).get(keyOf(resource));
    if (current === undefined) throw new ResourceError('missing', `${title(resource)} does not exist`);
    const { resourceVersion } = resource.metadata;
    const expected = resourceVersion === undefined ? current.modRevision : BigInt(resourceVersion);
    const value = stored(resource, identity(current.value.metadata));
    const written = await this.#kv(resource.kind).update(keyOf(resource), value, expected);
    if (written !== undefined) return versioned(written) as R;
    throw new ResourceError('conflict', `${title(resource)} is no longer at version ${expected}`);
  }

  /** Creates the resource or replaces whatever is there; a resource that is already so is not written again. */
  async apply<R extends CalicoResource>(resource: R): Promise<R> {
    const kv = this.#kv(resource.kind);
    const key = keyOf(resource);
    return untilUnchanged(title(resource), async () => {
      const current = await kv.get(key);
      const known = current === undefined ? this.#newIdentity() : identity(current.value.metadata);
      const value = stored(resource, known);
      if (current !== undefined && sameJson(kv, current.value, value)) return versioned(current) as R;
      const written =
        current === undefined
          ? await kv.create(key, value)
          : await kv.update(key, value, current.modRevision);
      return written === undefined ? RETRY : (versioned(written) as R);
    });
  }

  /** The resource, or `undefined` where there is none. @throws StoredValueError where the key holds something else */
  async get<K extends ResourceKind>(
    kind: K,
    name: string,
    namespace?: string,
  ): Promise<CalicoResources[K] | undefined> {
    const found = await this.#kvs[kind].get(resourceKey(kind, name, namespace));
    return found === undefined ? undefined : versioned<CalicoResources[K]>(found);
  }

  /** All resources of a kind (in a namespace), by name. @throws StoredValueError */
  async list<K extends ResourceKind>(kind: K, namespace?: string): Promise<CalicoResources[K][]> {
    const all = await this.#kvs[kind].list(resourcePrefix(kind, namespace));
    return all.map((each) => versioned<CalicoResources[K]>(each));
  }

  /**
   * Deletes a resource, with `resourceVersion` only that version. False where there was none.
   * @throws ResourceError `conflict` where it has another version
   */
  async delete(
    kind: ResourceKind,
    name: string,
    options: { readonly namespace?: string; readonly resourceVersion?: string } = {},
  ): Promise<boolean> {
    const key = resourceKey(kind, name, options.namespace);
    const { resourceVersion } = options;
    if (resourceVersion === undefined) {
      return (await this.#client.deleteRange({ key: keyBytes(key) })).deleted > 0n;
    }
    if (await this.#kvs[kind].remove(key, BigInt(resourceVersion))) return true;
    if ((await this.#client.range({ key: keyBytes(key), keysOnly: true })).kvs.length === 0) return false;
    throw new ResourceError('conflict', `${kind} ${name} is no longer at version ${resourceVersion}`);
  }

  /** Tells all resources of a kind (in a namespace), then every change, until closed; survives the store's restarts. */
  watch<K extends ResourceKind>(
    kind: K,
    handler: ResourceHandler<CalicoResources[K]>,
    namespace?: string,
  ): { close(): void } {
    const kv = this.#kvs[kind];
    const decode = (entry: KeyValue): CalicoResources[K] | StoredValueError => {
      try {
        return versioned<CalicoResources[K]>(kv.decode(entry));
      } catch (error) {
        if (error instanceof StoredValueError) return error;
        throw error;
      }
    };
    // Resources as they were told; what could not be read was not.
    const known = new Map<string, CalicoResources[K]>();
    const forget = (key: string): void => {
      const previous = known.get(key);
      if (known.delete(key)) handler.onDelete(previous!);
    };
    const prefix = keyBytes(resourcePrefix(kind, namespace));
    return listWatch(
      this.#client,
      prefix,
      {
        onPut: (entry) => {
          const key = keyId(entry);
          const resource = decode(entry);
          if (resource instanceof StoredValueError) {
            this.#ports.log?.warn({ key: resource.key }, resource.message);
            handler.onInvalid?.(resource);
            forget(key);
            return;
          }
          const previous = known.get(key);
          known.set(key, resource);
          handler.onPut(resource, previous);
        },
        onDelete: (entry) => forget(keyId(entry)),
        onSynced: () => handler.onSynced?.(),
      },
      this.#ports,
    );
  }

  #kv(kind: ResourceKind): TypedKv<CalicoResource> {
    return this.#kvs[kind] as unknown as TypedKv<CalicoResource>;
  }

  #newIdentity(): Identity {
    return { uid: this.#uuid(), creationTimestamp: rfc3339(this.#ports.clock.wallNanos()) };
  }

  /** A random UUID (RFC 9562 §5.4). */
  #uuid(): string {
    const words = Array.from({ length: 4 }, () => this.#ports.random.uint32());
    words[1] = ((words[1]! & 0xffff0fff) | 0x4000) >>> 0;
    words[2] = ((words[2]! & 0x3fffffff) | 0x80000000) >>> 0;
    const hex = words.map((word) => word.toString(16).padStart(8, '0')).join('');
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  }
}

/** What a resource keeps from its creation on. */
type Identity = Pick<ObjectMeta, 'uid' | 'creationTimestamp'>;

function identity({ uid, creationTimestamp }: ObjectMeta): Identity {
  return {
    ...(uid === undefined ? {} : { uid }),
    ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
  };
}

/** The resource as it is written: checked, with defaults, of the given identity. @throws FieldError */
function stored(resource: CalicoResource, known: Identity): CalicoResource {
  const { resourceVersion: _, ...metadata } = resource.metadata;
  return parseResourceOf(resource.kind, { ...resource, metadata: { ...metadata, ...known } });
}

function versioned<R extends CalicoResource>({ value, modRevision }: Versioned<R>): R {
  return { ...value, metadata: { ...value.metadata, resourceVersion: String(modRevision) } };
}

function sameJson(kv: TypedKv<CalicoResource>, a: CalicoResource, b: CalicoResource): boolean {
  const [left, right] = [kv.encode(a), kv.encode(b)];
  return left.length === right.length && left.every((byte, i) => byte === right[i]);
}

function keyOf({ kind, metadata }: CalicoResource): string {
  return resourceKey(kind, metadata.name, RESOURCE_KINDS[kind].namespaced ? metadata.namespace : undefined);
}

function keyId({ key }: KeyValue): string {
  return keyText(key);
}

function title({ kind, metadata }: CalicoResource): string {
  return `${kind} ${metadata.namespace === undefined ? '' : `${metadata.namespace}/`}${metadata.name}`;
}
