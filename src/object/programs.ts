/**
 * The functions of an object: entry programs and the subprograms that they call, in libbpf's order.
 */
import type { BtfExt, CoreReloc } from '../btf/ext.ts';
import type { TypeId } from '../btf/kinds.ts';
import { MalformedError, UnsupportedError } from '../core/errors.ts';
import { type ElfFile, type ElfSection, type ElfSymbol, SymbolBinding } from '../elf/elf.ts';
import type { BpfProgram } from './model.ts';
import { findSectionDefinition } from './section-defs.ts';
import type { ObjectSections, SymbolIndex } from './sections.ts';

export const INSN_SIZE = 8;

export interface ObjectPrograms {
  readonly programs: readonly BpfProgram[];
  readonly subprograms: readonly BpfProgram[];
  /** The function that holds the instruction at an offset (**bytes**) of a section. O(log n). */
  findAt(sectionIndex: number, offset: number): BpfProgram | undefined;
}

/**
 * @throws {MalformedError} `ELF_BAD_PROGRAM`: a function that leaves its section or is no sequence of instructions
 * @throws {UnsupportedError} `UNSUP_STATIC_PROGRAM`
 */
export function collectPrograms(
  elf: ElfFile,
  sections: ObjectSections,
  symbols: SymbolIndex,
  btfExt: BtfExt | undefined,
): ObjectPrograms {
  const bySection = new Map<number, BpfProgram[]>();
  let count = 0;
  for (const section of sections.code) {
    // libbpf looks a section up by its name, so what .BTF.ext says is about the first of that name
    const ext = sections.byName.get(section.name) === section ? btfExt : undefined;
    const found = sectionPrograms(elf, section, sections.text, symbols, ext);
    bySection.set(section.index, found);
    count += found.length;
  }
  // a lone function is a program, wherever it is
  const textIndex = count > 1 ? sections.text?.index : undefined;
  const all = [...bySection.values()].flat();
  return {
    programs: all.filter(({ sectionIndex }) => sectionIndex !== textIndex),
    subprograms: all.filter(({ sectionIndex }) => sectionIndex === textIndex),
    findAt(sectionIndex, offset) {
      const found = lastAtOrBefore(bySection.get(sectionIndex) ?? [], offset);
      return found !== undefined && offset < found.insnOffset + found.size ? found : undefined;
    },
  };
}

function sectionPrograms(
  elf: ElfFile,
  section: ElfSection,
  text: ElfSection | undefined,
  symbols: SymbolIndex,
  btfExt: BtfExt | undefined,
): BpfProgram[] {
  const data = elf.data(section);
  const isText = section === text;
  const functions = [...(symbols.functions.get(section.index) ?? [])].sort((a, b) => a.value - b.value);
  const types = new Map<number, TypeId>();
  for (const { insnOffset, typeId } of btfExt?.funcs.get(section.name) ?? []) types.set(insnOffset, typeId);
  const relocs = [...(btfExt?.coreRelocs.get(section.name) ?? [])].sort((a, b) => a.insnOffset - b.insnOffset);
  const definition = isText ? undefined : findSectionDefinition(section.name);
  return functions.map((symbol) => {
    checkProgram(symbol, section, isText);
    return {
      name: symbol.name,
      section: section.name,
      sectionIndex: section.index,
      insnOffset: symbol.value,
      size: symbol.size,
      insns: data.subarray(symbol.value, symbol.value + symbol.size),
      definition,
      autoload: !section.name.startsWith('?'),
      typeId: types.get(symbol.value),
      coreRelocs: relocsBetween(relocs, symbol.value, symbol.value + symbol.size),
    };
  });
}

function checkProgram(symbol: ElfSymbol, section: ElfSection, isText: boolean): void {
  const { name, value, size } = symbol;
  const details = { program: name, section: section.name, offset: value, size };
  if (value + size > section.size) {
    throw new MalformedError(
      'ELF_BAD_PROGRAM',
      `program ${name}: ends at 0x${(value + size).toString(16)}, section ${section.name} at 0x${section.size.toString(16)}`,
      { details },
    );
  }
  if (symbol.binding === SymbolBinding.local && !isText) {
    throw new UnsupportedError('UNSUP_STATIC_PROGRAM', `program ${name} in section ${section.name} is static`, {
      details,
      hint: "remove 'static': the loader sees global functions only",
    });
  }
  if (size === 0 || size % INSN_SIZE !== 0 || value % INSN_SIZE !== 0) {
    throw new MalformedError(
      'ELF_BAD_PROGRAM',
      `program ${name}: ${size} bytes at 0x${value.toString(16)} of section ${section.name} are no instructions of ${INSN_SIZE} bytes each`,
      { details },
    );
  }
}

function relocsBetween(sorted: readonly CoreReloc[], start: number, end: number): readonly CoreReloc[] {
  let low = 0;
  for (let high = sorted.length; low < high; ) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]!.insnOffset < start) low = middle + 1;
    else high = middle;
  }
  let stop = low;
  while (stop < sorted.length && sorted[stop]!.insnOffset < end) stop++;
  return sorted.slice(low, stop);
}

/** The last of a list sorted by offset that begins at or before it. */
function lastAtOrBefore<T extends { readonly insnOffset: number }>(
  sorted: readonly T[],
  offset: number,
): T | undefined {
  let low = 0;
  for (let high = sorted.length; low < high; ) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]!.insnOffset <= offset) low = middle + 1;
    else high = middle;
  }
  return sorted[low - 1];
}
