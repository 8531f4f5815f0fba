/**
 * Relocations: checks that every one in code can be carried out by a loader, and what those in `.maps` and struct_ops sections put
 * into maps. Nothing is patched here.
 */
import { Kind, type TypeId } from '../btf/kinds.ts';
import { resolve } from '../btf/layout.ts';
import type { Btf } from '../btf/table.ts';
import { ByteReader } from '../core/bytes.ts';
import { MalformedError } from '../core/errors.ts';
import {
  type ElfFile,
  type ElfRelocation,
  type ElfSection,
  type ElfSymbol,
  SHN_LORESERVE,
  SHN_UNDEF,
  SymbolBinding,
  SymbolType,
} from '../elf/elf.ts';
import { isMapOfMaps, MapType } from './map-types.ts';
import type { BpfMap, BpfProgram, MapSlot, StructOps } from './model.ts';
import { INSN_SIZE, type ObjectPrograms } from './programs.ts';
import { isExtern, isVisible, type ObjectSections } from './sections.ts';

const POINTER_SIZE = 8;
/** Opcodes: function call, and load of a 64-bit constant. */
const CALL = 0x85;
const LOAD_IMM64 = 0x18;
/** `src_reg` of a call to another BPF function. */
const PSEUDO_CALL = 1;

export interface RelocationSources {
  readonly elf: ElfFile;
  readonly sections: ObjectSections;
  readonly btf: Btf | undefined;
  readonly programs: ObjectPrograms;
  readonly maps: readonly BpfMap[];
}

/**
 * The maps, with their slots and struct_ops programs filled in.
 * @throws {MalformedError} `ELF_BAD_RELOC`, `ELF_RELOC_TARGET`, `BTF_MAP_BAD_SLOT`, `BTF_STRUCT_OPS_BAD_MEMBER`
 */
export function applyRelocations(sources: RelocationSources): BpfMap[] {
  const { elf, sections } = sources;
  const slots = new Map<BpfMap, MapSlot[]>();
  const operations = new Map<BpfMap, StructOps['programs'][number][]>();
  const checkCode = codeCheck(sources);
  const user = mapsByOffset(sources.maps, ({ kind }) => kind === 'user' || kind === 'arena');
  const structOps = mapsByOffset(sources.maps, ({ kind }) => kind === 'structOps');
  const structOpsSections = new Set(sections.structOps);
  const names = indexNames(sources);
  const members = memberIndex(sources.btf);
  for (const section of sections.relocations) {
    const target = elf.sections[section.info]!;
    for (const reloc of elf.relocations(section)) {
      const symbol = symbolOf(elf, section, reloc);
      if (target === sections.maps) {
        const map = findMap(user.get(target.index), reloc.offset, target);
        append(slots, map, slotOf(sources, names, map, reloc, symbol));
      } else if (structOpsSections.has(target)) {
        const map = findMap(structOps.get(target.index), reloc.offset, target);
        append(operations, map, operationOf(sources, members, map, reloc, symbol));
      } else {
        checkCode(target, reloc, symbol);
      }
    }
  }
  return sources.maps.map((map) => {
    if (map.structOps !== undefined) {
      return { ...map, structOps: { ...map.structOps, programs: operations.get(map) ?? [] } };
    }
    const filled = slots.get(map);
    return filled === undefined ? map : { ...map, slots: filled };
  });
}

function append<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

function symbolOf(elf: ElfFile, section: ElfSection, { symbolIndex, offset }: ElfRelocation): ElfSymbol {
  const symbol = elf.symbols[symbolIndex];
  if (symbol === undefined) {
    throw badReloc(section, offset, `refers to symbol ${symbolIndex}, there are ${elf.symbols.length}`);
  }
  return symbol;
}

function badReloc({ name }: ElfSection, offset: number, why: string): MalformedError {
  return new MalformedError('ELF_BAD_RELOC', `section ${name}: the relocation at 0x${offset.toString(16)} ${why}`, {
    details: { section: name, offset },
  });
}

type CodeCheck = (section: ElfSection, reloc: ElfRelocation, symbol: ElfSymbol) => void;

