/**
 * Opening an eBPF object: from bytes to everything that libbpf would know before it loads the object. Pure; nothing is patched,
 * the BTF stays as it is in the file.
 *
 * @see libbpf `bpf_object__open_mem()`
 */
import { type BtfExt, parseBtfExt } from '../btf/ext.ts';
import { type Btf, parseBtf } from '../btf/table.ts';
import { isEccError, MalformedError, UnsupportedError } from '../core/errors.ts';
import { type ElfFile, type ElfSection, parseElf } from '../elf/elf.ts';
import { collectExterns } from './externs.ts';
import { collectMaps } from './maps.ts';
import type { BpfObject, ObjectWarning } from './model.ts';
import { collectPrograms } from './programs.ts';
import { applyRelocations } from './relocations.ts';
import { collectSections, indexSymbols, type ObjectSections } from './sections.ts';
import { collectDatasecs } from './variables.ts';

export interface OpenObjectOptions {
  /** Which byte order is accepted; a loader asks for that of its machine. Default `any`. */
  readonly byteOrder?: 'little' | 'big' | 'any';
}

/**
 * Reads and checks an object as libbpf does when it opens one. Views into `bytes` are kept, so the bytes must not change
 * afterwards. Cost is linear.
 * @throws {MalformedError} `ELF_*`, `BTF_*`: the object breaks its format; the message names the map, section or symbol
 * @throws {UnsupportedError} `UNSUP_*`: valid, but nothing that libbpf loads
 */
export function openObject(bytes: Uint8Array, options: OpenObjectOptions = {}): BpfObject {
  const elf = parseElf(bytes);
  checkByteOrder(elf, options.byteOrder ?? 'any');
  const warnings: ObjectWarning[] = [];
  const sections = collectSections(elf, warnings);
  const symbols = indexSymbols(elf);
  const btf = readBtf(elf, sections, warnings);
  const btfExt = btf && readBtfExt(elf, sections, btf, warnings);
  const programs = collectPrograms(elf, sections, symbols, btfExt);
  const { externs, kconfig, ksymPrototypes } = collectExterns(btf, symbols);
  const datasecs = btf === undefined ? new Map() : collectDatasecs(btf, sections, symbols);
  const maps = collectMaps({ elf, sections, btf, datasecs, kconfig });
  const filled = applyRelocations({ elf, sections, btf, programs, maps });
  return {
    elf,
    btf,
    btfExt,
    programs: programs.programs,
    subprograms: programs.subprograms,
    maps: filled,
    dataSections: filled.flatMap(({ dataSection }) => dataSection ?? []),
    externs,
    license: sections.license,
    kernelVersion: sections.kernelVersion,
    ksymPrototypes,
    warnings,
  };
}

function checkByteOrder(elf: ElfFile, wanted: 'little' | 'big' | 'any'): void {
  const found = elf.littleEndian ? 'little' : 'big';
  if (wanted === 'any' || wanted === found) return;
  throw new UnsupportedError('UNSUP_BYTE_ORDER', `a ${found}-endian object, expected ${wanted}-endian`, {
    details: { found, wanted },
    hint: `compile with -target ${wanted === 'little' ? 'bpfel' : 'bpfeb'}`,
  });
}

/** Maps and struct_ops are described by BTF; all else works without. */
function needsBtf({ maps, structOps }: ObjectSections): boolean {
  return maps !== undefined || structOps.length > 0;
}

function readBtf(elf: ElfFile, sections: ObjectSections, warnings: ObjectWarning[]): Btf | undefined {
  if (sections.btf === undefined) {
    if (!needsBtf(sections)) return undefined;
    throw new MalformedError('BTF_MISSING', 'the object has maps or struct_ops, but no BTF that describes them', {
      hint: 'compile with -g, and strip with llvm-strip -g only',
    });
  }
  return tolerated(sections, 'BTF_IGNORED', sections.btf, warnings, (section) =>
    parseBtf(elf.data(section), { what: '.BTF' }),
  );
}

function readBtfExt(elf: ElfFile, sections: ObjectSections, btf: Btf, warnings: ObjectWarning[]): BtfExt | undefined {
  if (sections.btfExt === undefined) return undefined;
  return tolerated(sections, 'BTF_EXT_IGNORED', sections.btfExt, warnings, (section) =>
    parseBtfExt(elf.data(section), btf),
  );
}

/** Type information that cannot be read is an error only where something depends on it. */
function tolerated<T>(
  sections: ObjectSections,
  code: ObjectWarning['code'],
  section: ElfSection,
  warnings: ObjectWarning[],
  read: (section: ElfSection) => T,
): T | undefined {
  try {
    return read(section);
  } catch (error) {
    if (!isEccError(error) || needsBtf(sections)) throw error;
    warnings.push({ code, section: section.name, message: `section ${section.name} is left out: ${error.message}` });
    return undefined;
  }
}
