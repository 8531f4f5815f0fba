/**
 * ELF64 files, little and big endian: section headers, symbols, relocations. Pure: bytes in, views out.
 *
 * What is checked here is that everything stays inside the file; what an eBPF object has to look like beyond that is for
 * `src/object/`. Program headers, notes and 32-bit files are left out.
 *
 * @see System V ABI, chapters "Object Files" and "Relocation"; `elf(5)`.
 */
import { ByteReader, stringReader } from '../core/bytes.ts';
import { MalformedError, UnsupportedError } from '../core/errors.ts';

export const SectionType = {
  null: 0,
  progbits: 1,
  symtab: 2,
  strtab: 3,
  rela: 4,
  nobits: 8,
  rel: 9,
  dynsym: 11,
} as const;

export const SectionFlag = { write: 1, alloc: 2, exec: 4 } as const;
export const SymbolType = { notype: 0, object: 1, func: 2, section: 3, file: 4 } as const;
export const SymbolBinding = { local: 0, global: 1, weak: 2 } as const;
export const SymbolVisibility = { default: 0, internal: 1, hidden: 2, protected: 3 } as const;
/** Section indices that name no section: undefined, and the start of the reserved range. */
export const SHN_UNDEF = 0;
export const SHN_LORESERVE = 0xff00;
export const EM_NONE = 0;
export const EM_BPF = 247;
export const ET_REL = 1;

const HEADER_SIZE = 64;
const SECTION_HEADER_SIZE = 64;
const SYMBOL_SIZE = 24;

export interface ElfSection {
  readonly index: number;
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  /** Where it is in memory; 0 in relocatable objects. */
  readonly address: number;
  /** Bytes from the start of the file. */
  readonly offset: number;
  /** Bytes; for `nobits` sections the size in memory, the file holds none. */
  readonly size: number;
  readonly link: number;
  readonly info: number;
  readonly entrySize: number;
}

export interface ElfSymbol {
  readonly index: number;
  readonly name: string;
  readonly type: number;
  readonly binding: number;
  readonly visibility: number;
  readonly sectionIndex: number;
  readonly value: number;
  readonly size: number;
}

/** A symbol table whose entries are read when they are asked for: programs may have hundreds of thousands. */
export interface SymbolTable {
  readonly count: number;
  type(index: number): number;
  binding(index: number): number;
  visibility(index: number): number;
  sectionIndex(index: number): number;
  value(index: number): number;
  size(index: number): number;
  /** @throws {MalformedError} `ELF_BAD_NAME` outside the string table */
  name(index: number): string;
}

export interface ElfRelocation {
  /** Bytes from the start of the section that it patches. */
  readonly offset: number;
  readonly symbolIndex: number;
  readonly type: number;
}

export class ElfFile {
  readonly bytes: Uint8Array;
  readonly littleEndian: boolean;
  readonly type: number;
  readonly machine: number;
  readonly sections: readonly ElfSection[];
  readonly #reader: ByteReader;
  #symbols: readonly ElfSymbol[] | undefined;

  /** @internal use {@link parseElf} */
  constructor(reader: ByteReader, sections: readonly ElfSection[]) {
    this.#reader = reader;
    this.bytes = reader.bytes;
    this.littleEndian = reader.littleEndian;
    this.type = reader.u16(16);
    this.machine = reader.u16(18);
    this.sections = sections;
  }

  /** The first section of that name, in header order. */
  findSection(name: string): ElfSection | undefined {
    return this.sections.find((section) => section.name === name);
  }

  /**
   * The bytes of a section: a view, not a copy; empty for `nobits`.
   * @throws {MalformedError} `ELF_TRUNCATED` when it lies outside the file.
   */
  data(section: ElfSection): Uint8Array {
    if (section.type === SectionType.nobits) return new Uint8Array(0);
    return this.#reader.slice(section.offset, section.size, `section ${section.name || section.index}`);
  }

  /**
   * The symbol table, in file order, entry 0 included; empty when the file has none.
   * @throws {MalformedError} when table or names lie outside the file.
   */
  get symbols(): readonly ElfSymbol[] {
    this.#symbols ??= this.#readSymbols();
    return this.#symbols;
  }

