/**
 * BTF made from a grammar: every kind, references to any type, members that overlap, circles, names that mean something to JavaScript
 * or to libbpf. Most of it passes the reader's checks, so that what comes after sees it; half of it is wrapped in an object.
 */
import fc from 'fast-check';
import { btfInfo, writeBtf, writeElf, writeSymbols } from '../golden/object-writer.ts';

/** Section and map names first: what sections are called decides what is looked at. */
const NAMES = [
  ...[
    '.maps',
    '.data',
    '.rodata',
    '.bss',
    '.kconfig',
    '.ksyms',
    'license',
    '.struct_ops',
    '.rodata.str',
    '.addr_space.1',
  ],
  ...['type', 'key', 'value', 'max_entries', 'key_size', 'value_size', 'values', 'pinning', 'map_flags', 'map_extra'],
  ...[
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    'then',
    'a',
    'b',
    'int',
    'char',
    'unsigned char',
    '_Bool',
  ],
  ...[
    'bpf_map_def',
    'task_struct',
    'task_struct___old',
    'bpf_kfunc',
    'LINUX_KERNEL_VERSION',
    'CONFIG_HZ',
    'a b',
    '/*',
    "'",
    '$(x)',
    '\u2028',
    'é',
  ],
  'x'.repeat(300),
];
const STRINGS = Buffer.from(`\0${NAMES.join('\0')}\0`);
const OFFSETS: number[] = [0];
for (let at = 1, i = 0; i < NAMES.length; at += Buffer.byteLength(NAMES[i]!) + 1, i++) OFFSETS.push(at);

const SIZES = [0, 1, 2, 3, 4, 8, 16, 32, 64, 100, 4096, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff];

const name = fc.oneof(
  { weight: 30, arbitrary: fc.constantFrom(...OFFSETS) },
  { weight: 1, arbitrary: fc.nat(STRINGS.length + 4) },
);
const size = fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...SIZES) }, { weight: 1, arbitrary: fc.nat() });
/** Of how many types there are, in thousandths; a few are out of range. */
const ref = fc.oneof(
  { weight: 200, arbitrary: fc.nat(999) },
  { weight: 20, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.integer({ min: 1000, max: 1200 }) },
);
const bit = fc.constantFrom(0, 0, 0, 1);

/** A type with references still as thousandths. */
type Draft = (id: (thousandths: number) => number) => number[];

const list = <T>(item: fc.Arbitrary<T>) => fc.array(item, { maxLength: 6 });
const of = <T extends unknown[]>(parts: { [K in keyof T]: fc.Arbitrary<T[K]> }, make: (...values: T) => Draft) =>
  fc.tuple(...(parts as fc.Arbitrary<unknown>[])).map((values) => make(...(values as T)));

const draft: fc.Arbitrary<Draft> = fc.oneof(
  of(
    [name, size, fc.nat(7), fc.constantFrom(0, 1, 4), fc.constantFrom(1, 8, 16, 32, 64, 128, 255)],
    (n, s, encoding, offset, bits) => () => [n, btfInfo(1), s & 31, (encoding << 24) | (offset << 16) | bits],
  ),
  of([name, fc.constantFrom(2, 8, 9, 10, 11, 18), ref], (n, kind, to) => (id) => [n, btfInfo(kind), id(to)]),
  of([ref, ref, size], (element, index, count) => (id) => [0, btfInfo(3), 0, id(element), id(index), count]),
  of([name, fc.constantFrom(4, 5), bit, size, list(fc.tuple(name, ref, size))], (n, kind, flag, s, members) => (id) => [
    n,
    btfInfo(kind, members.length, flag),
    s,
    ...members.flatMap(([m, type, at]) => [m, id(type), at]),
  ]),
  of([name, bit, fc.constantFrom(1, 2, 4, 8, 3), list(fc.tuple(name, size))], (n, flag, s, values) => () => [
    n,
    btfInfo(6, values.length, flag),
    s,
    ...values.flat(),
  ]),
  of([name, bit], (n, flag) => () => [n, btfInfo(7, 0, flag), 0]),
  of([name, fc.nat(3), ref], (n, linkage, to) => (id) => [n, btfInfo(12, linkage), id(to)]),
  of([ref, list(fc.tuple(name, ref))], (result, params) => (id) => [
    0,
    btfInfo(13, params.length),
    id(result),
    ...params.flatMap(([n, type]) => [n, id(type)]),
  ]),
  of([name, ref, fc.nat(3)], (n, to, linkage) => (id) => [n, btfInfo(14), id(to), linkage]),
  of([fc.constantFrom(...OFFSETS.slice(0, 11)), size, list(fc.tuple(ref, size, size))], (n, s, entries) => (id) => [
    n,
    btfInfo(15, entries.length),
    s,
    ...entries.flatMap(([type, at, length]) => [id(type), at, length]),
  ]),
  of([name, size], (n, s) => () => [n, btfInfo(16), s]),
  of([name, ref, fc.integer({ min: -1, max: 6 })], (n, to, index) => (id) => [n, btfInfo(17), id(to), index >>> 0]),
  of([name, bit, list(fc.tuple(name, size, size))], (n, flag, values) => () => [
    n,
    btfInfo(19, values.length, flag),
    8,
    ...values.flat(),
  ]),
);

interface Wrapping {
  readonly sections: readonly { readonly name: string; readonly size: number }[];
  readonly symbols: readonly (readonly [number, number, number, number, number])[];
}

const wrapping: fc.Arbitrary<Wrapping | undefined> = fc.option(
  fc.record({
    sections: fc.uniqueArray(
      fc.record({
        name: fc.constantFrom(...NAMES.slice(0, 10), 'kprobe/x', '.text', 'maps', 'xdp'),
        size: fc.constantFrom(0, 4, 8, 16, 64, 256),
      }),
      { selector: (one) => one.name, maxLength: 6 },
    ),
    symbols: fc.array(
      fc.tuple(
        fc.constantFrom(...OFFSETS),
        fc.constantFrom(0x00, 0x01, 0x02, 0x10, 0x11, 0x12, 0x20, 0x03),
        fc.nat(9),
        fc.constantFrom(0, 4, 8, 16),
        fc.constantFrom(0, 4, 8, 16, 64),
      ),
      { maxLength: 8 },
    ),
  }),
  { nil: undefined },
);

/** BTF, raw or in an object. */
export const hostileBtf: fc.Arbitrary<Uint8Array> = fc
  .tuple(fc.array(draft, { minLength: 1, maxLength: 40 }), wrapping)
  .map(([drafts, around]) => {
    const id = (thousandths: number) => Math.floor((thousandths / 1000) * (drafts.length + 1));
    const btf = writeBtf(
      drafts.flatMap((make) => make(id)),
      STRINGS,
    );
    return around === undefined ? btf : wrap(btf, around);
  });

function wrap(btf: Uint8Array, { sections, symbols }: Wrapping): Uint8Array {
  return writeElf([
    { name: '.BTF', type: 1, data: btf },
    { name: '.symtab', type: 2, data: writeSymbols(symbols), link: 3, entrySize: 24 },
    { name: '.strtab', type: 3, data: STRINGS },
    ...sections.map(({ name, size }) => {
      const isCode = name === '.text' || name === 'xdp' || name.includes('/');
      return { name, type: name === '.bss' ? 8 : 1, flags: isCode ? 6 : 3, data: new Uint8Array(size) };
    }),
  ]);
}

/** One input a seed. */
export function btfOfSeed(seed: number): Uint8Array {
  return fc.sample(hostileBtf, { seed, numRuns: 1 })[0]!;
}
