import type { TcpAoKey, TcpAoPeer, TcpKeys, TcpMd5Peer } from '../../ports.ts';
import { addAo, removeAo } from './tcp-ao.ts';
import { removeMd5, setMd5 } from './tcp-md5.ts';
import { peerText } from './tcp-peer.ts';

interface AoEntry {
  readonly peer: Omit<TcpAoPeer, 'keys'>;
  readonly key: TcpAoKey;
}

/** The keys on one listening socket, TCP-MD5 and TCP-AO. */
export class ListenerKeys {
  readonly #fd: number;
  #md5 = new Map<string, TcpMd5Peer>();
  #ao = new Map<string, AoEntry>();

  constructor(fd: number) {
    this.#fd = fd;
  }

  /**
   * Makes these the keys, with calls for the differences alone. Keys that go are removed first, so that a peer can
   * change from one kind to the other.
   * @throws PortError where one cannot be used; those before it are in force then.
   */
  replace({ md5 = [], ao = [] }: TcpKeys): void {
    const wantedMd5 = new Map(md5.map((peer) => [peerText(peer), peer]));
    const wantedAo = new Map<string, AoEntry>();
    for (const { keys, ...peer } of ao) {
      for (const key of keys) wantedAo.set(`${peerText(peer)} ${key.sendId} ${key.receiveId}`, { peer, key });
    }
    this.#removeOld(wantedMd5, wantedAo);
    for (const [id, peer] of wantedMd5) {
      if (this.#md5.get(id)?.key === peer.key) continue;
      setMd5(this.#fd, peer);
      this.#md5.set(id, peer);
    }
    for (const [id, entry] of wantedAo) {
      if (this.#ao.has(id)) continue;
      addAo(this.#fd, entry.peer, entry.key, false);
      this.#ao.set(id, entry);
    }
  }

  /** A TCP-MD5 key can be overwritten; a TCP-AO key with other contents must go first. */
  #removeOld(wantedMd5: ReadonlyMap<string, TcpMd5Peer>, wantedAo: ReadonlyMap<string, AoEntry>): void {
    for (const [id, peer] of this.#md5) {
      if (wantedMd5.has(id)) continue;
      removeMd5(this.#fd, peer);
      this.#md5.delete(id);
    }
    for (const [id, { peer, key }] of this.#ao) {
      const wanted = wantedAo.get(id)?.key;
      if (wanted !== undefined && sameKey(wanted, key)) continue;
      removeAo(this.#fd, peer, key);
      this.#ao.delete(id);
    }
  }
}

function sameKey(a: TcpAoKey, b: TcpAoKey): boolean {
  return (
    a.algorithm === b.algorithm &&
    a.key === b.key &&
    (a.excludeOptions ?? false) === (b.excludeOptions ?? false)
  );
}