  #readSymbols(): ElfSymbol[] {
    const table = this.symbolTable(SectionType.symtab);
    if (table === undefined) return [];
    return Array.from({ length: table.count }, (_, index) => ({
      index,
      name: table.name(index),
      type: table.type(index),
      binding: table.binding(index),
      visibility: table.visibility(index),
      sectionIndex: table.sectionIndex(index),
      value: table.value(index),
      size: table.size(index),
    }));
  }

  /**
   * The first symbol table of a type: `symtab`, or `dynsym`, which stripped programs keep.
   * @throws {MalformedError} when table or names lie outside the file.
   */
  symbolTable(type: number): SymbolTable | undefined {
    const table = this.sections.find((section) => section.type === type);
    if (table === undefined) return undefined;
    const strings = this.sections[table.link];
    if (strings === undefined || strings.type !== SectionType.strtab) {
      throw new MalformedError('ELF_BAD_SYMTAB', `symbol table ${table.name}: section ${table.link} holds no strings`, {
        details: { section: table.name, link: table.link },
      });
    }
    if (table.entrySize !== SYMBOL_SIZE) {
      throw new MalformedError(
        'ELF_BAD_SYMTAB',
        `symbol table ${table.name}: entries of ${table.entrySize} bytes, expected ${SYMBOL_SIZE}`,
      );
    }
    const names = this.data(strings);
    const nameAt = stringReader(names, `symbol names in ${strings.name}`, 'ELF_BAD_NAME');
    const reader = new ByteReader(this.data(table), this.littleEndian, `symbol table ${table.name}`, 'ELF_TRUNCATED');
    return {
      count: Math.floor(reader.length / SYMBOL_SIZE),
      type: (index) => reader.u8(index * SYMBOL_SIZE + 4) & 0xf,
      binding: (index) => reader.u8(index * SYMBOL_SIZE + 4) >> 4,
      visibility: (index) => reader.u8(index * SYMBOL_SIZE + 5) & 3,
      sectionIndex: (index) => reader.u16(index * SYMBOL_SIZE + 6),
      value: (index) => reader.size64(index * SYMBOL_SIZE + 8),
      size: (index) => reader.size64(index * SYMBOL_SIZE + 16),
      name: (index) => {
        const offset = reader.u32(index * SYMBOL_SIZE);
        if (offset >= names.length && offset !== 0) {
          throw new MalformedError(
            'ELF_BAD_NAME',
            `symbol ${index}: name at 0x${offset.toString(16)}, the string table ends at 0x${names.length.toString(16)}`,
          );
        }
        return offset === 0 ? '' : nameAt(offset);
      },
    };
  }

  /** The entries of a REL or RELA section, in file order; addends are left out (BPF keeps them in the instruction). */
  relocations(section: ElfSection): ElfRelocation[] {
    const entrySize = section.type === SectionType.rela ? 24 : 16;
    const reader = new ByteReader(this.data(section), this.littleEndian, `section ${section.name}`, 'ELF_TRUNCATED');
    const relocations: ElfRelocation[] = [];
    for (let offset = 0; offset + entrySize <= reader.length; offset += entrySize) {
      const info = reader.u64(offset + 8);
      relocations.push({
        offset: reader.size64(offset),
        symbolIndex: Number(info >> 32n),
        type: Number(info & 0xffffffffn),
      });
    }
    return relocations;
  }
}

/** True when the bytes start like an ELF file. */
export function isElf(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
}

/**
 * Reads the headers of an ELF64 file. Cost is linear in the number of sections; section bytes are not touched.
 * @throws {MalformedError} `ELF_*` when the bytes are no ELF file or its headers point outside of it.
 * @throws {UnsupportedError} `UNSUP_ELF_CLASS` for a 32-bit file.
 */
export function parseElf(bytes: Uint8Array): ElfFile {
  if (!isElf(bytes)) {
    throw new MalformedError('ELF_BAD_MAGIC', bytes.length === 0 ? 'the file is empty' : 'not an ELF file', {
      hint: 'an object made by clang -target bpf is expected',
    });
  }
  const littleEndian = bytes[5] !== 2;
  const reader = new ByteReader(bytes, littleEndian, 'ELF file', 'ELF_TRUNCATED');
  reader.need(0, HEADER_SIZE, 'header');
  if (bytes[4] !== 2) {
    throw new UnsupportedError(
      'UNSUP_ELF_CLASS',
      `a 64-bit ELF file is expected, this is ${bytes[4] === 1 ? 'one of 32 bits' : `of class ${bytes[4]}`}`,
      {
        hint: 'eBPF objects have 64 bits: clang -target bpf',
      },
    );
  }
  const tableOffset = reader.size64(0x28);
  const entrySize = reader.u16(0x3a);
  const count = reader.u16(0x3c);
  const namesIndex = reader.u16(0x3e);
  if (tableOffset === 0 || count === 0) return new ElfFile(reader, []);
  if (entrySize !== SECTION_HEADER_SIZE) {
    throw new MalformedError(
      'ELF_BAD_HEADER',
      `section headers of ${entrySize} bytes, expected ${SECTION_HEADER_SIZE}`,
    );
  }
  reader.need(tableOffset, count * SECTION_HEADER_SIZE, 'section headers');
  if (namesIndex >= count) {
    throw new MalformedError('ELF_BAD_HEADER', `section names are in section ${namesIndex}, there are ${count}`);
  }
  const namesHeader = tableOffset + namesIndex * SECTION_HEADER_SIZE;
  const names = reader.slice(reader.size64(namesHeader + 24), reader.size64(namesHeader + 32), 'section names');
  const nameAt = stringReader(names, 'section names', 'ELF_BAD_NAME');
  const sections: ElfSection[] = [];
  for (let index = 0; index < count; index++) {
    const at = tableOffset + index * SECTION_HEADER_SIZE;
    const nameOffset = reader.u32(at);
    if (nameOffset >= names.length && nameOffset !== 0) {
      throw new MalformedError(
        'ELF_BAD_NAME',
        `section ${index}: name at 0x${nameOffset.toString(16)}, the names end at 0x${names.length.toString(16)}`,
      );
    }
    sections.push({
      index,
      name: names.length === 0 ? '' : nameAt(nameOffset),
      type: reader.u32(at + 4),
      flags: reader.size64(at + 8),
      address: reader.size64(at + 16),
      offset: reader.size64(at + 24),
      size: reader.size64(at + 32),
      link: reader.u32(at + 40),
      info: reader.u32(at + 44),
      entrySize: reader.size64(at + 56),
    });
  }
  return new ElfFile(reader, sections);
}
