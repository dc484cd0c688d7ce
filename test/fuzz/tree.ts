// What every dissected message has to be.
import type { Field } from '../../protocol/bgp/dissect/field.ts';

/** Fields of a message of so many octets: nothing in BGP has more of them than that. */
const FIELDS_PER_OCTET = 3;
const FIELDS_OF_ANY = 32;

/**
 * Children stand inside their parents, one after another without a gap; there are not more fields than octets warrant.
 * @throws Error where that is not so.
 */
export function checkTree(root: Field): void {
  const limit = FIELDS_OF_ANY + FIELDS_PER_OCTET * root.length;
  let count = 0;
  const visit = ({ name, offset, length, children, value }: Field): void => {
    count += 1;
    if (count > limit) throw new Error(`more than ${limit} fields for ${root.length} octets`);
    if (!(length >= 0)) throw new Error(`${name} has a length of ${length}`);
    if (children === undefined || children.length === 0) {
      if (length > 0 && value === undefined) throw new Error(`${name} says nothing`);
      return;
    }
    let at = offset;
    for (const child of children) {
      if (child.offset !== at) {
        throw new Error(`${child.name} in ${name} starts at ${child.offset}, not ${at}`);
      }
      at += child.length;
      visit(child);
    }
    if (at !== offset + length) throw new Error(`${name} ends at ${offset + length}, its children at ${at}`);
  };
  visit(root);
}
