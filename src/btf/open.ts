/** BTF out of whatever holds it: raw bytes, or the `.BTF` section of an ELF file of any machine. The magic decides. */
import { MalformedError } from '../core/errors.ts';
import { type ElfFile, isElf, parseElf } from '../elf/elf.ts';
import { type BtfExt, parseBtfExt } from './ext.ts';
import { type Btf, isBtf, type ParseBtfOptions, parseBtf } from './table.ts';

/**
 * Raw BTF, or that of an ELF file: an eBPF object, a kernel, a module. What a module built outside of the kernel tree brings along
 * of its base (`.BTF.base`) is used unless `base` is given; other modules need it: theirs is the kernel's.
 * @throws {MalformedError} `BTF_MISSING` for an ELF file without a `.BTF` section, `BTF_BAD_MAGIC` for bytes that are neither.
 */
export function openBtf(bytes: Uint8Array, options: ParseBtfOptions = {}): Btf {
  if (isBtf(bytes) || !isElf(bytes)) return parseBtf(bytes, options);
  const elf = parseElf(bytes);
  const section = sectionOf(elf, '.BTF');
  const base = options.base === undefined ? elf.findSection('.BTF.base') : undefined;
  return parseBtf(section, {
    what: '.BTF section',
    ...options,
    ...(base !== undefined && { base: parseBtf(elf.data(base), { what: '.BTF.base section' }) }),
  });
}

/**
 * The `.BTF.ext` of an ELF file. `btf` is the file's own table, from {@link openBtf}.
 * @throws {MalformedError} `BTF_MISSING` without such a section, `ELF_*` for other bytes, `BTF_EXT_*`
 */
export function openBtfExt(bytes: Uint8Array, btf: Btf): BtfExt {
  return parseBtfExt(sectionOf(parseElf(bytes), '.BTF.ext'), btf);
}

function sectionOf(elf: ElfFile, name: string): Uint8Array {
  const section = elf.findSection(name);
  if (section !== undefined) return elf.data(section);
  throw new MalformedError('BTF_MISSING', `this ELF file has no ${name} section`, {
    hint: 'compile with clang -target bpf -g',
  });
}
