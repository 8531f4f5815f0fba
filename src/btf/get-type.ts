/** A type by the name that a person gives it, or an error with the names that are close. */
import { UsageError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import { COMPOSITES, ENUMS, Kind, type TypeId } from './kinds.ts';
import type { Btf } from './table.ts';

/** By C keyword. Without one: tags before typedefs, before the types of the language. */
const KINDS: Readonly<Record<string, readonly (readonly Kind[])[]>> = {
  struct: [[Kind.struct]],
  union: [[Kind.union]],
  enum: [ENUMS],
};
const ANY: readonly (readonly Kind[])[] = [COMPOSITES, ENUMS, [Kind.typedef], [Kind.int, Kind.float]];

/**
 * The type that C calls by that name: `struct NAME`, `union NAME`, `enum NAME`, or a bare name, which is looked up as a struct
 * or union, then an enum, a typedef, an int or float. Of several with one name the first. Forward declarations do not count.
 * @throws {UsageError} `USAGE_TYPE` when there is none; the hint has names that are close.
 */
export function getType(btf: Btf, name: string): TypeId {
  const [, keyword, bare] = /^\s*(?:(struct|union|enum)\s+)?(.*?)\s*$/s.exec(name)!;
  const choices = keyword === undefined ? ANY : KINDS[keyword]!;
  for (const kinds of choices) {
    const found = btf.find(bare!, ...kinds);
    if (found !== undefined) return found;
  }
  const what = `${keyword ?? 'type'} ${bare}`;
  if (btf.find(bare!, Kind.fwd) !== undefined)
    throw new UsageError('USAGE_TYPE', `${what} is only declared, not defined`, { details: { name } });
  const close = nearest(bare!, namesOf(btf, new Set(choices.flat())));
  throw new UsageError('USAGE_TYPE', `there is no ${what}`, {
    details: { name, close },
    ...(close.length > 0 && { hint: `close to it: ${close.join(', ')}` }),
  });
}

function namesOf(btf: Btf, kinds: ReadonlySet<Kind>): Set<string> {
  const names = new Set<string>();
  for (const id of btf.ids()) if (kinds.has(btf.kind(id)) && btf.nameOff(id) !== 0) names.add(btf.name(id));
  return names;
}
