// How fast the RIB takes a full table from one eBGP peer and sends it to others, in one process and without sockets:
//
//   node bin/run.mjs test/bench/bgp-rib.ts [ROUTES] [ROUTES PER ATTRIBUTE SET] [RECEIVERS]
import { ByteWriter } from '../../protocol/bgp/byte-writer.ts';
import type { CodecContext } from '../../protocol/bgp/context.ts';
import { decodeUpdate, encodeUpdate } from '../../protocol/bgp/message/update.ts';
import { Rib } from '../../protocol/bgp/rib/rib.ts';
import type { RibPeerConfig } from '../../protocol/bgp/rib/route.ts';

const [routes = 1_000_000, perSet = 8, receivers = 1] = process.argv.slice(2).map(Number);
const LOCAL_ADDRESS = Uint8Array.of(127, 0, 0, 1);
const CONTEXT: CodecContext = {
  fourOctetAs: true,
  extendedMessage: false,
  peerType: 'external',
  firstAs: 65001,
  families: ['ipv4-unicast'],
};

function peer(octet: number): RibPeerConfig {
  return {
    name: `peer-${octet}`,
    peerType: 'external',
    asn: 65000 + octet,
    routerId: octet,
    address: Uint8Array.of(127, 0, 1, octet),
    localAddress: LOCAL_ADDRESS,
    client: false,
    nextHopSelf: false,
    families: ['ipv4-unicast'],
    fourOctetAs: true,
    maxMessageLength: 4096,
  };
}

/** UPDATEs of /24 prefixes, each with an attribute set of its own. */
function updates(): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let from = 0; from < routes; from += perSet) {
    const nlri = new ByteWriter(4 * perSet);
    for (let i = from; i < Math.min(routes, from + perSet); i++) {
      nlri.uint8(24);
      nlri.uint8(1 + (i >>> 16));
      nlri.uint16(i & 0xffff);
    }
    const set = from / perSet;
    const attributes = {
      origin: 0 as const,
      asPath: [
        { kind: 'sequence' as const, asns: [65001, 1 + (set % 65000), 1 + ((set * 7) % 400000), 3356] },
      ],
      nextHop: Uint8Array.of(127, 0, 1, 1),
      med: set % 100,
      communities: [(65001 << 16) | (set & 0xffff), 0x0d1c0000 | (set >>> 16)].map((value) => value >>> 0),
    };
    messages.push(
      encodeUpdate({ withdrawn: new Uint8Array(0), attributes, nlri: nlri.finish() }, { fourOctetAs: true }),
    );
  }
  return messages;
}

/** Processor time of this thread so far, ms: what others do on the machine does not count. */
function cpu(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

const messages = updates();
for (let run = 0; run < 5; run++) {
  globalThis.gc?.();
  const rib = new Rib({ asn: 65000, routerId: 1, reportChanges: false });
  const source = rib.addPeer(peer(1));
  for (let i = 0; i < receivers; i++) rib.addPeer(peer(2 + i));
  while (rib.flush().pending);
  const start = cpu();
  const decoded = messages.map((bytes) => decodeUpdate(bytes, CONTEXT).nlri.length);
  const only = cpu() - start;
  let octets = 0;
  let sent = 0;
  const begin = cpu();
  let flushing = 0;
  for (let i = 0; i < messages.length; i++) {
    rib.update(source, decodeUpdate(messages[i]!, CONTEXT));
    // As much as arrives in one turn of the event loop.
    if (i % 2048 !== 2047 && i !== messages.length - 1) continue;
    const at = cpu();
    for (let pending = true; pending; ) {
      const flushed = rib.flush(at, 20_000);
      for (const { chunks, messages: count } of flushed.deliveries) {
        sent += count;
        for (const chunk of chunks) octets += chunk.length;
      }
      pending = flushed.pending;
    }
    flushing += cpu() - at;
  }
  const total = cpu() - begin;
  console.log(
    `${routes} routes in ${decoded.length} updates: ${total.toFixed(0)} ms` +
      ` (decoding alone ${only.toFixed(0)}, flushing ${flushing.toFixed(0)});` +
      ` ${sent} messages, ${octets} octets out; ${rib.attributeSets} sets,` +
      ` ${Math.round(process.memoryUsage().rss / 2 ** 20)} MiB`,
  );
}
