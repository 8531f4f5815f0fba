/**
 * An object without its debug information: byte for byte what `llvm-strip -g` of LLVM 14 to 19 makes of what clang writes for bpf, without
 * starting it. Anything that does not look like that is left to the tool.
 *
 * Sections keep their order; their content keeps the order that it has in the file. Symbols of removed sections and of files go; what
 * refers to sections, symbols and names is renumbered; the one string table is made anew, with names that end alike sharing bytes.
 */
import { SectionType, SHN_LORESERVE, SHN_UNDEF, SymbolType } from './elf.ts';

const SHT_LLVM_ADDRSIG = 0x6fff4c03;
const KNOWN_TYPES: readonly number[] = [...Object.values(SectionType), SHT_LLVM_ADDRSIG];
/** Write, allocate, execute, merge, strings, info, exclude. */
const KNOWN_FLAGS = 0x80000077;
const HEADER_SIZE = 64;
const SECTION_SIZE = 64;
const SYMBOL_SIZE = 24;
const REL_SIZE = 16;
const EM_BPF = 247;
const MAX_ALIGNMENT = 4096;

interface Section {
  readonly at: number;
  readonly name: string;
  readonly type: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
  readonly alignment: number;
}

/** `undefined` for what is not a plain object of clang's for bpf. */
export function stripDebug(bytes: Uint8Array): Uint8Array | undefined {
  try {
    return new Stripper(bytes).run();
  } catch (error) {
    // something lies outside of the file: the tool will say what
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

class Stripper {
  readonly #bytes: Buffer;
  readonly #view: DataView;
  readonly #little: boolean;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#little = bytes[5] === 1;
  }

  run(): Uint8Array | undefined {
    const isPlain =
      this.#bytes.toString('latin1', 0, 5) === '\x7fELF\x02' &&
      this.#u16(16) === 1 &&
      this.#u16(18) === EM_BPF &&
      this.#u16(52) === HEADER_SIZE &&
      this.#u16(56) === 0 &&
      this.#u16(58) === SECTION_SIZE;
    if (!isPlain) return undefined;
    const sections = this.#sections();
    const strings = sections?.[this.#u16(62)];
    const tables = sections?.filter(({ type }) => type === SectionType.symtab);
    const symbols = tables?.[0];
    if (sections === undefined || strings === undefined || symbols === undefined || tables?.length !== 1)
      return undefined;
    const stringTables = sections.filter(({ type }) => type === SectionType.strtab);
    if (stringTables.length !== 1 || stringTables[0] !== strings || sections[symbols.link] !== strings)
      return undefined;
    return this.#strip(sections, strings, symbols);
  }

  #u16(at: number): number {
    return this.#view.getUint16(at, this.#little);
  }

  #u32(at: number): number {
    return this.#view.getUint32(at, this.#little);
  }

  #u64(at: number): number {
    return Number(this.#view.getBigUint64(at, this.#little));
  }

  #sections(): Section[] | undefined {
    const table = this.#u64(40);
    const count = this.#u16(60);
    if (count === 0 || table + count * SECTION_SIZE > this.#bytes.length) return undefined;
    const namesAt = this.#u64(table + this.#u16(62) * SECTION_SIZE + 24);
    const sections: Section[] = [];
    for (let index = 0; index < count; index++) {
      const at = table + index * SECTION_SIZE;
      const type = this.#u32(at + 4);
      const flags = this.#u64(at + 8);
      const isKnown = KNOWN_TYPES.includes(type) && flags <= 0xffffffff && (flags & ~KNOWN_FLAGS) === 0;
      const section: Section = {
        at,
        name: this.#string(namesAt + this.#u32(at)),
        type,
        offset: this.#u64(at + 24),
        size: this.#u64(at + 32),
        link: this.#u32(at + 40),
        info: this.#u32(at + 44),
        alignment: Math.max(1, this.#u64(at + 48)),
      };
      const end = section.offset + (type === SectionType.nobits ? 0 : section.size);
      if (!isKnown || type === SectionType.rela || section.alignment > MAX_ALIGNMENT) return undefined;
      if (end > this.#bytes.length) return undefined;
      if ((type === SectionType.null) !== (index === 0) || (section.name === '') !== (index === 0)) return undefined;
      sections.push(section);
    }
    return sections;
  }

  #string(at: number): string {
    const end = this.#bytes.indexOf(0, at);
    if (end < 0 || at >= this.#bytes.length) throw new RangeError('a name outside of the file');
    return this.#bytes.toString('latin1', at, end);
  }

  #strip(sections: readonly Section[], strings: Section, symbols: Section): Uint8Array | undefined {
    const isDebug = ({ name }: Section) => /^\.z?debug|^\.gdb_index$/.test(name);
    const kept = sections.filter(
      (section) =>
        !isDebug(section) && !(section.type === SectionType.rel && isDebug(sections[section.info] ?? section)),
    );
    const newIndex = new Map(kept.map((section, index) => [sections.indexOf(section), index]));

    const symbolRows = this.#symbols(symbols, strings, newIndex);
    const symbolIndex = new Map(symbolRows.map(({ index }, position) => [index, position]));
    const names = new StringTable([...kept.slice(1).map(({ name }) => name), ...symbolRows.map(({ name }) => name)]);

    const contents = new Map<Section, Buffer>();
    for (const section of kept) {
      if (section === strings) contents.set(section, names.bytes);
      else if (section === symbols) contents.set(section, this.#symbolTable(symbolRows, names, newIndex));
      else if (section.type === SectionType.rel) {
        const isPlain = sections[section.link] === symbols && newIndex.has(section.info);
        const relocations = isPlain ? this.#relocations(section, symbolIndex) : undefined;
        if (relocations === undefined) return undefined;
        contents.set(section, relocations);
      } else if (section.type === SectionType.nobits || section.type === SectionType.null) {
        contents.set(section, Buffer.alloc(0));
      } else contents.set(section, this.#bytes.subarray(section.offset, section.offset + section.size));
    }

    let end = HEADER_SIZE;
    const offsets = new Map<Section, number>();
    for (const section of kept.slice(1).sort((a, b) => a.offset - b.offset)) {
      end = align(end, section.alignment);
      offsets.set(section, end);
      end += contents.get(section)!.length;
    }
    const table = align(end, 8);
    const output = Buffer.alloc(table + kept.length * SECTION_SIZE);
    const view = new DataView(output.buffer, output.byteOffset, output.byteLength);
    this.#bytes.copy(output, 0, 0, HEADER_SIZE);
    view.setBigUint64(40, BigInt(table), this.#little);
    view.setUint16(60, kept.length, this.#little);
    view.setUint16(62, newIndex.get(sections.indexOf(strings))!, this.#little);
    const locals = symbolRows.filter(({ isLocal }) => isLocal).length;
    for (const [index, section] of kept.entries()) {
      const at = table + index * SECTION_SIZE;
      const content = contents.get(section)!;
      this.#bytes.copy(output, at, section.at, section.at + SECTION_SIZE);
      if (section.type === SectionType.null) continue;
      content.copy(output, offsets.get(section)!);
      view.setUint32(at, names.offset(section.name), this.#little);
      view.setBigUint64(at + 24, BigInt(offsets.get(section)!), this.#little);
      if (section.type !== SectionType.nobits) view.setBigUint64(at + 32, BigInt(content.length), this.#little);
      // what is not understood loses its link, as in llvm-strip
      const isLinked = section === symbols || section.type === SectionType.rel;
      view.setUint32(at + 40, isLinked ? (newIndex.get(section.link) ?? 0) : 0, this.#little);
      if (section === symbols) view.setUint32(at + 44, locals, this.#little);
      else if (section.type === SectionType.rel) view.setUint32(at + 44, newIndex.get(section.info)!, this.#little);
    }
    return output;
  }

  #symbols(table: Section, strings: Section, newIndex: ReadonlyMap<number, number>): SymbolRow[] {
    const rows: SymbolRow[] = [];
    for (let index = 0; index * SYMBOL_SIZE < table.size; index++) {
      const at = table.offset + index * SYMBOL_SIZE;
      const info = this.#view.getUint8(at + 4);
      const section = this.#u16(at + 6);
      const isGone = section !== SHN_UNDEF && section < SHN_LORESERVE && !newIndex.has(section);
      if (isGone || (info & 15) === SymbolType.file) continue;
      rows.push({ index, at, section, isLocal: info >> 4 === 0, name: this.#string(strings.offset + this.#u32(at)) });
    }
    return rows;
  }

  #symbolTable(rows: readonly SymbolRow[], names: StringTable, newIndex: ReadonlyMap<number, number>): Buffer {
    const output = Buffer.alloc(rows.length * SYMBOL_SIZE);
    const view = new DataView(output.buffer, output.byteOffset, output.byteLength);
    for (const [position, { at, name, section }] of rows.entries()) {
      const to = position * SYMBOL_SIZE;
      this.#bytes.copy(output, to, at, at + SYMBOL_SIZE);
      if (position > 0) view.setUint32(to, names.offset(name), this.#little);
      view.setUint16(to + 6, newIndex.get(section) ?? section, this.#little);
    }
    return output;
  }

  #relocations(section: Section, symbolIndex: ReadonlyMap<number, number>): Buffer | undefined {
    const output = Buffer.from(this.#bytes.subarray(section.offset, section.offset + section.size));
    const view = new DataView(output.buffer, output.byteOffset, output.byteLength);
    // the symbol is the upper half of r_info, which lies behind the lower in little-endian files
    const half = this.#little ? 12 : 8;
    for (let at = 0; at + REL_SIZE <= output.length; at += REL_SIZE) {
      const symbol = symbolIndex.get(view.getUint32(at + half, this.#little));
      if (symbol === undefined) return undefined;
      view.setUint32(at + half, symbol, this.#little);
    }
    return output;
  }
}

interface SymbolRow {
  /** In the old table. */
  readonly index: number;
  readonly at: number;
  readonly name: string;
  readonly section: number;
  readonly isLocal: boolean;
}

function align(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment;
}

/** Names in the order of their ends, so that one that another ends with is found inside of it. @see LLVM's `StringTableBuilder` */
class StringTable {
  readonly bytes: Buffer;
  readonly #offsets = new Map<string, number>();

  constructor(names: readonly string[]) {
    const parts: string[] = ['\0'];
    let size = 1;
    let previous = '';
    const reversed = [...new Set(names)].filter((name) => name !== '').map((name) => [...name].reverse().join(''));
    for (const name of reversed.sort().reverse()) {
      if (previous.startsWith(name)) {
        this.#offsets.set(name, size - name.length - 1);
        continue;
      }
      this.#offsets.set(name, size);
      parts.push([...name].reverse().join(''), '\0');
      size += name.length + 1;
      previous = name;
    }
    this.bytes = Buffer.from(parts.join(''), 'latin1');
  }

  offset(name: string): number {
    return name === '' ? 0 : this.#offsets.get([...name].reverse().join(''))!;
  }
}
