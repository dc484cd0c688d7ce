/**
 * Puts packets of several streams roughly in the order of their times: each waits `window` ms for earlier ones that
 * are still on their way, and no longer. Late ones come out late.
 */
export class ReorderBuffer<T> {
  readonly #window: number;
  /** Binary min-heap by time, then order of arrival. */
  readonly #heap: Entry<T>[] = [];
  #arrivals: Entry<T>[] = [];
  #expired = 0;
  #sequence = 0;

  /** @param window milliseconds that a packet waits. */
  constructor(window: number) {
    this.#window = window;
  }

  get size(): number {
    return this.#heap.length;
  }

  /** @param time nanoseconds, what is ordered by. @param now milliseconds, when it arrived. */
  add(time: bigint, item: T, now: number): void {
    const entry = { time, sequence: this.#sequence++, item, deadline: now + this.#window };
    this.#arrivals.push(entry);
    this.#heap.push(entry);
    this.#siftUp(this.#heap.length - 1);
  }

  /** When {@link release} next has something to give; undefined while the buffer is empty. */
  nextDeadline(): number | undefined {
    return this.#heap.length === 0 ? undefined : this.#arrivals[this.#expired]?.deadline;
  }

  /** The packets whose wait is over, and all earlier ones, in order. */
  release(now: number): T[] {
    let horizon: bigint | undefined;
    while (this.#expired < this.#arrivals.length && this.#arrivals[this.#expired]!.deadline <= now) {
      const { time } = this.#arrivals[this.#expired++]!;
      if (horizon === undefined || time > horizon) horizon = time;
    }
    if (this.#expired > 1024 && this.#expired * 2 > this.#arrivals.length) {
      this.#arrivals = this.#arrivals.slice(this.#expired);
      this.#expired = 0;
    }
    const released: T[] = [];
    if (horizon === undefined) return released;
    while (this.#heap.length > 0 && this.#heap[0]!.time <= horizon) released.push(this.#pop());
    return released;
  }

  /** Everything, in order: nothing more will come. */
  drain(): T[] {
    return this.release(Number.POSITIVE_INFINITY);
  }

  #pop(): T {
    const top = this.#heap[0]!;
    const last = this.#heap.pop()!;
    if (this.#heap.length > 0) {
      this.#heap[0] = last;
      this.#siftDown();
    }
    return top.item;
  }

  #siftUp(from: number): void {
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!before(this.#heap[index]!, this.#heap[parent]!)) return;
      this.#swap(index, parent);
      index = parent;
    }
  }

  #siftDown(): void {
    let index = 0;
    for (;;) {
      let smallest = index;
      for (const child of [2 * index + 1, 2 * index + 2]) {
        if (child < this.#heap.length && before(this.#heap[child]!, this.#heap[smallest]!)) smallest = child;
      }
      if (smallest === index) return;
      this.#swap(index, smallest);
      index = smallest;
    }
  }

  #swap(a: number, b: number): void {
    const entry = this.#heap[a]!;
    this.#heap[a] = this.#heap[b]!;
    this.#heap[b] = entry;
  }
}

interface Entry<T> {
  readonly time: bigint;
  readonly sequence: number;
  readonly item: T;
  readonly deadline: number;
}

function before(a: Entry<unknown>, b: Entry<unknown>): boolean {
  return a.time < b.time || (a.time === b.time && a.sequence < b.sequence);
}
