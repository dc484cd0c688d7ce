/** Cuts a text of JSON objects, one after the other with or without space between them, into one text for each. */
export class JsonSplitter {
  #text = '';
  /** Where the search goes on. */
  #at = 0;
  #depth = 0;
  #quoted = false;

  /** Characters that wait for the end of their object. */
  get pending(): number {
    return this.#text.length;
  }

  /** Takes more text; the objects that it completes. */
  push(text: string): string[] {
    this.#text += text;
    const objects: string[] = [];
    for (; this.#at < this.#text.length; this.#at++) {
      const character = this.#text[this.#at];
      if (this.#quoted) {
        if (character === '\\') this.#at++;
        else if (character === '"') this.#quoted = false;
      } else if (character === '"') this.#quoted = true;
      else if (character === '{' || character === '[') this.#depth++;
      else if ((character === '}' || character === ']') && --this.#depth <= 0) {
        objects.push(this.#text.slice(0, this.#at + 1));
        this.#text = this.#text.slice(this.#at + 1);
        this.#at = -1;
        this.#depth = 0;
      }
    }
    return objects;
  }

  /** What is left at the end, trimmed: nothing, or something that is no object. */
  rest(): string {
    return this.#text.trim();
  }
}
