import { expect, test } from 'vitest';
import { Linkage, type TypeId } from './kinds.ts';
import { parseBtf } from './table.ts';
import { BtfBuilder } from './writer.ts';

test.each([
  ['void', 0, 'BTF_BAD_FUNC'],
  ['an int', 1, 'BTF_BAD_FUNC'],
  ['itself', 3, 'BTF_BAD_FUNC'],
  ['nothing', 4, 'BTF_BAD_TYPE_ID'],
])('a func that refers to %s is refused', (_, proto, code) => {
  const b = new BtfBuilder();
  const int = b.addInt('int', { size: 4 });
  b.addFuncProto(int, []);
  b.addFunc('f', proto as TypeId, Linkage.global);
  expect(() => parseBtf(b.bytes())).toThrow(expect.objectContaining({ code }));
});

test('a func of a split table may refer to a prototype of its base', () => {
  const base = new BtfBuilder();
  const proto = base.addFuncProto(0 as TypeId, []);
  const split = new BtfBuilder({ base: base.build() });
  const func = split.addFunc('f', proto, Linkage.global);
  expect(split.build().ref(func)).toBe(proto);
});
