/** What compiled an object, as DWARF has it. Asking the compiler would be another process. */
import type { ElfFile } from './elf.ts';

const NAME = Buffer.from('clang version ');

/** What clang calls itself, the first line of its `--version`: `Debian clang version 14.0.6`. `undefined` when nothing of DWARF is left. */
export function findProducer(elf: ElfFile): string | undefined {
  const section = elf.findSection('.debug_str');
  if (section === undefined) return undefined;
  const strings = Buffer.from(elf.data(section));
  const at = strings.indexOf(NAME);
  if (at < 0) return undefined;
  const end = strings.indexOf(0, at);
  return strings.toString('utf8', strings.lastIndexOf(0, at) + 1, end < 0 ? strings.length : end);
}
