/**
 * Text that grows to megabytes out of pieces of a few characters. The pieces wait in an array of fixed size and are joined by the
 * thousand, which leaves far less for the garbage collector than adding strings up.
 */
import { MalformedError } from '../../core/errors.ts';

const PIECES = 4096;

export class TextOutput {
  readonly #pieces: string[] = new Array(PIECES).fill('');
  #count = 0;
  #bytes = Buffer.allocUnsafe(128 * 1024);
  #length = 0;
  readonly #limit: number;

  /** @param limit  most characters; input that makes more is taken for an attack. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Appends ASCII. */
  add(text: string): void {
    this.#pieces[this.#count++] = text;
    if (this.#count === PIECES) this.#flush();
  }

  #flush(): void {
    const chunk = (this.#count === PIECES ? this.#pieces : this.#pieces.slice(0, this.#count)).join('');
    this.#count = 0;
    const end = this.#length + chunk.length;
    if (end > this.#limit)
      throw new MalformedError(
        'BTF_TOO_LARGE',
        `the types make more than ${this.#limit} bytes of C: nested without end`,
      );
    if (end > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(end, this.#bytes.length * 2));
      this.#bytes.copy(grown, 0, 0, this.#length);
      this.#bytes = grown;
    }
    this.#bytes.write(chunk, this.#length, 'latin1');
    this.#length = end;
  }

  toString(): string {
    this.#flush();
    return this.#bytes.toString('latin1', 0, this.#length);
  }
}