/** Checks of relocations in code; keeps what many of them ask for. */
function codeCheck({ elf, programs, sections, maps }: RelocationSources): CodeCheck {
  const readers = new Map<ElfSection, ByteReader>();
  const variables = new Set(sections.variables.map(({ section }) => section.index));
  const inMaps = maps.filter(({ kind }) => kind === 'user' || kind === 'arena');
  const mapPlaces = new Set(inMaps.map(({ sectionOffset }) => sectionOffset));

  function codeOf(section: ElfSection): ByteReader {
    let reader = readers.get(section);
    if (reader === undefined) {
      reader = new ByteReader(elf.data(section), elf.littleEndian, `section ${section.name}`, 'ELF_TRUNCATED');
      readers.set(section, reader);
    }
    return reader;
  }

  function checkCall(place: Place, registers: number): void {
    const { symbol } = place;
    if ((elf.littleEndian ? registers >> 4 : registers & 0xf) !== PSEUDO_CALL) {
      throw badTarget(place, 'the call is none to a BPF function');
    }
    if (symbol.sectionIndex !== sections.text?.index) {
      throw badTarget(place, 'only functions in .text can be called', 'make it a function without SEC()');
    }
    if (symbol.value % INSN_SIZE !== 0) throw badTarget(place, 'it is no start of an instruction');
  }

  function checkLoad(place: Place, constant: number): void {
    const { symbol } = place;
    const { sectionIndex, value } = symbol;
    if (sectionIndex === SHN_UNDEF || sectionIndex >= SHN_LORESERVE) {
      throw badTarget(place, 'it is defined nowhere', 'a global variable without an initial value needs = 0');
    }
    if (sectionIndex === sections.text?.index && isSubprogram(symbol)) {
      if (value % INSN_SIZE !== 0 || constant % INSN_SIZE !== 0) {
        throw badTarget(place, 'it is no start of an instruction');
      }
    } else if (sectionIndex === sections.maps?.index) {
      if (!mapPlaces.has(value)) throw badTarget(place, `no map begins at 0x${value.toString(16)}`);
    } else if (!variables.has(sectionIndex) && sectionIndex !== sections.arena?.index) {
      throw badTarget(
        place,
        'libbpf makes no map of that section',
        'put variables into .data, .rodata or .bss, or sections named after them (.data.config)',
      );
    }
  }

  return (section, { offset }, symbol) => {
    if (symbol.sectionIndex >= elf.sections.length && symbol.sectionIndex < SHN_LORESERVE) {
      throw badReloc(
        section,
        offset,
        `refers to ${nameOf(elf, symbol)} in section ${symbol.sectionIndex}, there is none`,
      );
    }
    if (offset % INSN_SIZE !== 0 || offset >= section.size) throw badReloc(section, offset, 'is at no instruction');
    const program = programs.findAt(section.index, offset);
    if (program === undefined) return;
    const code = codeOf(section);
    const opcode = code.u8(offset);
    const place: Place = { elf, program, symbol, offset };
    if (opcode !== CALL && opcode !== LOAD_IMM64) {
      throw badTarget(place, `the instruction (opcode 0x${opcode.toString(16)}) is neither a call nor a 64-bit load`);
    }
    if (isExtern(symbol)) return;
    if (opcode === CALL) checkCall(place, code.u8(offset + 1));
    else checkLoad(place, code.i32(offset + 4));
  };
}

/** An instruction that a relocation patches, and what it refers to. */
interface Place {
  readonly elf: ElfFile;
  readonly program: BpfProgram;
  readonly symbol: ElfSymbol;
  readonly offset: number;
}

function badTarget({ elf, program, symbol, offset }: Place, why: string, hint?: string): MalformedError {
  const instruction = (offset - program.insnOffset) / INSN_SIZE;
  const section = elf.sections[symbol.sectionIndex]?.name ?? '';
  const where = section === '' ? '' : ` in section ${section}`;
  return new MalformedError(
    'ELF_RELOC_TARGET',
    `program ${program.name}, instruction ${instruction}: cannot use ${nameOf(elf, symbol)}${where}: ${why}`,
    {
      details: { program: program.name, instruction, symbol: symbol.name, section },
      ...(hint === undefined ? {} : { hint }),
    },
  );
}

function nameOf(elf: ElfFile, symbol: ElfSymbol): string {
  if (symbol.name !== '') return symbol.name;
  return elf.sections[symbol.sectionIndex]?.name || `symbol ${symbol.index}`;
}

/** A function in `.text`: itself, or by way of its section when it is static. */
function isSubprogram(symbol: ElfSymbol): boolean {
  if (symbol.binding === SymbolBinding.local) return symbol.type === SymbolType.section;
  return isVisible(symbol) && symbol.type === SymbolType.func;
}

/** Maps of a section by offset, per section. */
function mapsByOffset(
  maps: readonly BpfMap[],
  wanted: (map: BpfMap) => boolean,
): ReadonlyMap<number | undefined, readonly BpfMap[]> {
  const bySection = new Map<number | undefined, BpfMap[]>();
  for (const map of maps) if (wanted(map)) append(bySection, map.sectionIndex, map);
  return bySection;
}

function findMap(sorted: readonly BpfMap[] | undefined, offset: number, section: ElfSection): BpfMap {
  const maps = sorted ?? [];
  let low = 0;
  for (let high = maps.length; low < high; ) {
    const middle = (low + high) >>> 1;
    if (maps[middle]!.sectionOffset <= offset) low = middle + 1;
    else high = middle;
  }
  const map = maps[low - 1];
  if (map === undefined || offset + POINTER_SIZE > map.sectionOffset + map.sectionSize) {
    throw badReloc(section, offset, 'is in no map');
  }
  return map;
}

