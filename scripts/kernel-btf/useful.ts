/**
 * What of a kernel's BTF a C program can use: types with a name, constants, and kfuncs, which are the only functions of the
 * kernel that programs call; with all that these need. Half of a kernel's BTF is the prototypes of its other functions.
 */
import { isComposite, isEnum, Kind, type TypeId } from '../../src/btf/kinds.ts';
import { subsetBtf } from '../../src/btf/subset.ts';
import type { Btf } from '../../src/btf/table.ts';

/** The decl tag by which pahole marks kfuncs, since version 1.26. */
const KFUNC_TAG = 'bpf_kfunc';

export function usefulTypes(btf: Btf): Btf {
  const kfuncs = new Set<TypeId>();
  for (const id of btf.ids()) {
    if (btf.kind(id) === Kind.declTag && btf.name(id) === KFUNC_TAG) kfuncs.add(btf.ref(id));
  }
  const roots = [...btf.ids()].filter((id) => {
    const kind = btf.kind(id);
    if (kind === Kind.func) return kfuncs.has(id);
    return isEnum(kind) || ((isComposite(kind) || kind === Kind.typedef) && btf.nameOff(id) !== 0);
  });
  return subsetBtf(btf, roots);
}
