/** Cuts a byte stream into BGP messages by their length fields, whatever else they say. */
export class MessageCutter {
  #pending: Uint8Array = new Uint8Array(0);
  #broken = false;

  /** Calls `visit` with a copy of each whole message; where a length is impossible, with all that follows as one. */
  push(octets: Uint8Array, visit: (message: Uint8Array) => void): void {
    const data = new Uint8Array(this.#pending.length + octets.length);
    data.set(this.#pending);
    data.set(octets, this.#pending.length);
    let at = 0;
    while (!this.#broken && data.length - at >= 19) {
      const length = (data[at + 16]! << 8) | data[at + 17]!;
      if (length < 19) this.#broken = true;
      else if (data.length - at < length) break;
      else {
        visit(data.slice(at, at + length));
        at += length;
      }
    }
    this.#pending = data.slice(at);
    if (this.#broken && this.#pending.length > 0) {
      visit(this.#pending);
      this.#pending = new Uint8Array(0);
    }
  }

  /** What has come of a message whose end has not. */
  rest(): Uint8Array {
    return this.#pending;
  }
}
