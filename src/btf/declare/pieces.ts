/**
 * C text put together of pieces and of names. What writes C only says what comes next, a number for each; one small loop copies the bytes
 * of some thousand numbers at once. The engine has compiled that loop after a few milliseconds, and nearly all the work is in it: in the one
 * header that a process makes, all that is more complicated runs uncompiled.
 *
 * A name is its offset in the string section. A piece, text that comes up again and again, is a negative number, see {@link Pieces.make}.
 */
import { latin1 } from '../../core/bytes.ts';
import { BYTE_CLASSES, KEYWORD_SLOTS, keywordSlot, replaceName } from './identifiers.ts';
import type { TextOutput } from './output.ts';

/** Stands for a piece without text, which is not written. */
export const NOTHING = 0;

const SPACE = 0x20;
/** Pieces that there is room for at first: about a kernel's. */
const FIRST_ROOM = 1 << 16;
/** Numbers that are kept as pieces. */
const SMALL_NUMBERS = 4096;

export class Pieces {
  readonly #strings: Uint8Array;
  /** The pieces, one behind the other. */
  readonly #text: TextOutput;
  /** Where each begins, and where the last ends. */
  #starts = new Int32Array(FIRST_ROOM);
  /** Number of pieces. */
  #count = 0;
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
    return this.#next();
  }

  /** What was written is a piece. */
  #next(): number {
    if (++this.#count === this.#starts.length) {
      const starts = new Int32Array(this.#count * 2);
      starts.set(this.#starts);
      this.#starts = starts;
    }
    this.#starts[this.#count] = this.#text.length;
    return -this.#count;
  }

  /** A new piece: an old one and a character. */
  extended(piece: number, character: number): number {
    const text = this.#text;
    const end = this.#starts[-piece]!;
    let from = this.#starts[-piece - 1]!;
    text.reserve(end - from + 1);
    const { bytes } = text;
    let at = text.length;
    while (from < end) bytes[at++] = bytes[from++]!;
    bytes[at++] = character;
    text.length = at;
    return this.#next();
  }

  /** Writes the beginning of a piece that {@link make} ends; no other may be made in between. */
  extend(script: Int32Array, count: number): void {
    this.write(script, count, this.#text);
  }

  /** The piece for a text, ASCII, that will come up again. */
  of(text: string): number {
    if (text === '') return NOTHING;
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
    return this.#next();
  }

  /** The piece for a decimal number. */
  ofNumber(value: number): number {
    if (value < 0 || value >= SMALL_NUMBERS) return this.once(String(value));
    this.#numbers[value] ||= this.once(String(value));
    return this.#numbers[value]!;
  }

  /** A new piece: an old one without the spaces at its end. */
  trimmed(piece: number): number {
    const { bytes } = this.#text;
    const start = this.#starts[-piece - 1]!;
    let end = this.#starts[-piece]!;
    while (end > start && bytes[end - 1] === SPACE) end--;
    return this.once(latin1(bytes, start, end));
  }

  /** Bytes of a piece. */
  sizeOf(piece: number): number {
    return this.#starts[-piece]! - this.#starts[-piece - 1]!;
  }

  /** Appends what the first `count` numbers of a script say. */
  write(script: Int32Array, count: number, output: TextOutput): void {
    for (let done = 0; done < count; done++) {
      done = copyAll(output, script, done, count, this.#starts, this.#text.bytes, this.#strings);
      if (done < count) this.#writeOne(script[done]!, output);
    }
  }

  /** What {@link copyAll} leaves: there is no room, or a name that may be no identifier. */
  #writeOne(next: number, output: TextOutput): void {
    const from = next < 0 ? this.#text.bytes : this.#strings;
    const start = next < 0 ? this.#starts[-next - 1]! : next;
    const end = next < 0 ? this.#starts[-next]! : this.#strings.indexOf(0, next);
    const { length } = output;
    output.reserve(end - start);
    output.bytes.set(from.subarray(start, end), length);
    output.length += end - start;
    if (next >= 0) replaceName(output, length);
  }
}

/**
 * Appends what a script says from `first` up to `count`, and gives the index of what it cannot. Nothing but the loops that nearly all work is
 * in: so the engine has soon compiled them.
 */
function copyAll(
  output: TextOutput,
  script: Int32Array,
  first: number,
  count: number,
  starts: Int32Array,
  text: Uint8Array,
  strings: Uint8Array,
): number {
  const to = output.bytes;
  const room = to.length;
  let at = output.length;
  let index = first;
  for (; index < count; index++) {
    const next = script[index]!;
    const start = at;
    if (next < 0) {
      const end = starts[-next]!;
      let from = starts[-next - 1]!;
      if (at + end - from > room) break;
      while (from < end) to[at++] = text[from++]!;
    } else {
      let from = next;
      let byte = strings[from]!;
      const head = byte;
      let last = byte;
      let classes = BYTE_CLASSES[byte]! & 2;
      while (byte !== 0) {
        to[at++] = byte;
        classes |= BYTE_CLASSES[byte]! & 1;
        last = byte;
        byte = strings[++from]!;
      }
      if (at > room || (classes | KEYWORD_SLOTS[keywordSlot(head, to[start + 1]!, last, at - start)]!) !== 0) {
        at = start;
        break;
      }
    }
  }
  output.length = at;
  return index;
}
