/**
 * C text under construction, as bytes: type names are copied from BTF's string section without becoming strings first, which
 * is most of the speed of writing a kernel's header. What it holds is ASCII, whatever the names held.
 */
import { MalformedError } from '../../core/errors.ts';

const UNDERSCORE = 0x5f;
const SPACE = 0x20;

/** Bytes that an identifier may hold. */
const IDENTIFIER = new Uint8Array(256);
for (let byte = 0; byte < 256; byte++) IDENTIFIER[byte] = /[A-Za-z0-9_]/.test(String.fromCharCode(byte)) ? 1 : 0;

/** What is a keyword for every clang in its default mode; C23's `bool`, `true` and `false` are the header's to handle. */
const KEYWORDS = new Set(
  `asm auto break case char const continue default do double else enum extern float for goto if inline int long register
  restrict return short signed sizeof static struct switch typedef typeof union unsigned void volatile while _Alignas _Alignof
  _Atomic _Bool _Complex _Generic _Imaginary _Noreturn _Static_assert _Thread_local`.split(/\s+/),
);
const LONGEST_KEYWORD = 14;
/** A filter that lets few names but keywords through. */
const KEYWORD_FILTER = new Uint8Array(512);
for (const word of KEYWORDS)
  KEYWORD_FILTER[keywordHash(word.charCodeAt(0), word.charCodeAt(word.length - 1), word.length)] = 1;

function keywordHash(first: number, last: number, length: number): number {
  return (first * 3 + last * 5 + length * 37) & 511;
}

export class CText {
  #bytes = new Uint8Array(64 * 1024);
  #length = 0;
  readonly #limit: number;

  /** @param limit  most bytes that are written; beyond it the input is taken for an attack. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get length(): number {
    return this.#length;
  }

  #grow(need: number): void {
    if (need > this.#limit)
      throw new MalformedError(
        'BTF_TOO_LARGE',
        `the types make more than ${this.#limit} bytes of C: nested without end`,
      );
    let size = this.#bytes.length;
    while (size < need) size *= 2;
    const grown = new Uint8Array(size);
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }

  /** Appends ASCII. */
  add(text: string): void {
    const end = this.#length + text.length;
    if (end > this.#bytes.length) this.#grow(end);
    const bytes = this.#bytes;
    for (let i = 0, at = this.#length; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
    this.#length = end;
  }

  /** Starts a line at an indentation of `level` tabs. */
  indent(level: number): void {
    const end = this.#length + level;
    if (end > this.#bytes.length) this.#grow(end);
    this.#bytes.fill(0x09, this.#length, end);
    this.#length = end;
  }

  /**
   * Appends the NUL-terminated name at `offset` as a C identifier: a byte that an identifier cannot hold becomes `_`, a
   * keyword gets a `_` behind it.
   */
  name(strings: Uint8Array, offset: number): void {
    const start = this.#length;
    let at = start;
    let from = offset;
    let byte = strings[from]!;
    if (byte >= 0x30 && byte <= 0x39) this.add('_');
    at = this.#length;
    for (; byte !== 0; byte = strings[++from]!) {
      if (at === this.#bytes.length) {
        this.#length = at;
        this.#grow(at + 1);
      }
      this.#bytes[at++] = IDENTIFIER[byte] === 1 ? byte : UNDERSCORE;
    }
    this.#length = at;
    const length = at - start;
    if (
      length <= LONGEST_KEYWORD &&
      length > 0 &&
      KEYWORD_FILTER[keywordHash(this.#bytes[start]!, this.#bytes[at - 1]!, length)] === 1 &&
      KEYWORDS.has(this.#slice(start))
    )
      this.add('_');
  }

  /** Takes one space from the end, if there is one. */
  trimSpace(): void {
    if (this.#length > 0 && this.#bytes[this.#length - 1] === SPACE) this.#length--;
  }

  #slice(from: number): string {
    return Buffer.from(this.#bytes.buffer, from, this.#length - from).toString('latin1');
  }

  toString(): string {
    return this.#slice(0);
  }
}
