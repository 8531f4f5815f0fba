/** The types of some kinds: what goes through a kernel's hundred thousand types to find the few that matter, once and in a loop of few steps. */
import { Kind, type TypeId } from '../kinds.ts';
import { signedWords } from '../signed-words.ts';
import type { Btf } from '../table.ts';

const KINDS = 32;
/** What C has a declaration for: tags and typedefs. */
const DECLARED = [Kind.struct, Kind.union, Kind.enum, Kind.enum64, Kind.typedef, Kind.fwd];

/** Ids of the types of these kinds, ascending. */
export function idsOfKinds(btf: Btf, ...kinds: readonly Kind[]): ArrayLike<TypeId> {
  const isWanted = new Uint8Array(KINDS);
  for (const kind of kinds) isWanted[kind] = 1;
  const words = signedWords(btf);
  const { offsets } = btf;
  const ids = new Uint32Array(offsets.length);
  let count = 0;
  // nothing depends on the kind: a loop that does the same for all is compiled soonest, and stays compiled
  for (let id = 1; id < offsets.length; id++) {
    ids[count] = id;
    count += isWanted[(words[offsets[id]! + 1]! >>> 24) & 0x1f]!;
  }
  return ids.subarray(0, count) as ArrayLike<number> as ArrayLike<TypeId>;
}

/** Ids of all structs, unions, enums, typedefs and forward declarations, ascending. */
export function declaredTypes(btf: Btf): ArrayLike<TypeId> {
  return idsOfKinds(btf, ...DECLARED);
}
