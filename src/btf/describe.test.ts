import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, describe as suite, test } from 'vitest';
import { runOk } from '../../test/support/command.ts';
import { requireTool } from '../../test/support/require.ts';
import { testDirectory } from '../../test/support/temporary.ts';
import { describe, type TypeDescription } from './describe.ts';
import { Linkage, type TypeId } from './kinds.ts';
import { readBtf } from './read.ts';
import type { Btf } from './table.ts';
import { BtfBuilder, writeBtf } from './writer.ts';

const VMLINUX = '/sys/kernel/btf/vmlinux';

/** Adds a type to a builder from nothing but its description. */
function add(builder: BtfBuilder, type: TypeDescription): void {
  switch (type.kind) {
    case 'void':
      break;
    case 'int':
      builder.addInt(type.name, type);
      break;
    case 'float':
      builder.addFloat(type.name, type.size);
      break;
    case 'ptr':
      builder.addPtr(type.type);
      break;
    case 'const':
      builder.addConst(type.type);
      break;
    case 'volatile':
      builder.addVolatile(type.type);
      break;
    case 'restrict':
      builder.addRestrict(type.type);
      break;
    case 'typedef':
      builder.addTypedef(type.name, type.type);
      break;
    case 'typeTag':
      builder.addTypeTag(type.name, type.type);
      break;
    case 'array':
      builder.addArray(type.element, type.indexType, type.length);
      break;
    case 'struct':
      builder.addStruct(type.name, type.size, type.members);
      break;
    case 'union':
      builder.addUnion(type.name, type.size, type.members);
      break;
    case 'enum':
      builder.addEnum(type.name, type.values, type);
      break;
    case 'enum64':
      builder.addEnum64(type.name, type.values, type);
      break;
    case 'fwd':
      builder.addFwd(type.name, type.of);
      break;
    case 'func':
      builder.addFunc(type.name, type.proto, type.linkage);
      break;
    case 'funcProto':
      builder.addFuncProto(type.result, [...type.params, ...(type.variadic ? [{ type: 0 as TypeId }] : [])]);
      break;
    case 'var':
      builder.addVar(type.name, type.type, type.linkage);
      break;
    case 'datasec':
      builder.addDatasec(type.name, type.size, type.entries);
      break;
    case 'declTag':
      builder.addDeclTag(type.name, type.type, type.component);
      break;
  }
}

function rebuilt(btf: Btf): Uint8Array {
  const builder = new BtfBuilder();
  for (const id of btf.ids()) add(builder, describe(btf, id));
  return builder.bytes();
}

/** One of each kind. */
function everyKind(): Btf {
  const b = new BtfBuilder();
  const int = b.addInt('int', { size: 4, signed: true });
  b.addFloat('double', 8);
  const ptr = b.addPtr(int);
  b.addConst(int);
  b.addVolatile(int);
  b.addRestrict(ptr);
  b.addTypedef('int_t', int);
  b.addTypeTag('user', int);
  b.addArray(int, int, 3);
  const struct = b.addStruct('s', 8, [
    { name: 'a', type: int, bitSize: 5 },
    { name: '', type: int, bitOffset: 32 },
  ]);
  b.addUnion('u', 4, [{ name: 'a', type: int }]);
  b.addEnum('e', [{ name: 'MINUS', value: -1 }]);
  b.addEnum64('e64', [{ name: 'BIG', value: 1n << 63n }]);
  b.addFwd('later', 'union');
  const proto = b.addFuncProto(int, [{ name: 'format', type: ptr }, { type: 0 as TypeId }]);
  b.addFunc('print', proto, Linkage.extern);
  const variable = b.addVar('v', struct, Linkage.global);
  b.addDatasec('.data', 8, [{ type: variable, offset: 0, size: 8 }]);
  b.addDeclTag('tag', struct, 1);
  return b.build();
}

suite('describe', () => {
  test('every kind says all there is: a table built from nothing else is the same to bpftool', async (context) => {
    const bpftool = requireTool(context, 'bpftool');
    const directory = testDirectory();
    const btf = everyKind();
    expect(new Set([...btf.ids()].map((id) => describe(btf, id).kind)).size).toBe(19);
    expect(describe(btf, 0 as TypeId)).toEqual({ kind: 'void' });
    const dumps: string[] = [];
    for (const [name, bytes] of Object.entries({ original: writeBtf(btf), again: rebuilt(btf) })) {
      const file = path.join(directory, name);
      writeFileSync(file, bytes);
      dumps.push((await runOk(bpftool, ['-j', 'btf', 'dump', 'file', file])).stdout);
      expect([...readBtf(file).ids()].map((id) => describe(readBtf(file), id))).toEqual(
        [...btf.ids()].map((id) => describe(btf, id)),
      );
    }
    expect(dumps[1]).toBe(dumps[0]);
  });

  test('the running kernel built anew from its descriptions is the same to bpftool', async (context) => {
    const bpftool = requireTool(context, 'bpftool');
    if (!existsSync(VMLINUX)) context.skip(`this kernel has no ${VMLINUX}`);
    const file = path.join(testDirectory(), 'vmlinux.btf');
    writeFileSync(file, rebuilt(readBtf(VMLINUX)));
    const dump = async (of: string): Promise<string> => (await runOk(bpftool, ['btf', 'dump', 'file', of])).stdout;
    expect((await dump(file)) === (await dump(VMLINUX))).toBe(true);
  });

  test('is frozen, all the way down', () => {
    const btf = everyKind();
    const isFrozen = (value: unknown): boolean =>
      typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(isFrozen));
    for (const id of btf.ids()) expect(isFrozen(describe(btf, id)), describe(btf, id).kind).toBe(true);
  });
});
