/**
 * How BTF's ints and floats are spelled in C for the bpf target. Their recorded names come from the kernel's compiler for the
 * kernel's architecture; a name that clang does not know for bpf is replaced by a type of the same size and sign.
 */
import { IntEncoding, type TypeId } from '../kinds.ts';
import type { Btf } from '../table.ts';

/** Names that every clang knows, with their size in bytes for bpf. */
const KNOWN: ReadonlyMap<string, number> = new Map([
  ...sized(1, 'char', 'signed char', 'unsigned char', '_Bool'),
  ...sized(2, 'short', 'short int', 'short unsigned int', 'unsigned short', 'signed short'),
  ...sized(4, 'int', 'unsigned int', 'unsigned', 'signed int'),
  ...sized(8, 'long', 'long int', 'unsigned long', 'long unsigned int', 'signed long'),
  ...sized(8, 'long long', 'long long int', 'unsigned long long', 'long long unsigned int', 'signed long long'),
  ...sized(16, '__int128', '__int128 unsigned', 'unsigned __int128'),
]);

function sized(size: number, ...names: string[]): [string, number][] {
  return names.map((name) => [name, size]);
}

/** What C calls an int of that id; `alias` is its recorded name when C does not know it and it could be a typedef. */
export function intSpelling(btf: Btf, id: TypeId): { readonly text: string; readonly alias: string | undefined } {
  const name = btf.name(id);
  const size = btf.recordedSize(id);
  if (KNOWN.get(name) === size) return { text: name, alias: undefined };
  const { encoding } = btf.int(id);
  const alias = /^[A-Za-z_]\w*$/.test(name) && !KNOWN.has(name) ? name : undefined;
  return { text: bySize(size, encoding), alias };
}

function bySize(size: number, encoding: number): string {
  const signed = (encoding & IntEncoding.signed) !== 0;
  switch (size) {
    case 1:
      return (encoding & IntEncoding.bool) !== 0 ? '_Bool' : signed ? 'signed char' : 'unsigned char';
    case 2:
      return signed ? 'short' : 'unsigned short';
    case 4:
      return signed ? 'int' : 'unsigned int';
    case 16:
      return signed ? '__int128' : 'unsigned __int128';
    default:
      return signed ? 'long' : 'unsigned long';
  }
}

/** What C calls a float of that many bytes. `long double` is 8 bytes wide on bpf, so 16 bytes become an integer. */
export function floatSpelling(size: number): string {
  switch (size) {
    case 2:
      return 'unsigned short';
    case 4:
      return 'float';
    case 8:
      return 'double';
    default:
      return '__int128';
  }
}
