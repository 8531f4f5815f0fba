/**
 * The guard against a header that was too small without a diagnostic: a CO-RE relocation about a struct that the program only
 * saw declared. `bpf_core_type_exists(struct a##b)` compiles against a forward declaration, and is patched to 0 on a kernel
 * that has the struct.
 */
import { resolveAccess } from '../btf/core-access.ts';
import { type BtfExt, CoreRelocKind } from '../btf/ext.ts';
import { Kind, type TypeId } from '../btf/kinds.ts';
import { resolve } from '../btf/layout.ts';
import type { Btf } from '../btf/table.ts';

/**
 * Names of structs and unions that a compiled object relocates against and has only declared: the header was too small if the kernel defines one.
 * @param object  the object's own BTF, before anything is stripped
 */
export function findDeclaredOnly(object: Btf, ext: BtfExt): string[] {
  const names = new Set<string>();
  for (const relocs of ext.coreRelocs.values()) {
    for (const reloc of relocs) {
      const access = resolveAccess(object, reloc);
      const ends = [access.root, access.end];
      // A type may be asked for by a pointer to it.
      if (reloc.kind >= CoreRelocKind.typeIdLocal) ends.push(pointee(object, access.end));
      for (const end of ends) {
        const name = declaredOnly(object, end);
        if (name !== undefined) names.add(name);
      }
    }
  }
  return [...names];
}

function pointee(btf: Btf, id: TypeId): TypeId {
  let type = resolve(btf, id);
  for (let depth = 0; depth < 8 && btf.kind(type) === Kind.ptr; depth++) type = resolve(btf, btf.ref(type));
  return type;
}

/** The name, without flavour, of a type that is a forward declaration, or an array of such. */
function declaredOnly(btf: Btf, id: TypeId): string | undefined {
  let type = resolve(btf, id);
  for (let depth = 0; depth < 8 && btf.kind(type) === Kind.array; depth++) type = resolve(btf, btf.arrayElement(type));
  return btf.kind(type) === Kind.fwd ? withoutFlavour(btf.name(type)) : undefined;
}

/** `task_struct` of `task_struct___old`. @see libbpf `bpf_core_essential_name_len()` */
export function withoutFlavour(name: string): string {
  return /^(.*[^_])___[^_].*$/.exec(name)?.[1] ?? name;
}
