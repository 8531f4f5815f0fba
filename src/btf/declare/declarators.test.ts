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
