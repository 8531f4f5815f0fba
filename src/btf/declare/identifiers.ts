/**
 * Names of BTF as C identifiers: substrings of the string section, which is decoded as a whole. What C would not take for an
 * identifier (foreign or hostile BTF) is found by one search, so that names in general need no look.
 */
import type { Btf } from '../table.ts';

/** Keywords in every mode of clang that we support; C23's `bool`, `true` and `false` are the header's to handle. */
const KEYWORDS = `asm auto break case char const continue default do double else enum extern float for goto if inline int long
  register restrict return short signed sizeof static struct switch typedef typeof union unsigned void volatile while _Alignas
  _Alignof _Atomic _Bool _Complex _Generic _Imaginary _Noreturn _Static_assert _Thread_local`;

const KEYWORD_PATTERN = KEYWORDS.split(/\s+/).join('|');
const NO_IDENTIFIER = new RegExp(`^(?:${KEYWORD_PATTERN})$|^\\d|\\W`);

/** Up to so many types it is cheaper to look at each name. */
const FEW_TYPES = 4096;

export class CIdentifiers {
  readonly #bytes: Buffer;
  /** The string section, a character per byte; only when most of it is going to be written. */
  readonly #strings: string | undefined;
  /** By string offset, the names that are no identifiers → what is written instead. */
  readonly #replaced = new Map<number, string>();
  /** By string offset, non-zero for a key of `#replaced`: cheaper to ask. */
  readonly #isReplaced: Uint8Array;

  /** @param typeCount  how many types are going to be written, roughly */
  constructor(btf: Btf, typeCount: number) {
    const { strings } = btf;
    this.#bytes = Buffer.from(strings.buffer, strings.byteOffset, strings.length);
    this.#isReplaced = new Uint8Array(typeCount <= FEW_TYPES ? 0 : strings.length);
    if (typeCount <= FEW_TYPES) return;
    this.#strings = this.#bytes.toString('latin1');
    this.#findReplaced(this.#strings);
  }

  #findReplaced(strings: string): void {
    const bad = new RegExp(`[^\\w\\0]|\\0(?:\\d|(?:${KEYWORD_PATTERN})(?=\\0))`, 'g');
    for (let match = bad.exec(strings); match !== null; match = bad.exec(strings)) {
      // A name begins behind the NUL that the match begins with, or that comes before it.
      const start = strings.lastIndexOf('\0', match.index) + 1;
      const name = strings.substring(start, strings.indexOf('\0', start));
      this.#replaced.set(start, replacement(name));
      this.#isReplaced[start] = 1;
      bad.lastIndex = start + name.length;
    }
  }

  /** The identifier for the name at an offset. */
  at(offset: number): string {
    const strings = this.#strings;
    if (strings !== undefined) {
      if (this.#isReplaced[offset] === 1) return this.#replaced.get(offset)!;
      return strings.substring(offset, strings.indexOf('\0', offset));
    }
    const name = this.#bytes.toString('latin1', offset, this.#bytes.indexOf(0, offset));
    return NO_IDENTIFIER.test(name) ? replacement(name) : name;
  }
}

/** A keyword gets a `_` behind it; a byte that an identifier cannot hold becomes `_`. */
function replacement(name: string): string {
  const safe = name.replace(/\W/g, '_');
  if (/^\d/.test(safe)) return `_${safe}`;
  return safe === name ? `${name}_` : safe;
}
