import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { runOk } from '../../test/support/command.ts';
import { requireTool, type Skippable } from '../../test/support/require.ts';
import { fileDirectory } from '../../test/support/temporary.ts';
import { type EccError, isEccError } from '../core/errors.ts';
import { parseElf } from '../elf/elf.ts';
import { getType } from './get-type.ts';
import { Kind, type TypeId } from './kinds.ts';
import { offsetOf } from './offset.ts';
import { openBtf } from './open.ts';
import { type Btf, parseBtf } from './table.ts';
import { BtfBuilder } from './writer.ts';

const DECLARATIONS = `
typedef unsigned long u64;
struct range { u64 start, end; };
typedef struct range range_t;
struct mm { int users; union { struct { char a; u64 arg_start; }; short b; }; struct range ranges[4]; struct opaque *opaque; };
struct mm_ptr_holder { char pad; struct mm *const volatile mm; };
typedef struct mm_ptr_holder *holder_p;
struct task {
  char comm[16];
  struct { struct { u64 deep; }; range_t named; };
  int grid[3][5];
  unsigned flag1 : 3, flag2 : 7;
  holder_p holder;
  struct range *table[2];
  struct { char x; u64 y; } __attribute__((packed)) packed;
  void *data;
  struct task *parent;
  char tail[];
};
struct later;
struct uses_later { struct later *p; };
`;
/** Paths that C takes too. */
const PLAIN = [
  ['struct task', 'comm'],
  ['struct task', 'comm[15]'],
  ['struct task', 'deep'],
  ['struct task', 'named.end'],
  ['struct task', 'grid[2]'],
  ['struct task', 'grid[2][4]'],
  ['struct task', 'holder'],
  ['struct task', 'table[1]'],
  ['struct task', 'packed.y'],
  ['struct task', 'tail'],
  ['struct task', 'tail[7]'],
  ['struct mm', 'arg_start'],
  ['struct mm', 'b'],
  ['struct mm', 'ranges[3].end'],
  ['range_t', 'end'],
] as const;

const directory = fileDirectory();
/** The declarations as clang compiles them, with what it says the offsets of {@link PLAIN} are. */
interface Program {
  readonly btf: Btf;
  readonly offsets: BigUint64Array;
}
let compiled: Promise<Program> | undefined;

function program(context: Skippable): Promise<Program> {
  const clang = requireTool(context, 'clang');
  compiled ??= compileProgram(clang);
  return compiled;
}

async function compileProgram(clang: string): Promise<Program> {
  const source = path.join(directory, 'offsets.c');
  const object = path.join(directory, 'offsets.o');
  const values = PLAIN.map(([type, member]) => `__builtin_offsetof(${type}, ${member})`);
  const text = `${DECLARATIONS}
struct task *task; struct uses_later *uses; struct mm *mm; struct mm_ptr_holder holder;
const u64 expected[] __attribute__((section("offsets"))) = { ${values.join(', ')} };
`;
  writeFileSync(source, text);
  await runOk(clang, ['-target', 'bpf', '-g', '-O2', '-c', source, '-o', object]);
  const bytes = new Uint8Array(readFileSync(object));
  const elf = parseElf(bytes);
  const section = new Uint8Array(elf.data(elf.findSection('offsets')!));
  return { btf: openBtf(bytes), offsets: new BigUint64Array(section.buffer) };
}

