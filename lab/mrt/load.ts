import { TableLoader } from '../../agents/bgp/mrt-load.ts';
import type { BgpSpeaker } from '../../agents/bgp/speaker.ts';
import { MrtReader } from '../../protocol/mrt/record.ts';
import { readMrtFile } from './input.ts';

/**
 * Loads one peer's routes of a table in a file into a speaker, in pieces between which its sessions have their turn.
 * @param peer its address; may be left out where the table has only one.
 * @returns how many routes were taken over, and how many cannot be used.
 * @throws Error with one line where the file or a record in it is damaged, or the peer is not in it.
 */
export async function loadTable(
  speaker: BgpSpeaker,
  path: string,
  peer: string | undefined,
): Promise<Pick<TableLoader, 'routes' | 'faulty'>> {
  const reader = new MrtReader();
  const loader = new TableLoader(speaker, peer);
  for await (const piece of readMrtFile(path)) {
    for (const record of reader.records(piece)) loader.add(record);
    await new Promise(setImmediate);
  }
  reader.end();
  loader.end();
  return loader;
}
