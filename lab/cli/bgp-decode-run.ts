import type { SessionKnowledge } from '../../protocol/bgp/dissect/session.ts';
import { DecodeError } from '../../protocol/bytes/decode-error.ts';
import { decoderFor, type Emit } from './bgp-decode-decoders.ts';
import { type DecodeInput, peek } from './bgp-decode-input.ts';
import { DecodeProgress, LineOutput } from './bgp-decode-output.ts';
import { type DecodeRecord, jsonRecord } from './bgp-decode-record.ts';
import { recordText } from './bgp-decode-text.ts';
import { type CliContext, type GlobalOptions, paintFor, say } from './context.ts';
import { CliError } from './errors.ts';

/** What the command line says of the sessions. */
export interface DecodeSettings extends SessionKnowledge {
  /** TCP ports of BGP in captures. */
  readonly ports: readonly number[];
}

/**
 * Decodes the input and prints its records, as they come and in bounded memory.
 * @returns how many messages are malformed.
 * @throws CliError where the input is damaged, UsageError where it is hex that is none; what came before is printed.
 */
export async function decodeInput(
  context: CliContext,
  input: DecodeInput,
  options: GlobalOptions,
  settings: DecodeSettings,
): Promise<number> {
  const output = new LineOutput(context.stdout);
  const progress = new DecodeProgress(context, options, input);
  const paint = paintFor(context, 'stdout', options);
  let malformed = 0;
  const emit = (record: DecodeRecord): void => {
    output.line(options.format === 'json' ? JSON.stringify(jsonRecord(record)) : recordText(record, paint));
    if (record.kind !== 'message') return;
    progress.messages++;
    if (record.malformed) malformed++;
  };
  try {
    for (const remark of await feed(input, settings, emit, async () => {
      progress.show();
      await output.flush();
    }))
      say(context, options, `podwire: ${remark}`);
  } catch (error) {
    if (error instanceof DecodeError) throw new CliError(`${input.name}: ${error.message}`);
    throw error;
  } finally {
    progress.clear();
    await output.flush();
  }
  return malformed;
}

/** Feeds the input to the decoder that it is for. @param pause called after each piece. */
async function feed(
  input: DecodeInput,
  settings: DecodeSettings,
  emit: Emit,
  pause: () => Promise<void>,
): Promise<string[]> {
  const { head, rest } = await peek(input.chunks);
  if (head.length === 0) throw new CliError(`${input.name} is empty`);
  const decoder = decoderFor(head, input.name, settings, settings.ports, emit);
  for await (const chunk of rest) {
    decoder.push(chunk);
    await pause();
  }
  decoder.end();
  return decoder.remarks();
}
