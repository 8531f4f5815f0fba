/**
 * First look at an object: is it eBPF, what is each section for, is there anything that libbpf refuses on sight. Nothing here
 * looks at BTF or instructions.
 */
import { ByteReader, cString } from '../core/bytes.ts';
import { MalformedError, UnsupportedError } from '../core/errors.ts';
import {
  type ElfFile,
  type ElfSection,
  type ElfSymbol,
  EM_BPF,
  EM_NONE,
  ET_REL,
  SectionFlag,
  SectionType,
  SymbolBinding,
  SymbolType,
} from '../elf/elf.ts';
import type { ObjectWarning } from './model.ts';

export const MAPS_SECTION = '.maps';
export const KCONFIG_SECTION = '.kconfig';
export const KSYMS_SECTION = '.ksyms';
export const ARENA_SECTION = '.addr_space.1';
const LLVM_ADDRSIG = 0x6fff4c03;
const REL_ENTRY_SIZE = 16;
const STRUCT_OPS_SECTIONS = new Set(['.struct_ops', '.struct_ops.link', '?.struct_ops', '?.struct_ops.link']);

/** A section of global variables and the kind of map that holds it. */
export interface VariableSection {
  readonly section: ElfSection;
  readonly kind: 'data' | 'rodata' | 'bss';
}

/** The sections of an object by their purpose, each list in header order. */
export interface ObjectSections {
  /** First section of each name. */
  readonly byName: ReadonlyMap<string, ElfSection>;
  readonly code: readonly ElfSection[];
  /** The `.text` among `code`: subprograms. */
  readonly text: ElfSection | undefined;
  readonly maps: ElfSection | undefined;
  readonly variables: readonly VariableSection[];
  readonly structOps: readonly ElfSection[];
  readonly arena: ElfSection | undefined;
  readonly btf: ElfSection | undefined;
  readonly btfExt: ElfSection | undefined;
  /** REL sections that patch code, `.maps` or struct_ops. */
  readonly relocations: readonly ElfSection[];
  readonly license: string | undefined;
  readonly kernelVersion: number | undefined;
}

/**
 * @throws {MalformedError} `ELF_*`
 * @throws {UnsupportedError} `UNSUP_LEGACY_MAPS`
 */
export function collectSections(elf: ElfFile, warnings: ObjectWarning[]): ObjectSections {
  checkHeader(elf);
  checkSymbolTable(elf);
  const byName = new Map<string, ElfSection>();
  const code: ElfSection[] = [];
  const variables: VariableSection[] = [];
  const structOps: ElfSection[] = [];
  const relocations: ElfSection[] = [];
  let [text, maps, arena, btf, btfExt]: (ElfSection | undefined)[] = [];
  let license: string | undefined;
  let kernelVersion: number | undefined;

  for (const section of elf.sections.slice(1)) {
    if (!byName.has(section.name)) byName.set(section.name, section);
    if (isIgnored(section)) continue;
    const { name, type } = section;
    const data = elf.data(section);
    if (name === 'license') {
      if (type === SectionType.nobits) throw badSection(section, 'has no contents');
      license = cString(data, 0);
    } else if (name === 'version') {
      kernelVersion = readVersion(elf, section, data);
    } else if (name === 'maps') {
      throw new UnsupportedError('UNSUP_LEGACY_MAPS', 'section maps: map definitions of the old style', {
        details: { section: name },
        hint: 'define maps as structs in SEC(".maps") with __uint() and __type()',
      });
    } else if (name === MAPS_SECTION) {
      maps = section;
    } else if (name === '.BTF' || name === '.BTF.ext') {
      if (type !== SectionType.progbits) throw badSection(section, `is of type ${type}, expected PROGBITS`);
      if (name === '.BTF') btf = section;
      else btfExt = section;
    } else if (type === SectionType.symtab) {
      // read on demand
    } else if (type === SectionType.progbits && section.size > 0) {
      const kind = variableKind(section);
      if (isExecutable(section)) {
        if (name === '.text') text = section;
        code.push(section);
      } else if (kind !== undefined) variables.push({ section, kind });
      else if (STRUCT_OPS_SECTIONS.has(name)) structOps.push(section);
      else if (name === ARENA_SECTION) arena = section;
      else warnings.push(ignored(section, 'libbpf knows no data section of that name'));
    } else if (type === SectionType.rel) {
      checkRelocationSection(elf, section);
      relocations.push(section);
    } else if (type === SectionType.nobits && isNamed(name, '.bss')) {
      if (section.size > 0) variables.push({ section, kind: 'bss' });
    } else if (section.size > 0) {
      warnings.push(ignored(section, `libbpf has no use for a section of type ${type} of that name`));
    }
  }

  const patched = new Set([...code, ...structOps, ...(maps === undefined ? [] : [maps])].map(({ index }) => index));
  return {
    byName,
    code,
    text,
    maps,
    variables,
    structOps,
    arena,
    btf,
    btfExt,
    relocations: relocations.filter(({ info }) => patched.has(info)),
    license,
    kernelVersion,
  };
}

