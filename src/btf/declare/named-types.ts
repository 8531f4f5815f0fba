/** The types that have something to do with a set of names, without going through all others where it is known where names occur. */
import type { TypeId } from '../kinds.ts';
import type { Btf } from '../table.ts';
import type { NameMarks } from './name-marks.ts';

/**
 * Ids, ascending, of at least all types whose name, or one of whose enumerators, is marked: all ids of a table that does not know
 * where its names occur.
 * @param marks  of the names; whatever the mark
 * @param more  offsets of further names
 */
export function markedTypes(btf: Btf, marks: NameMarks | undefined, more: readonly number[] = []): Uint32Array {
  const { occurrences } = btf;
  if (occurrences === undefined || marks === undefined) return allTypes(btf);
  const ids: number[] = [];
  const add = (nameOff: number) => {
    for (const place of occurrences.places(nameOff)) ids.push(typeAt(btf, place));
  };
  for (const nameOff of more) add(nameOff);
  for (const nameOff of marks.marked()) add(nameOff);
  return Uint32Array.from(ids)
    .sort()
    .filter((id, index, sorted) => index === 0 || sorted[index - 1] !== id);
}

function allTypes({ count }: Btf): Uint32Array {
  const ids = new Uint32Array(count - 1);
  for (let index = 0; index < ids.length; index++) ids[index] = index + 1;
  return ids;
}

/** The type that a word belongs to: the last that begins at or before it. */
export function typeAt({ offsets }: Btf, place: number): TypeId {
  let low = 1;
  let high = offsets.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (offsets[middle]! <= place) low = middle;
    else high = middle - 1;
  }
  return low as TypeId;
}
