import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Kind, Linkage, type TypeId } from './kinds.ts';
import { NameIndex, OTHER_NAMES, searchNamed, TYPE_NAMES } from './names.ts';
import { readHostBtf } from './read.ts';
import { Btf } from './table.ts';
import { BtfBuilder } from './writer.ts';

const VMLINUX = '/sys/kernel/btf/vmlinux';

/** A table in which names share their ends: `struct` is written once, in `my_struct`. */
function withSharedEnds(): Btf {
  const builder = new BtfBuilder();
  for (const name of ['my_struct', 'struct', 'x', 'struct_', 'my_struct', 'ünion']) builder.addFwd(name, 'struct');
  const table = builder.build();
  const words = table.words.slice();
  words[table.offsets[3]!] = table.nameOff(1 as TypeId) + 'my_'.length;
  return new Btf({ ...table, words, offsets: table.offsets, strings: table.strings });
}

test.each([
  ['my_struct', [1, 5]],
  ['struct', [2, 3]],
  ['struct_', [4]],
  ['ünion', [6]],
  ['x', []],
  ['truct', []],
  ['', []],
  ['struct\0x', []],
  ['struct\0', []],
])('%j is found without an index as with it', (name, ids) => {
  const btf = withSharedEnds();
  expect(searchNamed(btf, name)).toEqual(ids);
  expect(new NameIndex(btf, TYPE_NAMES).find(name)).toEqual(ids);
  expect(new NameIndex(btf, OTHER_NAMES).find(name)).toEqual([]);
  for (let call = 0; call < 8; call++) expect(btf.named(name)).toEqual(ids);
});

test('what many names end with is left to the index', () => {
  const builder = new BtfBuilder();
  for (let i = 0; i < 200; i++) builder.addFwd(`name${i}_t`, 'struct');
  builder.addFwd('t', 'struct');
  const btf = builder.build();
  expect(searchNamed(btf, 't')).toBeUndefined();
  expect(btf.named('t')).toEqual([201]);
});

test('a struct, functions and a variable of one name: by kind, before there is an index and after', () => {
  const builder = new BtfBuilder();
  const int = builder.addInt('int', { size: 4, signed: true });
  const proto = builder.addFuncProto(int, []);
  const before = builder.addFunc('same', proto, Linkage.static);
  const struct = builder.addStruct('same', 4, [{ name: 'same', type: int, bitOffset: 0 }]);
  const variable = builder.addVar('same', int, Linkage.global);
  const after = builder.addFunc('same', proto, Linkage.global);
  const btf = builder.build();
  for (let call = 0; call < 8; call++) {
    expect(btf.named('same')).toEqual([before, struct, variable, after]);
    expect(btf.named('same', Kind.func, Kind.struct)).toEqual([before, struct, after]);
    expect(btf.named('same', Kind.func)).toEqual([before, after]);
    expect(btf.find('same', Kind.var)).toBe(variable);
    expect(btf.find('same', Kind.union)).toBeUndefined();
    expect(btf.find('int')).toBe(int);
  }
});

test('names of the running kernel', (context) => {
  if (!existsSync(VMLINUX)) context.skip(`this kernel has no ${VMLINUX}`);
  const btf = readHostBtf();
  const [types, others] = [new NameIndex(btf, TYPE_NAMES), new NameIndex(btf, OTHER_NAMES)];
  for (let id = 1; id < btf.count; id += 1009) {
    const name = btf.name(id as TypeId);
    if (name === '') continue;
    const found = [...types.find(name), ...others.find(name)].sort((a, b) => a - b);
    expect(found).toContain(id);
    expect(searchNamed(btf, name) ?? found, name).toEqual(found);
  }
});
