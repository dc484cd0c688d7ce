import type { TcpMd5Peer } from '../../ports.ts';
import { IPPROTO_TCP, setOption, TCP_MD5SIG, TCP_MD5SIG_EXT } from './sockopt.ts';
import { keyBytes, type PeerPrefix, peerPrefix, peerText, SOCKADDR_STORAGE_SIZE } from './tcp-peer.ts';

// struct tcp_md5sig (linux/tcp.h): TCP-MD5 signatures, RFC 2385.
//
//   | address (128) | flags (1) | prefix length (1) | key length (2) | interface index (4) | key (80) |

const FLAGS = SOCKADDR_STORAGE_SIZE;
const PREFIX_LENGTH = FLAGS + 1;
const KEY_LENGTH = FLAGS + 2;
const KEY = FLAGS + 8;
const SIZE = KEY + 80;
/** TCP_MD5SIG_FLAG_PREFIX */
const FLAG_PREFIX = 1;

const HINTS = {
  ENOPROTOOPT: 'this needs a kernel with CONFIG_TCP_MD5SIG',
  ENOMEM: 'net.core.optmem_max limits the keys of a socket',
};

/** The struct that sets a key, or with an empty one removes it. */
export function encodeMd5({ sockaddr, prefixLength }: PeerPrefix, key: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(SIZE);
  bytes.set(sockaddr);
  bytes[FLAGS] = FLAG_PREFIX;
  bytes[PREFIX_LENGTH] = prefixLength;
  new DataView(bytes.buffer).setUint16(KEY_LENGTH, key.length, true);
  bytes.set(key, KEY);
  return bytes;
}

/** Sets the key of a peer on a socket that listens, or is about to dial it. @throws PortError */
export function setMd5(fd: number, peer: TcpMd5Peer): void {
  const what = `set the TCP-MD5 key for ${peerText(peer)}`;
  const key = keyBytes(peer.key, what);
  const prefix = peerPrefix(peer, what);
  const whole = prefix.prefixLength === (prefix.ipv6 ? 128 : 32);
  const struct = encodeMd5(prefix, key);
  // One address needs no extension, which came with Linux 4.13 only.
  if (whole) struct[FLAGS] = 0;
  setOption(fd, IPPROTO_TCP, whole ? TCP_MD5SIG : TCP_MD5SIG_EXT, struct, what, HINTS);
}

/** Removes the key of a peer from a listening socket. @throws PortError */
export function removeMd5(fd: number, peer: Omit<TcpMd5Peer, 'key'>): void {
  const what = `remove the TCP-MD5 key for ${peerText(peer)}`;
  const struct = encodeMd5(peerPrefix(peer, what), new Uint8Array(0));
  setOption(fd, IPPROTO_TCP, TCP_MD5SIG_EXT, struct, what, HINTS);
}
