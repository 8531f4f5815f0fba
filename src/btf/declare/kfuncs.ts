/**
 * Kernel functions that programs may call. Kernels from 6.10 on tag them in their BTF; a table without the tags that was
 * reduced to its kfuncs has few functions, a whole kernel has tens of thousands.
 */
import { Kind, type TypeId } from '../kinds.ts';
import type { Btf } from '../table.ts';
import { idsOfKinds } from './kind-lists.ts';

export const KFUNC_TAG = 'bpf_kfunc';
const MOST_KFUNCS = 4096;

/** All kfuncs, one function of each name, in id order; none when the BTF does not say which functions are kfuncs. */
export function findKfuncs(btf: Btf): TypeId[] {
  const tagged = taggedFuncs(btf, idsOfKinds(btf, Kind.declTag));
  if (tagged.size > 0)
    return onePerName(
      btf,
      [...tagged].sort((a, b) => a - b),
    );
  const funcs = idsOfKinds(btf, Kind.func);
  return funcs.length > MOST_KFUNCS ? [] : onePerName(btf, funcs);
}

/**
 * The kfuncs among some functions, in the same sense.
 * @param declTags  all of the table
 * @param funcCount  number of functions in the table
 */
export function selectKfuncs(
  btf: Btf,
  funcs: readonly TypeId[],
  declTags: readonly TypeId[],
  funcCount: number,
): TypeId[] {
  if (funcs.length === 0) return [];
  const tagged = taggedFuncs(btf, declTags);
  if (tagged.size === 0) return funcCount > MOST_KFUNCS ? [] : onePerName(btf, funcs);
  return onePerName(
    btf,
    funcs.filter((id) => tagged.has(id)),
  );
}

function taggedFuncs(btf: Btf, declTags: ArrayLike<TypeId>): Set<TypeId> {
  const tagged = new Set<TypeId>();
  for (let i = 0; i < declTags.length; i++) {
    const id = declTags[i]!;
    const func = btf.ref(id);
    if (btf.declTagComponent(id) === -1 && btf.kind(func) === Kind.func && btf.name(id) === KFUNC_TAG) tagged.add(func);
  }
  return tagged;
}

function onePerName(btf: Btf, funcs: ArrayLike<TypeId>): TypeId[] {
  const byName = new Map<number, TypeId>();
  for (let i = 0; i < funcs.length; i++) {
    const nameOff = btf.nameOff(funcs[i]!);
    if (!byName.has(nameOff)) byName.set(nameOff, funcs[i]!);
  }
  return [...byName.values()];
}
