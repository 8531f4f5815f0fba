/**
 * Which strings of a BTF are among a set of names: one pass over the string section's bytes, no string made for those that
 * are not. What it gives is asked by name offset, so it answers for types, members and enumerators alike.
 */
import type { Btf } from '../table.ts';

const FILTER_SIZE = 1 << 16;

/**
 * A small number for each string of a BTF, by the string's offset; 0 for most. Where it is known where names occur, few are asked for and
 * nothing is set up; otherwise every name of the BTF is asked for, and there is an array.
 */
export class NameMarks {
  readonly #byOffset: Uint16Array | undefined;
  readonly #marked = new Map<number, number>();

  /** @param isForAll  every name will be asked for anyway */
  constructor({ strings, occurrences }: Btf, isForAll = false) {
    this.#byOffset = isForAll || occurrences === undefined ? new Uint16Array(strings.length) : undefined;
  }

  get(nameOff: number): number {
    return this.#byOffset === undefined ? (this.#marked.get(nameOff) ?? 0) : this.#byOffset[nameOff]!;
  }

  set(nameOff: number, mark: number): void {
    if (this.#byOffset === undefined) this.#marked.set(nameOff, mark);
    else this.#byOffset[nameOff] = mark;
  }

  /** Offsets of the names that have a mark, where it is known where names occur. */
  marked(): Iterable<number> {
    return this.#marked.keys();
  }
}

/** Pairs of bytes that names begin with. */
const BEGINNINGS = 1 << 12;

/** Which strings are among some names, for a table that does not know where its members' names are. */
export class NameTest {
  readonly #btf: Btf;
  readonly #names: ReadonlySet<string>;
  /** By the first two bytes, whether a name begins like that: few others are decoded. */
  readonly #beginnings = new Uint8Array(BEGINNINGS);

  constructor(btf: Btf, names: Iterable<string>) {
    this.#btf = btf;
    this.#names = new Set(names);
    for (const name of this.#names) {
      const bytes = Buffer.from(name);
      this.#beginnings[beginning(bytes[0] ?? 0, bytes[1] ?? 0)] = 1;
    }
  }

  has(nameOff: number): boolean {
    const { strings } = this.#btf;
    if (this.#beginnings[beginning(strings[nameOff]!, strings[nameOff + 1]!)] === 0) return false;
    return nameOff !== 0 && this.#names.has(this.#btf.string(nameOff));
  }
}

function beginning(first: number, second: number): number {
  return (first * 37 + second) & (BEGINNINGS - 1);
}

/** Offsets in the string section, by name; several where equal strings are stored more than once. */
export type NameOffsets = ReadonlyMap<string, readonly number[]>;

/**
 * Where names are. Linear in the string section, some ms for a kernel's 2 MB, unless the table knows where its names occur: then it is
 * names of types and enumerators that are found, not those of members.
 */
export function findNames(btf: Btf, names: Iterable<string>): NameOffsets {
  const { strings, occurrences } = btf;
  const found = new Map<string, number[]>();
  if (occurrences !== undefined) {
    for (const name of names) {
      const at = name === '' ? 0 : occurrences.find(name);
      if (at !== 0) found.set(name, [at]);
    }
    return found;
  }
  const bySlot = new Map<number, Buffer[]>();
  /** By slot, whether a name has it: few others come through, so few bytes are looked at twice. */
  const filter = new Uint8Array(FILTER_SIZE);
  for (const name of new Set(names)) {
    if (name === '') continue;
    const bytes = Buffer.from(name);
    const slot = slotOf(bytes, 0, bytes.length);
    const same = bySlot.get(slot);
    if (same === undefined) bySlot.set(slot, [bytes]);
    else same.push(bytes);
    filter[slot] = 1;
  }
  if (bySlot.size === 0) return found;
  for (let start = 0, at = 0; at < strings.length; start = ++at) {
    while (strings[at] !== 0) at++;
    const slot = slotOf(strings, start, at);
    if (filter[slot] === 0) continue;
    const here = strings.subarray(start, at);
    const name = bySlot
      .get(slot)!
      .find((bytes) => bytes.equals(here))
      ?.toString();
    if (name !== undefined) found.set(name, [...(found.get(name) ?? []), start]);
  }
  return found;
}

/** @param names  each with the mark that it gets, 1 … 255; of two marks for one name the first counts */
export function markNames(btf: Btf, names: Iterable<readonly [string, number]>, offsets: NameOffsets): NameMarks {
  const marks = new NameMarks(btf);
  for (const [name, mark] of names)
    for (const at of offsets.get(name) ?? []) if (marks.get(at) === 0) marks.set(at, mark);
  return marks;
}

/** Of length, first, middle and last bytes. */
function slotOf(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length === 0) return 0;
  const middle = bytes[start + (length >> 1)]! * 0x1f35 + bytes[start + (length >> 2)]! * 0x2f1;
  return (bytes[start]! * 0x9e5 + middle + bytes[end - 1]! * 0x4f9b + length * 0x6a7) & (FILTER_SIZE - 1);
}
