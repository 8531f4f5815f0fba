/**
 * C text put together of pieces and of names. What writes C only says what comes next, a number for each; one small loop copies the bytes
 * of some thousand numbers at once. The engine has compiled that loop after a few milliseconds, and nearly all the work is in it: in the one
 * header that a process makes, all that is more complicated runs uncompiled.
 *
 * A name is its offset in the string section. A piece, text that comes up again and again, is a negative number, see {@link Pieces.make}.
 */
import { BYTE_CLASSES, KEYWORD_SLOTS, keywordSlot, replaceName } from './identifiers.ts';
import type { TextOutput } from './output.ts';

/** Room for a name, nearly always enough. */
const MOST_NAMES = 256;
const SPACE = 0x20;
/** Numbers that are kept as pieces. */
const SMALL_NUMBERS = 4096;

export class Pieces {
  readonly #strings: Uint8Array;
  /** The pieces, one behind the other. */
  readonly #text: TextOutput;
  /** Where each begins, and where the last ends. */
  readonly #starts: number[] = [0];
  readonly #known = new Map<string, number>();
  /** By number, its piece; 0 = not made yet. */
  readonly #numbers = new Int32Array(SMALL_NUMBERS);

  /** @param strings  the string section, which ends with a NUL byte */
  constructor(strings: Uint8Array, text: TextOutput) {
    this.#strings = strings;
    this.#text = text;
  }

  /** A new piece, put together like any text. Pieces are numbered -1, -2, -3, … */
  make(script: Int32Array, count: number): number {
    if (count > 0) this.write(script, count, this.#text);
    return -this.#starts.push(this.#text.length) + 1;
  }

  /** Writes the beginning of a piece that {@link make} ends; no other may be made in between. */
  extend(script: Int32Array, count: number): void {
    this.write(script, count, this.#text);
  }

  /** The piece for a text, ASCII, that will come up again. */
  of(text: string): number {
    let piece = this.#known.get(text);
    if (piece === undefined) {
      piece = this.once(text);
      this.#known.set(text, piece);
    }
    return piece;
  }

  /** A piece for a text. */
  once(text: string): number {
    this.#text.add(text);
    return -this.#starts.push(this.#text.length) + 1;
  }

  /** The piece for a decimal number. */
  ofNumber(value: number): number {
    if (value < 0 || value >= SMALL_NUMBERS) return this.once(String(value));
    this.#numbers[value] ||= this.once(String(value));
    return this.#numbers[value]!;
  }

  /** A new piece: an old one without the spaces at its end. */
  trimmed(piece: number): number {
    const text = this.#text;
    const start = this.#starts[-piece - 1]!;
    let end = this.#starts[-piece]!;
    while (end > start && text.bytes[end - 1] === SPACE) end--;
    text.reserve(end - start);
    text.length = copyPiece(text.bytes, text.length, text.bytes, start, end);
    return -this.#starts.push(text.length) + 1;
  }

  /** Bytes of a piece. */
  sizeOf(piece: number): number {
    return this.#starts[-piece]! - this.#starts[-piece - 1]!;
  }

  /** Appends what the first `count` numbers of a script say. */
  write(script: Int32Array, count: number, output: TextOutput): void {
    const strings = this.#strings;
    const starts = this.#starts;
    const text = this.#text.bytes;
    for (let i = 0; i < count; i++) {
      const next = script[i]!;
      if (next < 0) {
        const start = starts[-next - 1]!;
        const end = starts[-next]!;
        if (output.length + end - start > output.bytes.length) output.reserve(end - start);
        output.length = copyPiece(output.bytes, output.length, text, start, end);
      } else {
        if (output.length + MOST_NAMES > output.bytes.length) output.reserve(MOST_NAMES);
        const end = copyName(output.bytes, output.length, strings, next);
        if (end >= 0 && end < output.bytes.length) output.length = end;
        else this.#writeOddName(next, output);
      }
    }
  }

  /** A name that is longer than there is room, or that may be no identifier. */
  #writeOddName(nameOff: number, output: TextOutput): void {
    const start = output.length;
    const length = this.#strings.indexOf(0, nameOff) - nameOff;
    output.reserve(length);
    output.length = copyPiece(output.bytes, start, this.#strings, nameOff, nameOff + length);
    replaceName(output, start);
  }
}

/** Copies bytes; gives the end of what was written. */
function copyPiece(to: Uint8Array, at: number, from: Uint8Array, start: number, end: number): number {
  for (let i = start; i < end; i++) to[at++] = from[i]!;
  return at;
}

/** Copies a name as far as there is room, and gives the end of what was written; negative if the name may be no identifier. */
function copyName(to: Uint8Array, at: number, strings: Uint8Array, nameOff: number): number {
  const start = at;
  const first = strings[nameOff]!;
  let last = 0;
  let classes = BYTE_CLASSES[first]! & 2;
  for (let i = nameOff, byte = first; byte !== 0 && at < to.length; byte = strings[++i]!) {
    to[at++] = byte;
    classes |= BYTE_CLASSES[byte]! & 1;
    last = byte;
  }
  return (classes | KEYWORD_SLOTS[keywordSlot(first, last, at - start)]!) === 0 ? at : -1;
}
