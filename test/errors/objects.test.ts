/** Errors about objects and type information that nothing else provokes, each from the smallest input that shows it. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { Kind } from '../../src/btf/kinds.ts';
import { openBtf } from '../../src/btf/open.ts';
import { emitObjectTypes } from '../../src/build/types.ts';
import { emitStandalone } from '../../src/codegen/c/standalone.ts';
import { isEccError } from '../../src/core/errors.ts';
import { openObject } from '../../src/object/open.ts';
import { packTar } from '../../src/package/archive.ts';
import { openArchive } from '../../src/runner/archive.ts';
import { makeSkeleton } from '../../src/skeleton/skeleton.ts';
import { makeStructs } from '../../src/skeleton/structs.ts';
import { readGoldenObject } from '../golden/goldens.ts';
import {
  btfInfo,
  type WrittenSection,
  writeElf,
  writeSymbols,
  writeBtf as writeWords,
} from '../golden/object-writer.ts';
import { runOk } from '../support/command.ts';
import { noteWarnings } from '../support/messages.ts';
import { requireTool } from '../support/require.ts';
import { testDirectory } from '../support/temporary.ts';

/** Code and message, or what came instead. */
function errorOf(body: () => unknown): string {
  try {
    return `value: ${String(body())}`;
  } catch (error) {
    if (!isEccError(error)) throw error;
    return `${error.code}: ${error.message}`;
  }
}

const NAMES = [
  '.data',
  'x',
  '.maps',
  '.struct_ops',
  '.ksyms',
  'f',
  'm',
  'type',
  'xdp',
  'max_entries',
  '.addr_space.1',
  '.bss',
];
const STRINGS = Buffer.from(`\0${NAMES.join('\0')}\0`);
const at = (name: string) => STRINGS.indexOf(`\0${name}\0`) + 1;
const INT = [0, btfInfo(Kind.int), 4, 32];

interface Parts {
  readonly words?: readonly number[];
  readonly sections?: readonly WrittenSection[];
  readonly symbols?: Parameters<typeof writeSymbols>[0];
}

/** Sections of `sections` have the numbers from 4. */
function objectOf({ words, sections = [], symbols = [] }: Parts): Uint8Array {
  return writeElf([
    words === undefined
      ? { name: '.none', type: 1, data: new Uint8Array(0) }
      : { name: '.BTF', type: 1, data: writeWords(words, STRINGS) },
    { name: '.symtab', type: 2, data: writeSymbols(symbols), link: 3, entrySize: 24 },
    { name: '.strtab', type: 3, data: STRINGS },
    ...sections,
  ]);
}

const data = (name: string, size = 8): WrittenSection => ({ name, type: 1, flags: 3, data: new Uint8Array(size) });
const code = (name: string, size: number): WrittenSection => ({ name, type: 1, flags: 6, data: new Uint8Array(size) });
const open = (parts: Parts) => errorOf(() => openObject(objectOf(parts)));

function damaged(change: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.from(readGoldenObject('map_in_map'));
  change(bytes);
  return bytes;
}

describe('ELF files', () => {
  const table = (bytes: Buffer) => Number(bytes.readBigUInt64LE(0x28));
  const section = (bytes: Buffer, type: number) => {
    for (let entry = table(bytes); ; entry += 64) if (bytes.readUInt32LE(entry + 4) === type) return entry;
  };

  test.each<[string, (bytes: Buffer) => void]>([
    ['UNSUP_ELF_CLASS: a 64-bit ELF file is expected, this is one of 32 bits', (bytes) => bytes.writeUInt8(1, 4)],
    ['ELF_BAD_HEADER: section headers of 40 bytes, expected 64', (bytes) => bytes.writeUInt16LE(40, 0x3a)],
    ['ELF_BAD_HEADER: section names are in section 999', (bytes) => bytes.writeUInt16LE(999, 0x3e)],
    ['ELF_BAD_TYPE: ELF type 2, expected a relocatable object (1)', (bytes) => bytes.writeUInt16LE(2, 16)],
    [
      'ELF_BAD_SYMTAB: symbol table .symtab: entries of 16 bytes, expected 24',
      (bytes) => bytes.writeBigUInt64LE(16n, section(bytes, 2) + 56),
    ],
    [
      'ELF_BAD_SECTION: section .relxdp has entries of 8 bytes, expected 16',
      (bytes) => bytes.writeBigUInt64LE(8n, section(bytes, 9) + 56),
    ],
    [
      'ELF_BAD_RELOC: section .relxdp: the relocation at 0x',
      (bytes) => bytes.writeUInt32LE(9999, Number(bytes.readBigUInt64LE(section(bytes, 9) + 24)) + 12),
    ],
  ])('%s', (expected, change) => {
    const found = errorOf(() => openObject(damaged(change)));
    expect(found.replace(/\.rel[\w/.]+/, '.relxdp')).toContain(expected);
  });

  test('a program that is longer than its section', () => {
    const symbols = [[at('f'), 0x12, 4, 0, 24]] as const;
    expect(open({ sections: [code('xdp', 16)], symbols })).toBe(
      'ELF_BAD_PROGRAM: program f: ends at 0x18, section xdp at 0x10',
    );
  });
});

