/**
 * Kernel functions that programs may call. Kernels from 6.10 on tag them in their BTF; a table without the tags that was
 * reduced to its kfuncs has few functions, a whole kernel has tens of thousands.
 */
import { Kind, type TypeId } from '../kinds.ts';
import type { Btf } from '../table.ts';

const TAG = 'bpf_kfunc';
const MOST_KFUNCS = 4096;

/** One function of each name, in id order; none when the BTF does not say which functions are kfuncs. */
export function findKfuncs(btf: Btf): TypeId[] {
  const { words, offsets } = btf;
  const funcs: TypeId[] = [];
  const tagged = new Set<number>();
  let tagName = -1;
  for (let id = 1; id < offsets.length; id++) {
    const at = offsets[id]!;
    const kind = (words[at + 1]! >>> 24) & 0x1f;
    if (kind === Kind.func) {
      if (funcs.length <= MOST_KFUNCS) funcs.push(id as TypeId);
    } else if (kind === Kind.declTag && words[at + 3] === 0xffffffff) {
      if (tagName === -1 && btf.string(words[at]!) === TAG) tagName = words[at]!;
      if (words[at] === tagName) tagged.add(words[at + 2]!);
    }
  }
  if (tagged.size === 0) return funcs.length > MOST_KFUNCS ? [] : onePerName(btf, funcs);
  const found = [...tagged].sort((a, b) => a - b) as TypeId[];
  return onePerName(
    btf,
    found.filter((id) => btf.kind(id) === Kind.func),
  );
}

function onePerName(btf: Btf, funcs: readonly TypeId[]): TypeId[] {
  const byName = new Map<number, TypeId>();
  for (const id of funcs) if (!byName.has(btf.nameOff(id))) byName.set(btf.nameOff(id), id);
  return [...byName.values()];
}
