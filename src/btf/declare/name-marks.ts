/**
 * Which strings of a BTF are among a set of names: one pass over the string section's bytes, no string made for those that
 * are not. What it gives is asked by name offset, so it answers for types, members and enumerators alike.
 */
import type { Btf } from '../table.ts';

const FILTER_SIZE = 1 << 16;

/** By string offset: 1 where a string that is in `names` starts. */
export type NameMarks = Uint8Array;

/** Linear in the string section: a few ms for a kernel's 1.5 MB. */
export function markNames(btf: Btf, names: Iterable<string>): NameMarks {
  const { strings } = btf;
  const marks = new Uint8Array(strings.length);
  const bySlot = new Map<number, Buffer[]>();
  /** By slot, whether a name has it: few others come through, so few bytes are looked at twice. */
  const filter = new Uint8Array(FILTER_SIZE);
  for (const name of names) {
    if (name === '') continue;
    const bytes = Buffer.from(name);
    const slot = slotOf(bytes, 0, bytes.length);
    const same = bySlot.get(slot);
    if (same === undefined) bySlot.set(slot, [bytes]);
    else same.push(bytes);
    filter[slot] = 1;
  }
  for (let start = 0, at = 0; at < strings.length; start = ++at) {
    while (strings[at] !== 0) at++;
    if (filter[slotOf(strings, start, at)] === 1 && isAmong(bySlot.get(slotOf(strings, start, at)), strings, start, at))
      marks[start] = 1;
  }
  return marks;
}

/** Of length, first, middle and last bytes. */
function slotOf(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length === 0) return 0;
  const middle = bytes[start + (length >> 1)]! * 0x1f35 + bytes[start + (length >> 2)]! * 0x2f1;
  return (bytes[start]! * 0x9e5 + middle + bytes[end - 1]! * 0x4f9b + length * 0x6a7) & (FILTER_SIZE - 1);
}

function isAmong(names: readonly Buffer[] | undefined, strings: Uint8Array, start: number, end: number): boolean {
  return names?.some((name) => name.length === end - start && name.equals(strings.subarray(start, end))) ?? false;
}