function checkHeader(elf: ElfFile): void {
  if (elf.type !== ET_REL) {
    throw new MalformedError('ELF_BAD_TYPE', `ELF type ${elf.type}, expected a relocatable object (${ET_REL})`, {
      details: { type: elf.type },
      hint: 'give the object that clang -c -target bpf writes',
    });
  }
  if (elf.machine !== EM_BPF && elf.machine !== EM_NONE) {
    throw new MalformedError('ELF_BAD_MACHINE', `an object for machine ${elf.machine}, expected eBPF (${EM_BPF})`, {
      details: { machine: elf.machine },
      hint: 'compile with clang -target bpf',
    });
  }
}

function checkSymbolTable(elf: ElfFile): void {
  const tables = elf.sections.filter(({ type }) => type === SectionType.symtab);
  if (tables.length === 0) {
    throw new MalformedError('ELF_NO_SYMTAB', 'no symbol table', {
      hint: 'strip with llvm-strip -g, which keeps it; without -g the symbols are lost',
    });
  }
  if (tables.length > 1) {
    throw new MalformedError('ELF_BAD_SYMTAB', `${tables.length} symbol tables, expected one`, {
      details: { count: tables.length },
    });
  }
}

/** What libbpf passes over without a look at the contents. */
function isIgnored({ name, type, size }: ElfSection): boolean {
  if (type === SectionType.null || type === SectionType.strtab || type === LLVM_ADDRSIG) return true;
  if (type === SectionType.progbits && size === 0 && name === '.text') return true;
  if (name.startsWith('.debug_')) return true;
  return name.startsWith('.rel.debug_') || name === '.rel.BTF' || name === '.rel.BTF.ext';
}

function isExecutable(section: ElfSection): boolean {
  return (section.flags & SectionFlag.exec) !== 0;
}

/** `.data` itself or a section of its family, `.data.NAME`. */
function isNamed(name: string, family: string): boolean {
  return name === family || name.startsWith(`${family}.`);
}

function variableKind({ name }: ElfSection): 'data' | 'rodata' | undefined {
  if (isNamed(name, '.data')) return 'data';
  return isNamed(name, '.rodata') ? 'rodata' : undefined;
}

function readVersion(elf: ElfFile, section: ElfSection, data: Uint8Array): number {
  if (data.length !== 4) {
    throw new MalformedError('ELF_BAD_VERSION', `section version: ${section.size} bytes, expected 4`, {
      details: { section: section.name, size: section.size },
      hint: 'define it as __u32 VERSION SEC("version")',
    });
  }
  return new ByteReader(data, elf.littleEndian, 'section version', 'ELF_TRUNCATED').u32(0);
}

function checkRelocationSection(elf: ElfFile, section: ElfSection): void {
  if (section.entrySize !== REL_ENTRY_SIZE) {
    throw badSection(section, `has entries of ${section.entrySize} bytes, expected ${REL_ENTRY_SIZE}`);
  }
  if (section.info >= elf.sections.length) {
    throw badSection(section, `patches section ${section.info}, there are ${elf.sections.length}`);
  }
}

function badSection(section: ElfSection, why: string): MalformedError {
  return new MalformedError('ELF_BAD_SECTION', `section ${section.name} ${why}`, {
    details: { section: section.name, index: section.index },
  });
}

function ignored({ name }: ElfSection, why: string): ObjectWarning {
  return { code: 'SECTION_IGNORED', section: name, message: `section ${name} is left out: ${why}` };
}

/** Symbols by what they are looked for, so that nothing searches the table twice. */
export interface SymbolIndex {
  /** Functions by section index, in table order. */
  readonly functions: ReadonlyMap<number, readonly ElfSymbol[]>;
  /** The first global or weak data symbol of each name. */
  readonly objects: ReadonlyMap<string, ElfSymbol>;
  /** Undefined symbols with a name that the loader has to provide, in table order. */
  readonly externs: readonly ElfSymbol[];
}

export function indexSymbols(elf: ElfFile): SymbolIndex {
  const functions = new Map<number, ElfSymbol[]>();
  const objects = new Map<string, ElfSymbol>();
  const externs: ElfSymbol[] = [];
  for (const symbol of elf.symbols) {
    if (symbol.type === SymbolType.func) {
      const list = functions.get(symbol.sectionIndex);
      if (list === undefined) functions.set(symbol.sectionIndex, [symbol]);
      else list.push(symbol);
    } else if (isExtern(symbol)) {
      if (symbol.name !== '') externs.push(symbol);
    } else if (symbol.type === SymbolType.object && isVisible(symbol) && !objects.has(symbol.name)) {
      objects.set(symbol.name, symbol);
    }
  }
  return { functions, objects, externs };
}

/** Global or weak: seen by the linker and the loader. */
export function isVisible(symbol: ElfSymbol): boolean {
  return symbol.binding === SymbolBinding.global || symbol.binding === SymbolBinding.weak;
}

/** To be provided by the loader: undefined, of no type, global or weak. */
export function isExtern(symbol: ElfSymbol): boolean {
  return symbol.sectionIndex === 0 && symbol.type === SymbolType.notype && isVisible(symbol);
}
