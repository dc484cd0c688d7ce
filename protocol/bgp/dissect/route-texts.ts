import type { CodecContext } from '../context.ts';
import type { Field } from './field.ts';
import { dissectMessage } from './message.ts';

/**
 * The routes that a message announces or withdraws, as text in the order of the bytes, as far as they can be told apart:
 * for the log of a message that is wrong (RFC 7606 §6). Never throws; empty for other messages than UPDATE.
 */
export function routeTexts(bytes: Uint8Array, context: CodecContext): readonly string[] {
  const texts: string[] = [];
  const visit = ({ name, value, text, children }: Field): void => {
    if (name === 'route') texts.push(text ?? String(value));
    else children?.forEach(visit);
  };
  visit(dissectMessage(bytes, context));
  return texts;
}
