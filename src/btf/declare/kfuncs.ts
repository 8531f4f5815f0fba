/**
 * Kernel functions that programs may call. Kernels from 6.10 on tag them in their BTF; a table without the tags that was
 * reduced to its kfuncs has few functions, a whole kernel has tens of thousands.
 */
import { Kind, type TypeId } from '../kinds.ts';
import type { Btf } from '../table.ts';

export const KFUNC_TAG = 'bpf_kfunc';
const MOST_KFUNCS = 4096;

/** All kfuncs, one function of each name, in id order; none when the BTF does not say which functions are kfuncs. */
export function findKfuncs(btf: Btf): TypeId[] {
  const { words, offsets } = btf;
  const funcs: TypeId[] = [];
  const declTags: TypeId[] = [];
  for (let id = 1; id < offsets.length; id++) {
    const kind = (words[offsets[id]! + 1]! >>> 24) & 0x1f;
    if (kind === Kind.func) funcs.push(id as TypeId);
    else if (kind === Kind.declTag) declTags.push(id as TypeId);
  }
  return selectKfuncs(btf, funcs, declTags, funcs.length);
}

/**
 * The kfuncs among some functions.
 * @param declTags  all of the table
 * @param funcCount  number of functions in the table
 */
export function selectKfuncs(
  btf: Btf,
  funcs: readonly TypeId[],
  declTags: readonly TypeId[],
  funcCount: number,
): TypeId[] {
  const tagged = new Set<TypeId>();
  for (const id of declTags) if (btf.declTagComponent(id) === -1 && btf.name(id) === KFUNC_TAG) tagged.add(btf.ref(id));
  if (tagged.size === 0 && funcCount > MOST_KFUNCS) return [];
  const byName = new Map<number, TypeId>();
  for (const id of funcs) {
    const name = btf.nameOff(id);
    if ((tagged.size === 0 || tagged.has(id)) && !byName.has(name)) byName.set(name, id);
  }
  return [...byName.values()];
}
