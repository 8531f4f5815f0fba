/** Text that grows to megabytes: collected in bytes, so that the pieces it was made of do not stay alive. */
import { MalformedError } from '../../core/errors.ts';

const CHUNK = 32 * 1024;

export class TextOutput {
  #bytes = Buffer.allocUnsafe(4 * CHUNK);
  #length = 0;
  #chunk = '';
  readonly #limit: number;

  /** @param limit  most characters; input that makes more is taken for an attack. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Appends ASCII. */
  add(text: string): void {
    this.#chunk += text;
    if (this.#chunk.length > CHUNK) this.#flush();
  }

  #flush(): void {
    const end = this.#length + this.#chunk.length;
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
    this.#bytes.write(this.#chunk, this.#length, 'latin1');
    this.#length = end;
    this.#chunk = '';
  }

  toString(): string {
    this.#flush();
    return this.#bytes.toString('latin1', 0, this.#length);
  }
}