/** Maps and entry programs by name, the first of each. */
interface Names {
  readonly maps: ReadonlySet<string>;
  readonly programs: ReadonlyMap<string, BpfProgram>;
}

function indexNames({ maps, programs }: RelocationSources): Names {
  const byName = new Map<string, BpfProgram>();
  for (const program of programs.programs) if (!byName.has(program.name)) byName.set(program.name, program);
  return { maps: new Set(maps.map(({ name }) => name)), programs: byName };
}

function slotOf(
  { btf, sections }: RelocationSources,
  names: Names,
  map: BpfMap,
  reloc: ElfRelocation,
  symbol: ElfSymbol,
): MapSlot {
  const fail = (why: string, hint?: string) =>
    new MalformedError(
      'BTF_MAP_BAD_SLOT',
      `map ${map.name}: the value at byte ${reloc.offset - map.sectionOffset} ${why}`,
      {
        details: { map: map.name, symbol: symbol.name },
        ...(hint === undefined ? {} : { hint }),
      },
    );
  if (isMapOfMaps(map.type)) {
    if (symbol.sectionIndex !== sections.maps?.index) throw fail(`is ${symbol.name}, which is no map in .maps`);
    if (map.type === MapType.hashOfMaps && map.keySize !== 4) {
      throw fail(
        `needs keys of 4 bytes, the map has keys of ${map.keySize}`,
        'a hash of maps takes initial values only with __type(key, __u32)',
      );
    }
    if (!names.maps.has(symbol.name)) throw fail(`is ${symbol.name}, which is no map`);
  } else if (map.type === MapType.progArray) {
    const program = names.programs.get(symbol.name);
    if (program?.sectionIndex !== symbol.sectionIndex || program.insnOffset !== symbol.value) {
      throw fail(`is ${symbol.name}, which is no program`);
    }
  } else {
    throw fail('cannot be set: only maps of maps and program arrays take initial values');
  }
  const values = btf === undefined ? undefined : valuesOffset(btf, map.definitionTypeId);
  if (values === undefined) throw fail("has no place: the definition has no 'values'");
  const at = reloc.offset - map.sectionOffset - values;
  if (at < 0 || at % POINTER_SIZE !== 0) throw fail('is at no slot');
  return { index: at / POINTER_SIZE, target: symbol.name };
}

/** **Bytes** from the start of a map's definition to its slots. */
function valuesOffset(btf: Btf, definition: TypeId | undefined): number | undefined {
  const last = definition === undefined ? -1 : btf.vlen(definition) - 1;
  if (definition === undefined || last < 0 || btf.memberName(definition, last) !== 'values') return undefined;
  return btf.memberBitOffset(definition, last) / 8;
}

function operationOf(
  { elf, btf, programs }: RelocationSources,
  members: MemberIndex,
  map: BpfMap,
  reloc: ElfRelocation,
  symbol: ElfSymbol,
): StructOps['programs'][number] {
  const at = reloc.offset - map.sectionOffset;
  const fail = (why: string, hint?: string) =>
    new MalformedError('BTF_STRUCT_OPS_BAD_MEMBER', `struct_ops ${map.name}: ${why}`, {
      details: { map: map.name, byteOffset: at, symbol: symbol.name },
      ...(hint === undefined ? {} : { hint }),
    });
  const typeId = map.structOps!.typeId;
  const memberIndex = members(typeId, at * 8);
  if (btf === undefined || memberIndex === undefined)
    throw fail(`no member is at byte ${at}, where ${symbol.name} is set`);
  const member = btf.memberName(typeId, memberIndex);
  const pointer = resolve(btf, btf.memberType(typeId, memberIndex));
  if (btf.kind(pointer) !== Kind.ptr || btf.kind(resolve(btf, btf.ref(pointer))) !== Kind.funcProto) {
    throw fail(`member ${member} is set to ${nameOf(elf, symbol)}, but is no pointer to a function`);
  }
  const program = programs.findAt(symbol.sectionIndex, symbol.value);
  if (program === undefined) throw fail(`member ${member} is set to ${nameOf(elf, symbol)}, which is no program`);
  if (program.definition?.programType !== 'struct_ops') {
    throw fail(
      `member ${member} is set to program ${program.name}, which is in section ${program.section}`,
      'programs of struct_ops belong in SEC("struct_ops/NAME")',
    );
  }
  return { member, memberIndex, program: program.name };
}

/** Index of the first member of a struct at an offset in **bits**. */
type MemberIndex = (id: TypeId, bitOffset: number) => number | undefined;

function memberIndex(btf: Btf | undefined): MemberIndex {
  const known = new Map<TypeId, Map<number, number>>();
  return (id, bitOffset) => {
    let members = known.get(id);
    if (members === undefined) {
      members = new Map();
      for (let i = (btf?.vlen(id) ?? 0) - 1; i >= 0; i--) members.set(btf!.memberBitOffset(id, i), i);
      known.set(id, members);
    }
    return members.get(bitOffset);
  };
}
