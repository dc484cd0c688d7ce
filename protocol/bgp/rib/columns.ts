/**
 * Columns of tables: typed arrays that are indexed by small numbers and grow with them. What was never written is 0, and
 * costs no memory in a large one: an operating system backs memory where it is touched.
 */

type Column = Uint8Array | Uint32Array | Int32Array;

/** Zeroed memory: octets of `buffer` from `offset` on. */
export interface ColumnMemory {
  readonly buffer: ArrayBufferLike;
  readonly offset: number;
}

/** Where large columns have their memory. */
export interface LargeColumns {
  /** Memory of `length` octets. */
  allocate(length: number): ColumnMemory;
  /** Takes back at once what it gave: nobody looks at it any more. */
  free(buffer: ArrayBufferLike): void;
}

/** Octets from which a column's memory is asked of who knows better than the JavaScript engine. */
export const LARGE_COLUMN: number = 2 ** 20;

let largeColumns: LargeColumns = {
  allocate: (length) => ({ buffer: new ArrayBuffer(length), offset: 0 }),
  free: detach,
};

/**
 * Says where large columns of this process have their memory from now on, such as from huge pages: a column is accessed
 * all over, and what the processor has to find out about each page of it can cost more than the access. Changes nothing
 * but speed.
 */
export function setLargeColumns(memory: LargeColumns): void {
  largeColumns = memory;
}

/** Gives the memory of an ArrayBuffer back, which is of no length afterwards. */
export function detach(buffer: ArrayBufferLike): void {
  (buffer as ArrayBuffer).transfer(0);
}

/**
 * Frees the memory of a column that is not used any more: a table that grows would otherwise hold all its former sizes
 * until garbage is collected, and memory that V8 does not count for much longer.
 */
export function discard(column: Column): void {
  if (column.byteLength < LARGE_COLUMN) detach(column.buffer);
  else largeColumns.free(column.buffer);
}

/** An empty column of the type of `like`. */
export function newColumn<T extends Column>(like: T, length: number): T {
  const Type = like.constructor as new (
    buffer: ArrayBufferLike | number,
    offset?: number,
    length?: number,
  ) => T;
  const octets = length * like.BYTES_PER_ELEMENT;
  if (octets < LARGE_COLUMN) return new Type(length);
  const { buffer, offset } = largeColumns.allocate(octets);
  return new Type(buffer, offset, length);
}

/**
 * A column of `length` that starts with what `old` holds, as far as it fits. `old` must not be used afterwards.
 */
export function resized<T extends Column>(old: T, length: number): T {
  const column = newColumn(old, length);
  column.set(old.length <= length ? old : (old.subarray(0, length) as T));
  discard(old);
  return column;
}

/** The column itself where it has `index`, or a longer one that does. */
export function grown<T extends Column>(column: T, index: number): T {
  return index < column.length ? column : resized(column, grownLength(column.length, index));
}

/** Columns up to this length are doubled, longer ones quadrupled: what is not touched yet costs nothing. */
const DOUBLED = 2 ** 16;

/**
 * Length to which a column of `length` grows so that it has index `index`.
 * @throws RangeError for one of no length: it was discarded.
 */
export function grownLength(length: number, index: number): number {
  if (length === 0) throw new RangeError('a column that was discarded cannot grow');
  let size = length;
  while (size <= index) size *= size < DOUBLED ? 2 : 4;
  return size;
}

/** Length to which a column is cut whose entries from `top` on are used no more; its own where that frees little. */
export function trimmedLength(length: number, top: number): number {
  const wanted = Math.max(16, 2 ** Math.ceil(Math.log2(top + 1)));
  return length > DOUBLED && wanted * 4 <= length ? wanted : length;
}

/** The column without what it does not need for entries below `top`. */
export function trimmed<T extends Column>(column: T, top: number): T {
  const length = trimmedLength(column.length, top);
  return length === column.length ? column : resized(column, length);
}
