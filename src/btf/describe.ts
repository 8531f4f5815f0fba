/**
 * One type as plain data: for printing, for JSON, for a `switch` over its kind. The accessors of `Btf` read the same without
 * making objects; walking a whole kernel is theirs.
 *
 * @see Documentation/bpf/btf.rst, "Type Encoding"
 */
import { assertNever } from '../core/errors.ts';
import { IntEncoding, Kind, type Linkage, type TypeId } from './kinds.ts';
import type { Btf } from './table.ts';

export interface MemberDescription {
  /** `''` for an anonymous member. */
  readonly name: string;
  readonly type: TypeId;
  /** From the start of the struct, in **bits**. */
  readonly bitOffset: number;
  /** Width of a bitfield, in **bits**; 0 for a member that is none. */
  readonly bitSize: number;
}

export interface ParamDescription {
  readonly name: string;
  readonly type: TypeId;
}

/** All there is to know about a type but its id; members, parameters and values are what `BtfBuilder` takes. */
export type TypeDescription =
  | { readonly kind: 'void' }
  | {
      readonly kind: 'int';
      readonly name: string;
      /** In **bytes**, like every `size` here. */
      readonly size: number;
      readonly signed: boolean;
      readonly char: boolean;
      readonly bool: boolean;
      /** Width and place in the bytes, in **bits**: all of them, from 0, but for compilers of long ago. */
      readonly bits: number;
      readonly bitOffset: number;
    }
  | { readonly kind: 'float'; readonly name: string; readonly size: number }
  | { readonly kind: 'ptr' | 'const' | 'volatile' | 'restrict'; readonly type: TypeId }
  | { readonly kind: 'typedef' | 'typeTag'; readonly name: string; readonly type: TypeId }
  | { readonly kind: 'array'; readonly element: TypeId; readonly indexType: TypeId; readonly length: number }
  | {
      readonly kind: 'struct' | 'union';
      readonly name: string;
      readonly size: number;
      readonly members: readonly MemberDescription[];
    }
  | {
      readonly kind: 'enum';
      readonly name: string;
      readonly size: number;
      readonly signed: boolean;
      readonly values: readonly { readonly name: string; readonly value: number }[];
    }
  | {
      readonly kind: 'enum64';
      readonly name: string;
      readonly size: number;
      readonly signed: boolean;
      readonly values: readonly { readonly name: string; readonly value: bigint }[];
    }
  | { readonly kind: 'fwd'; readonly name: string; readonly of: 'struct' | 'union' }
  | { readonly kind: 'func'; readonly name: string; readonly proto: TypeId; readonly linkage: Linkage }
  | {
      readonly kind: 'funcProto';
      readonly result: TypeId;
      /** Without the `...` of a variadic function. */
      readonly params: readonly ParamDescription[];
      readonly variadic: boolean;
    }
  | { readonly kind: 'var'; readonly name: string; readonly type: TypeId; readonly linkage: Linkage }
  | {
      readonly kind: 'datasec';
      readonly name: string;
      readonly size: number;
      readonly entries: readonly { readonly type: TypeId; readonly offset: number; readonly size: number }[];
    }
  | {
      readonly kind: 'declTag';
      readonly name: string;
      readonly type: TypeId;
      /** Index of the member or parameter that is tagged; -1: the type itself. */
      readonly component: number;
    };

/** The type as a frozen object, made anew by each call. Linear in the number of its members. */
export function describe(btf: Btf, id: TypeId): TypeDescription {
  return Object.freeze(describeKind(btf, id));
}

function describeKind(btf: Btf, id: TypeId): TypeDescription {
  const kind = btf.kind(id);
  const name = btf.name(id);
  switch (kind) {
    case Kind.void:
      return { kind: 'void' };
    case Kind.int: {
      const { encoding, bits, bitOffset } = btf.int(id);
      const has = (bit: number): boolean => (encoding & bit) !== 0;
      const { signed, char, bool } = IntEncoding;
      const flags = { signed: has(signed), char: has(char), bool: has(bool) };
      return { kind: 'int', name, size: btf.recordedSize(id), ...flags, bits, bitOffset };
    }
    case Kind.float:
      return { kind: 'float', name, size: btf.recordedSize(id) };
    case Kind.ptr:
      return { kind: 'ptr', type: btf.ref(id) };
    case Kind.const:
      return { kind: 'const', type: btf.ref(id) };
    case Kind.volatile:
      return { kind: 'volatile', type: btf.ref(id) };
    case Kind.restrict:
      return { kind: 'restrict', type: btf.ref(id) };
    case Kind.typedef:
      return { kind: 'typedef', name, type: btf.ref(id) };
    case Kind.typeTag:
      return { kind: 'typeTag', name, type: btf.ref(id) };
    case Kind.array:
      return {
        kind: 'array',
        element: btf.arrayElement(id),
        indexType: btf.arrayIndexType(id),
        length: btf.arrayLength(id),
      };
    case Kind.struct:
    case Kind.union: {
      const members = elements(btf.vlen(id), (i) => ({
        name: btf.memberName(id, i),
        type: btf.memberType(id, i),
        bitOffset: btf.memberBitOffset(id, i),
        bitSize: btf.memberBitSize(id, i),
      }));
      return { kind: kind === Kind.struct ? 'struct' : 'union', name, size: btf.recordedSize(id), members };
    }
    case Kind.enum: {
      const values = elements(btf.vlen(id), (i) => ({
        name: btf.enumeratorName(id, i),
        value: Number(btf.enumeratorValue(id, i)),
      }));
      return { kind: 'enum', name, size: btf.recordedSize(id), signed: btf.kindFlag(id), values };
    }
    case Kind.enum64: {
      const values = elements(btf.vlen(id), (i) => ({
        name: btf.enumeratorName(id, i),
        value: btf.enumeratorValue(id, i),
      }));
      return { kind: 'enum64', name, size: btf.recordedSize(id), signed: btf.kindFlag(id), values };
    }
    case Kind.fwd:
      return { kind: 'fwd', name, of: btf.kindFlag(id) ? 'union' : 'struct' };
    case Kind.func:
      return { kind: 'func', name, proto: btf.ref(id), linkage: btf.linkage(id) };
    case Kind.funcProto: {
      const count = btf.vlen(id);
      const variadic = count > 0 && btf.paramType(id, count - 1) === 0 && btf.paramName(id, count - 1) === '';
      const params = elements(variadic ? count - 1 : count, (i) => ({
        name: btf.paramName(id, i),
        type: btf.paramType(id, i),
      }));
      return { kind: 'funcProto', result: btf.ref(id), params, variadic };
    }
    case Kind.var:
      return { kind: 'var', name, type: btf.ref(id), linkage: btf.linkage(id) };
    case Kind.datasec: {
      const entries = elements(btf.vlen(id), (i) => ({
        type: btf.secinfoType(id, i),
        offset: btf.secinfoOffset(id, i),
        size: btf.secinfoSize(id, i),
      }));
      return { kind: 'datasec', name, size: btf.recordedSize(id), entries };
    }
    case Kind.declTag:
      return { kind: 'declTag', name, type: btf.ref(id), component: btf.declTagComponent(id) };
    default:
      return assertNever(kind);
  }
}

function elements<T>(count: number, describeElement: (index: number) => T): readonly T[] {
  return Object.freeze(Array.from({ length: count }, (_, i) => Object.freeze(describeElement(i))));
}
