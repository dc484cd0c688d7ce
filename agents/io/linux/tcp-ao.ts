import { PortError, type TcpAoKey } from '../../ports.ts';
import { check, libc } from './libc.ts';
import { AF_INET, SOCK_CLOEXEC, SOCK_STREAM } from './sockaddr.ts';
import { IPPROTO_TCP, setOption, TCP_AO_ADD_KEY, TCP_AO_DEL_KEY } from './sockopt.ts';
import { keyBytes, type PeerPrefix, peerPrefix, peerText, SOCKADDR_STORAGE_SIZE } from './tcp-peer.ts';

// TCP authentication option, RFC 5925; Linux 6.7 and later (linux/tcp.h). Both structs begin with the peer's address.
//
//   struct tcp_ao_add: | address (128) | algorithm (64) | interface index (4) | flags (4) | reserved (2) |
//                      | prefix length (1) | SendID (1) | RecvID (1) | MAC length (1) | key flags (1) | key length (1) |
//                      | key (80) |
//   struct tcp_ao_del: | address (128) | interface index (4) | flags (4) | reserved (2) | prefix length (1) |
//                      | SendID (1) | RecvID (1) | current key (1) | RNext key (1) | key flags (1) | padded to 144 |

const ALGORITHM = SOCKADDR_STORAGE_SIZE;
const ADD_FLAGS = ALGORITHM + 64 + 4;
const ADD_PREFIX = ADD_FLAGS + 6;
const ADD_SIZE = ADD_PREFIX + 6 + 80;
const DELETE_PREFIX = SOCKADDR_STORAGE_SIZE + 10;
const DELETE_SIZE = 144;

/** The bit fields set_current and set_rnext: sign with this key, and ask the peer to. */
const SET_CURRENT = 1;
const SET_RNEXT = 2;
/** TCP_AO_KEYF_EXCLUDE_OPT */
const EXCLUDE_OPTIONS = 2;

/** Names in the kernel's crypto API. RFC 5926 truncates both of its MACs to 96 bits; so does RFC 5925's default. */
const ALGORITHMS: Readonly<Record<TcpAoKey['algorithm'], string>> = {
  'hmac-sha-1-96': 'hmac(sha1)',
  'aes-128-cmac-96': 'cmac(aes128)',
  'hmac-sha-256': 'hmac(sha256)',
};
const MAC_LENGTH = 12;

const HINTS = {
  ENOPROTOOPT: 'this needs Linux 6.7 or later with CONFIG_TCP_AO',
  ENOMEM: 'net.core.optmem_max limits the keys of a socket',
};

/** The struct that adds a key; `first` for the one that a dialling socket signs with. */
export function encodeAoAdd(peer: PeerPrefix, key: TcpAoKey, secret: Uint8Array, first: boolean): Uint8Array {
  const bytes = new Uint8Array(ADD_SIZE);
  bytes.set(peer.sockaddr);
  bytes.set(new TextEncoder().encode(ALGORITHMS[key.algorithm]), ALGORITHM);
  bytes[ADD_FLAGS] = first ? SET_CURRENT | SET_RNEXT : 0;
  const keyFlags = key.excludeOptions === true ? EXCLUDE_OPTIONS : 0;
  bytes.set(
    [peer.prefixLength, key.sendId, key.receiveId, MAC_LENGTH, keyFlags, secret.length, ...secret],
    ADD_PREFIX,
  );
  return bytes;
}

/** The struct that removes a key. */
export function encodeAoDelete(peer: PeerPrefix, key: Pick<TcpAoKey, 'sendId' | 'receiveId'>): Uint8Array {
  const bytes = new Uint8Array(DELETE_SIZE);
  bytes.set(peer.sockaddr);
  bytes.set([peer.prefixLength, key.sendId, key.receiveId], DELETE_PREFIX);
  return bytes;
}

/**
 * Adds a key for a peer to a socket that listens, or is about to dial it.
 * @throws PortError: ENOPROTOOPT without support in the kernel, EINVAL where an ID or the key is out of range, EEXIST
 * where two keys share an ID, EKEYREJECTED beside a TCP-MD5 key.
 */
export function addAo(
  fd: number,
  peer: { readonly address: string; readonly prefixLength?: number },
  key: TcpAoKey,
  first: boolean,
): void {
  const what = `set TCP-AO key ${key.sendId}/${key.receiveId} for ${peerText(peer)}`;
  const secret = keyBytes(key.key, what);
  for (const id of [key.sendId, key.receiveId]) {
    if (!Number.isInteger(id) || id < 0 || id > 255)
      throw new PortError('EINVAL', `cannot ${what}: a key ID must be 0 to 255`);
  }
  const struct = encodeAoAdd(peerPrefix(peer, what), key, secret, first);
  setOption(fd, IPPROTO_TCP, TCP_AO_ADD_KEY, struct, what, HINTS);
}

/** Removes a key from a listening socket. @throws PortError */
export function removeAo(
  fd: number,
  peer: { readonly address: string; readonly prefixLength?: number },
  key: Pick<TcpAoKey, 'sendId' | 'receiveId'>,
): void {
  const what = `remove TCP-AO key ${key.sendId}/${key.receiveId} for ${peerText(peer)}`;
  setOption(fd, IPPROTO_TCP, TCP_AO_DEL_KEY, encodeAoDelete(peerPrefix(peer, what), key), what);
}

/** Why the kernel cannot do TCP-AO; undefined where it can. Asked with a key on a socket that is closed again. */
export function probeTcpAo(): PortError | undefined {
  const what = 'use TCP-AO';
  const fd = check(libc().socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), what);
  const key = { sendId: 0, receiveId: 0, algorithm: 'hmac-sha-1-96', key: 'probe' } as const;
  const struct = encodeAoAdd(peerPrefix({ address: '127.0.0.1' }, what), key, keyBytes(key.key, what), true);
  try {
    setOption(fd, IPPROTO_TCP, TCP_AO_ADD_KEY, struct, what, HINTS);
    return undefined;
  } catch (error) {
    return error as PortError;
  } finally {
    libc().close(fd);
  }
}
