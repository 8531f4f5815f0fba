/** The types that have something to do with a set of names, without going through all others where it is known where names occur. */
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
  const ids = new Set<number>();
  const add = (nameOff: number) => {
    for (const id of occurrences.bearers(nameOff)) ids.add(id);
  };
  for (const nameOff of more) add(nameOff);
  for (const nameOff of marks.marked()) add(nameOff);
  return Uint32Array.from(ids).sort();
}

function allTypes({ count }: Btf): Uint32Array {
  const ids = new Uint32Array(count - 1);
  for (let index = 0; index < ids.length; index++) ids[index] = index + 1;
  return ids;
}
