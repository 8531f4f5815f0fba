import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Kind, type TypeId } from './kinds.ts';
import { readBtf } from './read.ts';
import { subsetBtf } from './subset.ts';
import { reachableTypes, referencesOf } from './walk.ts';
import { BtfBuilder } from './writer.ts';

const VMLINUX = '/sys/kernel/btf/vmlinux';

describe('a list', () => {
  const b = new BtfBuilder();
  const int = b.addInt('int', { size: 4, signed: true });
  const array = b.addArray(int, int, 2);
  const next = (b.nextId + 1) as TypeId;
  const node = b.addStruct('node', 24, [
    { name: 'value', type: array },
    { name: 'next', type: next, bitOffset: 64 },
    { name: 'count', type: int, bitOffset: 128 },
  ]);
  b.addPtr(node);
  const proto = b.addFuncProto(next, [{ name: 'n', type: next }]);
  const voidPtr = b.addPtr(0 as TypeId);
  const btf = b.build();

  test('references in the order of the record', () => {
    expect(referencesOf(btf, node)).toEqual([array, next, int]);
    expect(referencesOf(btf, array)).toEqual([int, int]);
    expect(referencesOf(btf, proto)).toEqual([next, next]);
    expect(referencesOf(btf, voidPtr)).toEqual([0]);
    expect(referencesOf(btf, int)).toEqual([]);
    expect(referencesOf(btf, 0 as TypeId)).toEqual([]);
  });

  test('all that is reached, each once, a type before what it refers to', () => {
    expect([...reachableTypes(btf, node)]).toEqual([node, array, int, next]);
    expect([...reachableTypes(btf, [proto, voidPtr, proto])]).toEqual([proto, next, node, array, int, voidPtr]);
    expect([...reachableTypes(btf, proto, { behindPointers: false })]).toEqual([proto, next]);
    expect([...reachableTypes(btf, 0 as TypeId)]).toEqual([]);
  });
});

test('of a kernel struct as many as a subset keeps', (context) => {
  if (!existsSync(VMLINUX)) context.skip(`this kernel has no ${VMLINUX}`);
  const btf = readBtf(VMLINUX);
  const task = btf.find('task_struct', Kind.struct)!;
  const reached = [...reachableTypes(btf, task)];
  expect(new Set(reached).size).toBe(reached.length);
  expect(reached.length).toBe(subsetBtf(btf, [task], { declTags: false }).count - 1);
});
