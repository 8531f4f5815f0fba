/**
 * Writing BTF: a builder that takes one type after the other, and serialising any table, built or parsed, in either byte
 * order. The kernel's and libbpf's rules about what may refer to what are theirs to check; what is checked here is what
 * {@link parseBtf} checks, and that every number fits its place.
 *
 * @see Documentation/bpf/btf.rst; include/uapi/linux/btf.h
 */
import { Kind, type Linkage, type TypeId } from './kinds.ts';
import { StringTable } from './strings.ts';
import { type Btf, type BtfParts, parseBtf } from './table.ts';

const HEADER_SIZE = 24;
const MAX_VLEN = 0xffff;
/** A bitfield's offset has 24 bits, its width 8. */
const MAX_BITFIELD_OFFSET = 0xffffff;
const MAX_BITFIELD_SIZE = 0xff;

export interface WriteBtfOptions {
  /** Byte order of the output. Default: that of the table. */
  readonly littleEndian?: boolean;
}

/**
 * A table as bytes, as they stand in `.BTF` or `/sys/kernel/btf/*`. Of a split table only its own part is written, which then
 * needs the same base to be read.
 */
export function writeBtf(parts: BtfParts, options: WriteBtfOptions = {}): Uint8Array {
  const { littleEndian = parts.littleEndian } = options;
  const firstWord = parts.firstOwnId < parts.offsets.length ? parts.offsets[parts.firstOwnId]! : parts.words.length;
  const words = parts.firstOwnId === 1 ? parts.words : parts.words.subarray(firstWord);
  const strings = parts.strings.subarray(parts.firstOwnString);
  const bytes = new Uint8Array(HEADER_SIZE + words.byteLength + strings.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 0xeb9f, littleEndian);
  view.setUint8(2, 1);
  [HEADER_SIZE, 0, words.byteLength, words.byteLength, strings.length].forEach((value, i) => {
    view.setUint32(4 + i * 4, value, littleEndian);
  });
  for (let i = 0; i < words.length; i++) view.setUint32(HEADER_SIZE + i * 4, words[i]!, littleEndian);
  bytes.set(strings, HEADER_SIZE + words.byteLength);
  return bytes;
}

/** A member of a struct or union. */
export interface MemberSpec {
  /** `''` or left out: anonymous. */
  readonly name?: string;
  readonly type: TypeId;
  /** From the start of the struct, in **bits**. Default 0. */
  readonly bitOffset?: number;
  /** Width of a bitfield, in **bits**; 0 or left out: not a bitfield. */
  readonly bitSize?: number;
}

export interface EnumeratorSpec {
  readonly name: string;
  readonly value: number | bigint;
}

export interface ParamSpec {
  readonly name?: string;
  /** 0 in the last, nameless parameter stands for `...`. */
  readonly type: TypeId;
}

export interface SecinfoSpec {
  /** A var or a func. */
  readonly type: TypeId;
  /** In **bytes**. */
  readonly offset: number;
  readonly size: number;
}

export interface EnumOptions {
  /** In **bytes**: 1, 2, 4 or 8. Default 4, for an enum64 8. */
  readonly size?: number;
  /** Values are signed. Default: true when one is negative. */
  readonly signed?: boolean;
}

export interface BtfBuilderOptions {
  /** The table that the new one continues (split BTF): its ids and strings can be used. */
  readonly base?: Btf;
  /** Byte order of {@link BtfBuilder.bytes}. Default true. */
  readonly littleEndian?: boolean;
}

/**
 * Builds a table, one type a call; each call gives the id of its type. Ids are handed out in order, so a type may refer to one
 * that comes later: {@link nextId} tells its number.
 *
 * @example
 * const b = new BtfBuilder();
 * const int = b.addInt('int', { size: 4, signed: true });
 * b.addStruct('point', 8, [{ name: 'x', type: int }, { name: 'y', type: int, bitOffset: 32 }]);
 * const btf = b.build();
 */
