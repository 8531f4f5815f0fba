/** The functions of a program or library, out of its ELF symbol table. Pure: bytes in. */
import { parseElf, SectionFlag, SectionType, SymbolBinding, type SymbolTable, SymbolType } from '../elf/elf.ts';
import { findPlace } from './places.ts';

/** Functions that are chosen when they are first called. */
const SYMBOL_IFUNC = 10;

/** Functions of a file by their place in it. */
export interface FunctionTable {
  /** @param offset  bytes from the start of the file */
  find(offset: number): string | undefined;
  /** Of every function, in order of their places. */
  names(): string[];
}

/**
 * From the whole symbol table, or where a file was stripped from the one for dynamic linking.
 * @throws {MalformedError} `ELF_*` @throws {UnsupportedError} for 32-bit files
 */
export function functionTable(bytes: Uint8Array): FunctionTable {
  const elf = parseElf(bytes);
  const table = elf.symbolTable(SectionType.symtab) ?? elf.symbolTable(SectionType.dynsym);
  if (table === undefined) return { find: () => undefined, names: () => [] };
  const functions: { readonly at: number; readonly index: number }[] = [];
  for (let index = 0; index < table.count; index++) {
    const type = table.type(index);
    if (type !== SymbolType.func && type !== SYMBOL_IFUNC) continue;
    const section = elf.sections[table.sectionIndex(index)];
    if (section === undefined || (section.flags & SectionFlag.exec) === 0) continue;
    functions.push({ at: table.value(index) - section.address + section.offset, index });
  }
  functions.sort((a, b) => a.at - b.at || rank(table, a.index) - rank(table, b.index) || a.index - b.index);
  const places = Float64Array.from(functions, ({ at }) => at);
  return {
    find(offset) {
      const nearest = findPlace(places, offset);
      if (nearest < 0) return undefined;
      const { at, index } = functions[nearest]!;
      const inside = offset - at;
      if (inside === 0) return table.name(index);
      return inside < table.size(index) ? `${table.name(index)}+0x${inside.toString(16)}` : undefined;
    },
    names: () => functions.map(({ index }) => table.name(index)),
  };
}

/** Names that others may call come first. */
function rank(table: SymbolTable, index: number): number {
  const binding = table.binding(index);
  return binding === SymbolBinding.global ? 0 : binding === SymbolBinding.weak ? 1 : 2;
}
