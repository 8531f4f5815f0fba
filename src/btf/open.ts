/** BTF out of whatever holds it: raw bytes, or the `.BTF` section of an ELF file of any machine. The magic decides. */
import { MalformedError } from '../core/errors.ts';
import { isElf, parseElf } from '../elf/elf.ts';
import { type Btf, isBtf, type ParseBtfOptions, parseBtf } from './table.ts';

/**
 * @throws {MalformedError} `BTF_MISSING` for an ELF file without a `.BTF` section, `BTF_BAD_MAGIC` for bytes that are neither.
 */
export function openBtf(bytes: Uint8Array, options: ParseBtfOptions = {}): Btf {
  if (isBtf(bytes) || !isElf(bytes)) return parseBtf(bytes, options);
  const elf = parseElf(bytes);
  const section = elf.findSection('.BTF');
  if (section === undefined) {
    throw new MalformedError('BTF_MISSING', 'this ELF file has no .BTF section', {
      hint: 'compile with clang -target bpf -g',
    });
  }
  return parseBtf(elf.data(section), { what: '.BTF section', ...options });
}
