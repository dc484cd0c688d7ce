import { readFileSync } from 'node:fs';
import { fromHex } from '../../../protocol/bytes/hex.ts';

const file = new URL('../../fixtures/packet/linux-vxlan.json', import.meta.url);
const captured = JSON.parse(readFileSync(file, 'utf8')) as { pod: string[]; wire: string[] };

/** Frames that a Linux kernel laid out like a Calico host exchanged with a pod; the file says how. */
export const podFrames: readonly Uint8Array[] = captured.pod.map(fromHex);

/** Frames between the two Linux hosts. */
export const wireFrames: readonly Uint8Array[] = captured.wire.map(fromHex);
