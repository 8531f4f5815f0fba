/**
 * Members of a struct in bytes, read naively: what the tests expect of an event, found without the decoders that are tested
 * elsewhere. Knows integers, enums, bool, bitfields, char arrays and pointers, little endian.
 */
import { IntEncoding, Kind, type TypeId } from '../../src/btf/kinds.ts';
import { resolve, sizeOf } from '../../src/btf/layout.ts';
import type { Btf } from '../../src/btf/table.ts';

export type MemberValue = string | number | boolean | bigint | undefined;

/** The value of `name` in the struct `typeId` that `bytes` hold; `undefined` for kinds that are not known here. */
export function readMember(btf: Btf, typeId: TypeId, bytes: Buffer, name: string): MemberValue {
  const struct = resolve(btf, typeId);
  for (let index = 0; index < btf.vlen(struct); index++) {
    if (btf.memberName(struct, index) !== name) continue;
    const type = resolve(btf, btf.memberType(struct, index));
    return readAt(btf, type, bytes, btf.memberBitOffset(struct, index), btf.memberBitSize(struct, index));
  }
  throw new Error(`${btf.name(struct)} has no member ${name}`);
}

function readAt(btf: Btf, type: TypeId, bytes: Buffer, bitOffset: number, bitSize: number): MemberValue {
  const kind = btf.kind(type);
  const start = bitOffset >> 3;
  if (kind === Kind.array) {
    const end = Math.min(bytes.length, start + (btf.arrayLength(type) || bytes.length));
    const text = bytes.subarray(start, end);
    const nul = text.indexOf(0);
    return text.toString('latin1', 0, nul === -1 ? text.length : nul);
  }
  if (kind !== Kind.int && kind !== Kind.enum && kind !== Kind.enum64 && kind !== Kind.ptr) return undefined;
  const width = bitSize || (sizeOf(btf, type) ?? 0) * 8;
  let value = 0n;
  for (let bit = 0; bit < width; bit++) {
    const at = bitOffset + bit;
    if ((bytes[at >> 3] ?? 0) & (1 << (at & 7))) value |= 1n << BigInt(bit);
  }
  if (kind === Kind.int && btf.int(type).encoding & IntEncoding.bool) return value !== 0n;
  const signed = kind === Kind.int ? (btf.int(type).encoding & IntEncoding.signed) !== 0 : btf.kindFlag(type);
  return BigInt[signed ? 'asIntN' : 'asUintN'](width, value);
}
