import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { TypeId } from './kinds.ts';
import { NameIndex, searchNamed } from './names.ts';
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
  expect(new NameIndex(btf).find(name)).toEqual(ids);
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

test('names of the running kernel', (context) => {
  if (!existsSync(VMLINUX)) context.skip(`this kernel has no ${VMLINUX}`);
  const btf = readHostBtf();
  const index = new NameIndex(btf);
  for (let id = 1; id < btf.count; id += 1009) {
    const name = btf.name(id as TypeId);
    if (name === '') continue;
    expect(index.find(name)).toContain(id);
    expect(searchNamed(btf, name) ?? index.find(name), name).toEqual(index.find(name));
  }
});
