/** Memory of large tables from huge pages, where the machine has them for who asks (docs/decisions/0020). */
import { type ColumnMemory, detach, setLargeColumns } from '../../../protocol/bgp/rib/columns.ts';
import { addressOf, libc } from './libc.ts';

/** Octets of a huge page on x86-64, and on arm64 with pages of 4 KiB. Where they are larger, the advice has no effect. */
const HUGE_PAGE = 2 ** 21;
/** Advices of madvise(2): take this range back, it is zero afterwards; and back it by huge pages. */
const MADV_DONTNEED = 4;
const MADV_HUGEPAGE = 14;

/** Parameters of glibc's mallopt(3). */
const M_TRIM_THRESHOLD = -1;
const M_MMAP_THRESHOLD = -3;

/**
 * Lets tables of this process have huge pages from now on. Touching memory for the first time takes the kernel, and in a
 * virtual machine its host, some microseconds for each page, and there are 512 times as many small ones.
 * Does nothing elsewhere than on Linux, and loads nothing before a table is large.
 */
export function useHugePages(): void {
  if (process.platform !== 'linux') return;
  let tuned = false;
  setLargeColumns({
    allocate(length) {
      if (length < HUGE_PAGE) return { buffer: new ArrayBuffer(length), offset: 0 };
      if (!tuned) tuneMalloc();
      tuned = true;
      return hugePages(length);
    },
    free(buffer) {
      if (buffer instanceof SharedArrayBuffer) takeBack(buffer);
      else detach(buffer);
    },
  });
}

/**
 * Zeroed memory that begins with a huge page. It is shared memory, though nobody shares it: V8 starts a full collection of
 * garbage whenever so and so much memory of ArrayBuffers was added, touched or not, and tables would add to it all the time.
 */
function hugePages(length: number): ColumnMemory {
  const whole = Math.ceil(length / HUGE_PAGE) * HUGE_PAGE;
  const buffer = new SharedArrayBuffer(whole + HUGE_PAGE);
  const { address, offset } = firstHugePage(buffer);
  // Whether the kernel follows the advice is its affair: without huge pages this is memory like any other.
  libc().madvise(address, whole, MADV_HUGEPAGE);
  return { buffer, offset };
}

/** Shared memory cannot be detached: its pages go at once, the addresses when garbage is collected. */
function takeBack(buffer: SharedArrayBuffer): void {
  libc().madvise(firstHugePage(buffer).address, buffer.byteLength - HUGE_PAGE, MADV_DONTNEED);
}

function firstHugePage(buffer: SharedArrayBuffer): { readonly address: bigint; readonly offset: number } {
  const start = addressOf(new Uint8Array(buffer));
  const offset = Number(-start & BigInt(HUGE_PAGE - 1));
  return { address: start + BigInt(offset), offset };
}

/**
 * glibc raises the size from which it takes memory from the kernel, and gives it back, to that of whatever was freed last:
 * former sizes of a table would stay with the process, in pieces. This holds it where it is at first, more or less.
 */
function tuneMalloc(): void {
  const { mallopt } = libc();
  mallopt?.(M_MMAP_THRESHOLD, HUGE_PAGE);
  mallopt?.(M_TRIM_THRESHOLD, 8 * HUGE_PAGE);
}