function failure(call: () => unknown): EccError {
  try {
    call();
  } catch (error) {
    if (isEccError(error)) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

describe('offsetOf', () => {
  test.for([...PLAIN.entries()])("what clang's offsetof says: %j", async ([index, [type, member]], context) => {
    const { btf, offsets } = await program(context);
    const { byteOffset, bitOffset, derefs, isBitfield } = offsetOf(btf, type, member);
    expect(BigInt(byteOffset)).toBe(offsets[index]);
    expect(bitOffset).toBe(byteOffset * 8);
    expect(derefs).toEqual([]);
    expect(isBitfield).toBe(false);
  });

  test('bitfields', async (context) => {
    const { btf } = await program(context);
    const first = offsetOf(btf, 'task', 'flag1');
    expect(offsetOf(btf, 'task', 'flag2')).toMatchObject({
      bitOffset: first.bitOffset + 3,
      byteOffset: first.byteOffset,
      bitSize: 7,
      isBitfield: true,
    });
  });

  test('through pointers, as one reads them', async (context) => {
    const { btf } = await program(context);
    const at = (member: string): number => offsetOf(btf, 'task', member).byteOffset;
    const mm = offsetOf(btf, 'mm_ptr_holder', 'mm').byteOffset;
    const { byteOffset } = offsetOf(btf, 'mm', 'arg_start');
    for (const text of ['holder.mm.arg_start', 'holder->mm->arg_start', 'holder[0].mm[0].arg_start'])
      expect(offsetOf(btf, 'task', text), text).toMatchObject({ byteOffset, bitSize: 64, derefs: [at('holder'), mm] });
    expect(offsetOf(btf, 'task', 'table[1][2].end')).toMatchObject({ byteOffset: 40, derefs: [at('table') + 8] });
    expect(offsetOf(btf, 'task', 'parent.parent.comm').derefs).toEqual([at('parent'), at('parent')]);
    expect(offsetOf(btf, 'holder_p', 'mm')).toMatchObject({ byteOffset: mm, derefs: [0] });
  });

  test('gives the type as declared, and its size', async (context) => {
    const { btf } = await program(context);
    expect(btf.name(offsetOf(btf, 'task', 'named').typeId)).toBe('range_t');
    expect(offsetOf(btf, 'task', 'named').bitSize).toBe(128);
    expect(offsetOf(btf, 'task', 'tail').bitSize).toBe(0);
    expect(btf.kind(offsetOf(btf, 'task', 'grid[0]').typeId)).toBe(Kind.array);
  });

  test.for([
    ['task', 'com', 'USAGE_MEMBER', 'struct task has no member com', 'comm'],
    ['task', 'named.and', 'USAGE_MEMBER', 'struct range has no member and', 'end'],
    ['task', 'comm.x', 'USAGE_MEMBER', 'has no members', undefined],
    ['task', 'data.x', 'USAGE_MEMBER', 'void, where x is looked for, has no members', undefined],
    ['uses_later', 'p.x', 'USAGE_MEMBER', 'struct later, where x is looked for, is only declared', undefined],
    ['mm', 'opaque[1]', 'USAGE_PATH', 'has no size', undefined],
    ['task', 'data[1]', 'USAGE_PATH', 'void, which has no size', undefined],
    ['task', 'comm[16]', 'USAGE_PATH', 'index 16 of an array of 16', undefined],
    ['task', 'named[0]', 'USAGE_PATH', 'which is no array', undefined],
    ['task', '', 'USAGE_PATH', 'empty', undefined],
    ['task', '.comm', 'USAGE_PATH', 'no path', undefined],
    ['task', 'comm[', 'USAGE_PATH', 'no path', undefined],
    ['task', 'comm[-1]', 'USAGE_PATH', 'no path', undefined],
    ['task', 'grid[1]2', 'USAGE_PATH', 'no path', undefined],
    ['tsk', 'comm', 'USAGE_TYPE', 'no type tsk', 'task'],
    ['union task', 'comm', 'USAGE_TYPE', 'no union task', undefined],
    ['later', 'x', 'USAGE_TYPE', 'only declared', undefined],
  ] as const)('refuses %s, %s', async ([root, member, code, message, close], context) => {
    const { btf } = await program(context);
    const error = failure(() => offsetOf(btf, root, member));
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
    if (close !== undefined) expect(error.hint).toContain(close);
  });

  test('a declaration behind a pointer is looked up', () => {
    const b = new BtfBuilder();
    const int = b.addInt('int', { size: 4 });
    const pointer = b.addPtr(b.addFwd('s'));
    const holder = b.addStruct('holder', 8, [{ name: 's', type: pointer }]);
    b.addStruct('s', 8, [{ name: 'n', type: int, bitOffset: 32 }]);
    expect(offsetOf(b.build(), holder, 's.n')).toMatchObject({ byteOffset: 4, derefs: [0] });
  });

  test('anonymous members that hold one another many times over take no time', () => {
    const b = new BtfBuilder();
    let inner: TypeId = b.addStruct('', 4, [{ name: 'n', type: b.addInt('int', { size: 4 }) }]);
    for (let i = 0; i < 100; i++) inner = b.addUnion('', 4, Array(50).fill({ type: inner }));
    const top = b.addStruct('top', 4, [{ type: inner }]);
    const table = b.build();
    expect(failure(() => offsetOf(table, top, 'missing')).code).toBe('USAGE_MEMBER');
    expect(offsetOf(table, top, 'n').byteOffset).toBe(0);
  });

  test('a struct that is its own anonymous member ends', () => {
    const b = new BtfBuilder();
    const self = b.addStruct('self', 4, [{ type: b.nextId }]);
    expect(failure(() => offsetOf(parseBtf(b.bytes()), self, 'x')).code).toBe('USAGE_MEMBER');
  });
});

test('getType: keywords choose, tags come before typedefs', () => {
  const b = new BtfBuilder();
  const int = b.addInt('unsigned long', { size: 8 });
  const alias = b.addTypedef('x', int);
  const struct = b.addStruct('x', 0, []);
  const union = b.addUnion('x', 0, []);
  const values = b.addEnum64('x', []);
  const table = b.build();
  expect(getType(table, 'x')).toBe(struct);
  expect(getType(table, 'struct  x ')).toBe(struct);
  expect(getType(table, 'union x')).toBe(union);
  expect(getType(table, 'enum x')).toBe(values);
  expect(getType(table, 'unsigned long')).toBe(int);
  expect(table.kind(alias)).toBe(Kind.typedef);
});
