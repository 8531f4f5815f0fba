/**
 * Where global variables really are. clang leaves sizes and offsets in `datasec` types at zero for the loader to fill in from the
 * symbol table; that is done here, beside the BTF and not in it.
 */
import { aKind, Kind, Linkage, type TypeId } from '../btf/kinds.ts';
import type { Btf } from '../btf/table.ts';
import { MalformedError } from '../core/errors.ts';
import { SectionType, SymbolVisibility } from '../elf/elf.ts';
import type { DataVariable } from './model.ts';
import { KCONFIG_SECTION, KSYMS_SECTION, type ObjectSections, type SymbolIndex } from './sections.ts';

/** A `datasec` after the fix-ups. */
export interface Datasec {
  readonly typeId: TypeId;
  readonly name: string;
  /** **Bytes**. */
  readonly size: number;
  /** Its variables by offset. */
  readonly variables: readonly DataVariable[];
}

/**
 * All `datasec`s by name, the first of each; those of externs (`.kconfig`, `.ksyms`) are left out.
 * @throws {MalformedError} `BTF_DATASEC_NO_SECTION`, `BTF_DATASEC_BAD_ENTRY`, `BTF_VAR_NO_SYMBOL`
 */
export function collectDatasecs(
  btf: Btf,
  sections: ObjectSections,
  symbols: SymbolIndex,
): ReadonlyMap<string, Datasec> {
  const datasecs = new Map<string, Datasec>();
  const entries: { id: TypeId; name: string; entries: Placed[]; size: number }[] = [];
  const hidden = new Set<TypeId>();
  for (const id of btf.ids(btf.firstOwnId)) {
    if (btf.kind(id) !== Kind.datasec) continue;
    const name = btf.name(id);
    if (name === KCONFIG_SECTION || name === KSYMS_SECTION) continue;
    entries.push({ id, name, ...placeVariables(btf, id, name, sections, symbols, hidden) });
  }
  // a variable's linkage belongs to its type, so it is settled only after all sections were seen
  for (const { id, name, entries: placed, size } of entries) {
    if (datasecs.has(name)) continue;
    const variables = placed.map(({ varTypeId, offset, size }): DataVariable => {
      const linkage = hidden.has(varTypeId) ? Linkage.static : btf.linkage(varTypeId);
      return {
        name: btf.name(varTypeId),
        varTypeId,
        typeId: btf.ref(varTypeId),
        offset,
        size,
        linkage,
        exported: linkage !== Linkage.static,
      };
    });
    datasecs.set(name, { typeId: id, name, size, variables: variables.sort((a, b) => a.offset - b.offset) });
  }
  return datasecs;
}

interface Placed {
  readonly varTypeId: TypeId;
  readonly offset: number;
  readonly size: number;
}

function placeVariables(
  btf: Btf,
  id: TypeId,
  name: string,
  sections: ObjectSections,
  symbols: SymbolIndex,
  hidden: Set<TypeId>,
): { entries: Placed[]; size: number } {
  let size = btf.recordedSize(id);
  const isUnplaced = size === 0;
  if (isUnplaced) {
    const section = sections.byName.get(name);
    size = section === undefined || section.type === SectionType.null ? 0 : section.size;
    if (size === 0) {
      throw new MalformedError(
        'BTF_DATASEC_NO_SECTION',
        `datasec ${name}: the object has no section of that name with contents`,
        {
          details: { typeId: id, section: name },
          hint: 'compile without -fdata-sections, which gives variables sections of their own',
        },
      );
    }
  }
  const entries: Placed[] = [];
  for (let i = 0; i < btf.vlen(id); i++) {
    const varTypeId = btf.secinfoType(id, i);
    if (btf.kind(varTypeId) !== Kind.var) {
      throw new MalformedError(
        'BTF_DATASEC_BAD_ENTRY',
        `datasec ${name}: entry ${i} is type ${varTypeId}, ${aKind(btf.kind(varTypeId))}, expected a var`,
        { details: { typeId: id, section: name, entry: i } },
      );
    }
    let offset = btf.secinfoOffset(id, i);
    if (btf.linkage(varTypeId) === Linkage.global) {
      const variable = btf.name(varTypeId);
      const symbol = symbols.objects.get(variable);
      if (symbol === undefined) {
        throw new MalformedError(
          'BTF_VAR_NO_SYMBOL',
          `variable ${variable} of datasec ${name}: the object has no global symbol of that name`,
          {
            details: { typeId: varTypeId, section: name, variable },
            hint: 'the symbol was removed or made local after compiling; strip with llvm-strip -g only',
          },
        );
      }
      if (isUnplaced) offset = symbol.value;
      if (symbol.visibility === SymbolVisibility.hidden || symbol.visibility === SymbolVisibility.internal) {
        hidden.add(varTypeId);
      }
    }
    entries.push({ varTypeId, offset, size: btf.secinfoSize(id, i) });
  }
  return { entries, size };
}