describe('BTF', () => {
  const header = (change: (bytes: Buffer) => void) => {
    const bytes = Buffer.from(writeWords(INT, STRINGS));
    change(bytes);
    return errorOf(() => openBtf(bytes));
  };

  test('headers', () => {
    expect(header((bytes) => bytes.writeUInt32LE(8, 4))).toMatch(
      /^BTF_BAD_HEADER: .*header of 8 bytes, expected at least 24/,
    );
    expect(header((bytes) => bytes.writeUInt32LE(9996, 12))).toMatch(/^BTF_TRUNCATED: /);
    expect(header((bytes) => bytes.writeUInt32LE(btfInfo(29), 28))).toMatch(
      /^BTF_BAD_KIND: .*type 1 is of unknown kind/,
    );
  });

  test('a member that is a function', () => {
    const words = [
      ...[at('x'), btfInfo(Kind.struct, 1), 8, at('m'), 2, 0],
      ...[at('f'), btfInfo(Kind.func), 3],
      ...[0, btfInfo(Kind.funcProto), 0],
    ];
    expect(errorOf(() => makeStructs(openBtf(writeWords(words, STRINGS))))).toMatch(
      /^BTF_BAD_REFERENCE: type 2 \(func f\)/,
    );
  });

  test('sections and their variables', () => {
    const datasec = (section: string, type: number) => [at(section), btfInfo(Kind.datasec, 1), 8, type, 0, 4];
    expect(open({ words: [...INT, ...datasec('.data', 1)], sections: [data('.data')] })).toMatch(
      /^BTF_DATASEC_BAD_ENTRY: datasec \.data: entry 0 is type 1, an int, expected a var/,
    );
    const sizeless = [...[at('x'), btfInfo(Kind.var), 0, 1], ...datasec('.data', 1)];
    const object = openObject(
      objectOf({ words: sizeless, sections: [data('.data')], symbols: [[at('x'), 0x11, 4, 0, 4]] }),
    );
    expect(errorOf(() => makeSkeleton(object, 'x.bpf.o'))).toMatch(/^BTF_VAR_NO_SIZE: datasec \.data: variable x/);
    expect(open({ words: INT, sections: [data('.maps')] })).toBe(
      'BTF_MAP_NO_DATASEC: section .maps: BTF does not describe it',
    );
    expect(open({ words: INT, sections: [data('.struct_ops')] })).toBe(
      'BTF_STRUCT_OPS_NO_DATASEC: section .struct_ops: BTF does not describe it',
    );
  });

  test('struct_ops', () => {
    const variable = (type: readonly number[], size = 8) =>
      open({
        words: [
          ...[at('m'), btfInfo(Kind.var), 3, 1],
          ...[at('.struct_ops'), btfInfo(Kind.datasec, 1), size, 1, 0, 4],
          ...type,
        ],
        sections: [data('.struct_ops')],
        symbols: [[at('m'), 0x11, 4, 0, 4]],
      });
    expect(variable([at('x'), btfInfo(Kind.int), 4, 32])).toBe(
      'BTF_STRUCT_OPS_BAD_VARIABLE: struct_ops m: is an int, expected a struct',
    );
    expect(variable([at('x'), btfInfo(Kind.struct), 64])).toBe(
      'BTF_STRUCT_OPS_BAD_VARIABLE: struct_ops m: leaves section .struct_ops',
    );
    expect(variable([0, btfInfo(Kind.struct), 4])).toBe('UNSUP_STRUCT_OPS: struct_ops m: its type has no name');
  });

  test('externs', () => {
    const proto = [0, btfInfo(Kind.funcProto), 0];
    const undefinedSymbol = { sections: [data('.data')], symbols: [[at('f'), 0x10, 0, 0, 0]] as const };
    expect(open({ words: INT, ...undefinedSymbol })).toBe(
      'BTF_EXTERN_UNKNOWN: extern f: BTF has no var or func of that name',
    );
    expect(open({ words: [...proto, at('f'), btfInfo(Kind.func, 1), 1], ...undefinedSymbol })).toBe(
      'BTF_EXTERN_LINKAGE: extern f: BTF says that it is defined in the object',
    );
    const extern = (name: string) => [at(name), btfInfo(Kind.func, 2), 1];
    const ksyms = [
      ...proto,
      ...extern('f'),
      ...extern('x'),
      at('.ksyms'),
      btfInfo(Kind.datasec, 2),
      0,
      2,
      0,
      0,
      3,
      0,
      0,
    ];
    expect(open({ words: ksyms, ...undefinedSymbol })).toMatch(
      /^BTF_EXTERN_NO_SYMBOL: datasec \.ksyms: x has no undefined symbol/,
    );
  });

  test('.BTF.ext that is broken is left out, and that is told', () => {
    const object = openObject(
      objectOf({ words: INT, sections: [{ name: '.BTF.ext', type: 1, data: Buffer.from('broken') }, data('.data')] }),
    );
    expect(object.btfExt).toBeUndefined();
    noteWarnings(object.warnings);
    expect(object.warnings.map(({ code }) => code)).toContain('BTF_EXT_IGNORED');
  });

  test('without it there are no types to write', () => {
    const model = openObject(objectOf({ sections: [code('xdp', 16)] }));
    const docs = { obj_name: 'x', data_sections: [], maps: [], progs: [] };
    expect(errorOf(() => emitStandalone({ objName: 'x', object: new Uint8Array(), model, docs, events: [] }))).toMatch(
      /^UNSUP_NO_BTF: /,
    );
  });

  test('gigabytes of zeros', () => {
    const words = [
      ...[at('x'), btfInfo(Kind.var), 3, 1],
      ...[at('.bss'), btfInfo(Kind.datasec, 1), 0x7fffffff, 1, 0, 4],
      ...INT,
    ];
    const bss = { ...data('.bss'), type: 8 };
    const bytes = Buffer.from(objectOf({ words, sections: [bss], symbols: [[at('x'), 0x11, 4, 0, 4]] }));
    const entry = Number(bytes.readBigUInt64LE(0x28)) + 4 * 64;
    bytes.writeBigUInt64LE(0x7fff_ffffn, entry + 32);
    expect(errorOf(() => emitObjectTypes(openObject(bytes), 'x', {}))).toMatch(
      /^UNSUP_SECTION_SIZE: \.bss: 2147483647 bytes of zeros/,
    );
  });
});

