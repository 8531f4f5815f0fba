import { expect, test } from 'vitest';
import type { TypeId } from '../kinds.ts';
import { BtfBuilder } from '../writer.ts';
import { emitDeclaration } from './header.ts';

test.each<[string, (builder: BtfBuilder, self: TypeId) => unknown]>([
  ['takes itself', (builder, self) => builder.addFuncProto(0 as TypeId, [{ name: 'f', type: self }])],
  ['returns itself', (builder, self) => builder.addFuncProto(self, [])],
  ['points to itself', (builder, self) => builder.addPtr(self)],
  ['is an array of itself', (builder, self) => builder.addArray(self, self, 2)],
  ['is its own qualifier', (builder, self) => builder.addConst(self)],
])('a type that %s has no declarator', (_, add) => {
  const builder = new BtfBuilder();
  add(builder, 1 as TypeId);
  expect(() => emitDeclaration(builder.build(), 1 as TypeId)).toThrow(
    expect.objectContaining({ code: 'BTF_TOO_DEEP' }),
  );
});

test.each([
  ['größe', 'größe'],
  ['変数', '変数'],
  ['a$', 'a$'],
  ['int', 'int_'],
  ['2nd', '_2nd'],
  ['a b', 'a_b'],
  ['€', '___'],
])('a member named %s is declared as %s', (name, declared) => {
  const builder = new BtfBuilder();
  const int = builder.addInt('int', { size: 4, signed: true });
  const id = builder.addStruct(name, 4, [{ name, type: int }]);
  expect(emitDeclaration(builder.build(), id)).toBe(`struct ${declared} {\n\tint ${declared};\n};`);
});
