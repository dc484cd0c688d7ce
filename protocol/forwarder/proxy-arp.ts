import { ARP_REPLY, ARP_REQUEST, type Arp } from '../arp/arp.ts';
import { isMartianOctet } from '../ipv4/header.ts';

/** What a request of a pod comes to. */
export type ArpVerdict =
  | { readonly kind: 'reply'; readonly reply: Arp }
  /** Nothing to say; why, for traces. */
  | { readonly kind: 'ignore'; readonly why: string }
  | { readonly kind: 'spoofed'; readonly why: string };

/**
 * Proxy ARP on a workload interface, as Linux does it there (net.ipv4.conf.cali*.proxy_arp = 1, proxy_delay 0): the
 * gateway MAC answers for every address that is not behind the same interface. Not answered: replies and
 * announcements, requests for the pod's own addresses, probes (sender 0.0.0.0, RFC 5227 §1.1: an answer would say
 * "address in use") unless for an address of the host itself, and senders that the pod does not own.
 */
export function answerArp(
  arp: Arp,
  podAddresses: readonly number[],
  gatewayMac: number,
  isLocal: (address: number) => boolean,
): ArpVerdict {
  if (arp.operation !== ARP_REQUEST) return { kind: 'ignore', why: 'not a request' };
  if (podAddresses.includes(arp.targetIp) || arp.targetIp === arp.senderIp) {
    return { kind: 'ignore', why: 'for the pod’s own address' };
  }
  if (isMartianOctet(arp.targetIp >>> 24)) return { kind: 'ignore', why: 'for no host’s address' };
  if (arp.senderIp === 0) {
    if (!isLocal(arp.targetIp)) return { kind: 'ignore', why: 'address probe' };
  } else if (!podAddresses.includes(arp.senderIp)) {
    return { kind: 'spoofed', why: 'sender address is not the pod’s' };
  }
  const reply = {
    operation: ARP_REPLY,
    senderMac: gatewayMac,
    senderIp: arp.targetIp,
    targetMac: arp.senderMac,
    targetIp: arp.senderIp,
  };
  return { kind: 'reply', reply };
}