test('an arena that is too small for its variables', async (context) => {
  const clang = requireTool(context, 'clang-19');
  const directory = testDirectory();
  const source = `#define SEC(n) __attribute__((section(n), used))
struct { int (*type)[33]; int (*map_flags)[1024]; int (*max_entries)[1]; } arena SEC(".maps");
char big[8192] SEC(".addr_space.1") = {1};
SEC("tc") int p(void *c) { return big[5]; }
`;
  await runOk(clang, ['-target', 'bpf', '-g', '-O2', '-x', 'c', '-c', '-', '-o', 'x.o'], {
    cwd: directory,
    input: source,
  });
  expect(errorOf(() => openObject(readFileSync(path.join(directory, 'x.o'))))).toBe(
    'BTF_MAP_ARENA_TOO_SMALL: map arena: has 1 pages, its variables take 8192 bytes',
  );
});

test('archives', async () => {
  const failed = async (names: readonly string[]) => {
    const tar = await packTar(names.map((name) => ({ path: name, content: new Uint8Array(3) })));
    return openArchive(tar).then(
      () => 'value',
      (error: unknown) => (isEccError(error) ? error.code : error),
    );
  };
  expect(await failed(['x'])).toBe('PKG_NO_PACKAGE');
  // 'UNSUP_KERNEL' where the running kernel has no BTF of its own
  expect(['value', 'UNSUP_KERNEL']).toContain(await failed(['package.json']));
});
