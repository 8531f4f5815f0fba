/** Text that grows to megabytes: bytes in one array. */
import { MalformedError } from '../../core/errors.ts';

const SMALLEST = 1 << 12;

export class TextOutput {
  /** The text so far, UTF-8, and room for more. */
  bytes: Uint8Array;
  /** Bytes of text so far. */
  length = 0;
  readonly #limit: number;

  /**
   * @param limit  most bytes; input that makes more is taken for an attack
   * @param expected  how many there will be, roughly
   */
  constructor(limit: number, expected = 0) {
    this.#limit = limit;
    this.bytes = Buffer.allocUnsafe(Math.min(limit, Math.max(SMALLEST, expected)));
  }

  /** Makes room for so many bytes behind the text. */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    if (needed > this.#limit)
      throw new MalformedError(
        'BTF_TOO_LARGE',
        `the types make more than ${this.#limit} bytes of C: nested without end`,
      );
    const grown = Buffer.allocUnsafe(Math.min(this.#limit, Math.max(needed, this.bytes.length * 2)));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  /** Appends bytes, each a character of the text. */
  add(text: string): void {
    this.reserve(text.length);
    const { bytes, length } = this;
    for (let i = 0; i < text.length; i++) bytes[length + i] = text.charCodeAt(i);
    this.length = length + text.length;
  }

  /** A view, good until more is added. */
  text(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  toString(): string {
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset, this.length).toString();
  }
}
