import type { BodyReader } from './body-reader.ts';

/**
 * Options (draft-ietf-opsawg-pcapng, "Options"), after the fixed fields of a block:
 *
 *   u16 code | u16 length | value, padded to 32 bits | ... | u16 0 (opt_endofopt) | u16 0
 *
 * These codes mean the same in every block.
 */
export const OptionCode = { endOfOptions: 0, comment: 1 } as const;

export interface Option {
  readonly code: number;
  /** The value alone, without padding; a reader so that its faults know their offset. */
  readonly value: BodyReader;
}

/** The options up to opt_endofopt or the end of the body (a block may leave the end mark out). */
export function decodeOptions(body: BodyReader): Option[] {
  const options: Option[] = [];
  while (body.remaining > 0) {
    const code = body.u16('option code');
    const length = body.u16('option length');
    if (code === OptionCode.endOfOptions) break;
    options.push({ code, value: body.padded(length, 'option value') });
  }
  return options;
}

/** Texts of all opt_comment options; absent where there are none. */
export function comments(options: readonly Option[]): { readonly comments?: readonly string[] } {
  const texts = options.filter((option) => option.code === OptionCode.comment);
  return texts.length === 0 ? {} : { comments: texts.map((option) => option.value.text()) };
}