export class BtfBuilder {
  readonly #base: Btf | undefined;
  readonly #littleEndian: boolean;
  readonly #strings: StringTable;
  #words = new Uint32Array(256);
  #length = 0;
  #count: number;

  constructor(options: BtfBuilderOptions = {}) {
    this.#base = options.base;
    this.#littleEndian = options.littleEndian ?? true;
    this.#strings = new StringTable(options.base?.strings);
    this.#count = options.base?.count ?? 1;
  }

  /** The id that the next type will get. */
  get nextId(): TypeId {
    return this.#count as TypeId;
  }

  /** @param options.bits  width in bits, default that of `size` bytes; `bitOffset` is 0 in all that compilers of today write */
  addInt(
    name: string,
    options: {
      readonly size: number;
      readonly signed?: boolean;
      readonly char?: boolean;
      readonly bool?: boolean;
      readonly bits?: number;
      readonly bitOffset?: number;
    },
  ): TypeId {
    const { size, signed = false, char = false, bool = false, bits = size * 8, bitOffset = 0 } = options;
    const encoding = Number(signed) | (Number(char) << 1) | (Number(bool) << 2);
    return this.#add(name, Kind.int, 0, false, u32(size), [
      (encoding << 24) | (within(bitOffset, 0xff, 'bit offset') << 16) | within(bits, 0xff, 'bit width'),
    ]);
  }

  addFloat(name: string, size: number): TypeId {
    return this.#add(name, Kind.float, 0, false, u32(size), []);
  }

  addPtr(to: TypeId): TypeId {
    return this.#add('', Kind.ptr, 0, false, to, []);
  }

  addConst(of: TypeId): TypeId {
    return this.#add('', Kind.const, 0, false, of, []);
  }

  addVolatile(of: TypeId): TypeId {
    return this.#add('', Kind.volatile, 0, false, of, []);
  }

  addRestrict(of: TypeId): TypeId {
    return this.#add('', Kind.restrict, 0, false, of, []);
  }

  addTypedef(name: string, of: TypeId): TypeId {
    return this.#add(name, Kind.typedef, 0, false, of, []);
  }

  addTypeTag(tag: string, of: TypeId): TypeId {
    return this.#add(tag, Kind.typeTag, 0, false, of, []);
  }

  /** @param length  number of elements */
  addArray(element: TypeId, indexType: TypeId, length: number): TypeId {
    return this.#add('', Kind.array, 0, false, 0, [element, indexType, u32(length)]);
  }

  /** @param size  in **bytes** */
  addStruct(name: string, size: number, members: readonly MemberSpec[]): TypeId {
    return this.#addComposite(Kind.struct, name, size, members);
  }

  /** @param size  in **bytes** */
  addUnion(name: string, size: number, members: readonly MemberSpec[]): TypeId {
    return this.#addComposite(Kind.union, name, size, members);
  }

  /** @param of  what it declares ahead */
  addFwd(name: string, of: 'struct' | 'union' = 'struct'): TypeId {
    return this.#add(name, Kind.fwd, 0, of === 'union', 0, []);
  }

  addEnum(name: string, values: readonly EnumeratorSpec[], options: EnumOptions = {}): TypeId {
    const { size = 4, signed = values.some(({ value }) => value < 0) } = options;
    const rest = values.flatMap((v) => [this.#strings.add(v.name), Number(enumValue(v, 32, signed))]);
    return this.#add(name, Kind.enum, values.length, signed, u32(size), rest);
  }

  addEnum64(name: string, values: readonly EnumeratorSpec[], options: EnumOptions = {}): TypeId {
    const { size = 8, signed = values.some(({ value }) => value < 0) } = options;
    const rest = values.flatMap((v) => {
      const value = enumValue(v, 64, signed);
      return [this.#strings.add(v.name), Number(value & 0xffffffffn), Number(value >> 32n)];
    });
    return this.#add(name, Kind.enum64, values.length, signed, u32(size), rest);
  }

  addFuncProto(result: TypeId, params: readonly ParamSpec[]): TypeId {
    const rest = params.flatMap((param) => [this.#strings.add(param.name ?? ''), param.type]);
    return this.#add('', Kind.funcProto, params.length, false, result, rest);
  }

  addFunc(name: string, proto: TypeId, linkage: Linkage): TypeId {
    return this.#add(name, Kind.func, linkage, false, proto, []);
  }

  addVar(name: string, type: TypeId, linkage: Linkage): TypeId {
    return this.#add(name, Kind.var, 0, false, type, [linkage]);
  }

  /** @param size  of the section, in **bytes** */
  addDatasec(name: string, size: number, entries: readonly SecinfoSpec[]): TypeId {
    const rest = entries.flatMap((entry) => [entry.type, u32(entry.offset), u32(entry.size)]);
    return this.#add(name, Kind.datasec, entries.length, false, u32(size), rest);
  }

  /** @param component  index of the member or parameter that is tagged; -1, the default: the type itself */
  addDeclTag(tag: string, of: TypeId, component = -1): TypeId {
    return this.#add(tag, Kind.declTag, 0, false, of, [component]);
  }

  /** The table as bytes: see {@link writeBtf}. Not checked. */
  bytes(): Uint8Array {
    return writeBtf({
      words: this.#words.subarray(0, this.#length),
      offsets: new Uint32Array(1),
      strings: this.#strings.bytes(),
      firstOwnId: 1,
      firstOwnString: this.#base?.strings.length ?? 0,
      littleEndian: this.#littleEndian,
    });
  }

  /**
   * The table, checked like any other.
   * @throws {MalformedError} `BTF_BAD_TYPE_ID` for a reference to an id that was never added.
   */
  build(): Btf {
    return parseBtf(this.bytes(), this.#base === undefined ? {} : { base: this.#base });
  }

  #addComposite(kind: Kind, name: string, size: number, members: readonly MemberSpec[]): TypeId {
    const bitfields = members.some((member) => (member.bitSize ?? 0) !== 0);
    const rest = members.flatMap(({ name: memberName = '', type, bitOffset = 0, bitSize = 0 }) => [
      this.#strings.add(memberName),
      type,
      bitfields
        ? (within(bitSize, MAX_BITFIELD_SIZE, 'bitfield width') << 24) |
          within(bitOffset, MAX_BITFIELD_OFFSET, 'bitfield offset')
        : u32(bitOffset),
    ]);
    return this.#add(name, kind, members.length, bitfields, u32(size), rest);
  }

  #add(name: string, kind: Kind, vlen: number, flag: boolean, sizeOrType: number, rest: readonly number[]): TypeId {
    within(vlen, MAX_VLEN, 'number of elements');
    const end = this.#length + 3 + rest.length;
    if (end > this.#words.length) {
      const grown = new Uint32Array(end * 2);
      grown.set(this.#words);
      this.#words = grown;
    }
    this.#words[this.#length] = this.#strings.add(name);
    this.#words[this.#length + 1] = (kind << 24) | vlen | (flag ? 1 << 31 : 0);
    this.#words[this.#length + 2] = sizeOrType;
    this.#words.set(rest, this.#length + 3);
    this.#length = end;
    return this.#count++ as TypeId;
  }
}

function within(value: number, max: number, what: string): number {
  if (Number.isInteger(value) && value >= 0 && value <= max) return value;
  throw new RangeError(`${what} ${value} is not an integer of 0 … ${max}`);
}

function u32(value: number): number {
  return within(value, 0xffffffff, 'number');
}

/** The value as an unsigned number of that width. */
function enumValue({ name, value }: EnumeratorSpec, bits: 32 | 64, signed: boolean): bigint {
  const exact = BigInt(value);
  if ((signed ? BigInt.asIntN(bits, exact) : BigInt.asUintN(bits, exact)) !== exact) {
    throw new RangeError(`enumerator ${name} = ${exact} does not fit ${signed ? 'signed' : 'unsigned'} ${bits} bits`);
  }
  return BigInt.asUintN(bits, exact);
}
