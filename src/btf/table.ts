/**
 * BTF as an index over its bytes: one array of 32-bit words in host byte order and one array with the place of each type.
 * Types are not turned into objects; accessors take a type id and read the words. Everything that an accessor relies on (kinds,
 * extents, name offsets, referenced ids) is checked once, while indexing, so that accessors need no checks of their own.
 *
 * Split BTF (a module's) is appended to a copy of its base, so that ids and string offsets work unchanged.
 *
 * @see Documentation/bpf/btf.rst; include/uapi/linux/btf.h
 */
import { ByteReader, stringReader } from '../core/bytes.ts';
import { MalformedError } from '../core/errors.ts';
import { checkTypes, placeTypes } from './check.ts';
import { Kind, type Linkage, type TypeId } from './kinds.ts';
import { Names } from './names.ts';
import type { Occurrences } from './occurrences.ts';
import { HEAD_WORDS } from './words.ts';

const MAGIC = 0xeb9f;
const MIN_HEADER_SIZE = 24;

/** The parts that make up a table: what the parser and the writer hand to {@link Btf}. */
export interface BtfParts {
  /** The type section in host byte order, base types first. */
  readonly words: Uint32Array;
  /** Word index of each type; entry 0 (`void`) is unused. */
  readonly offsets: Uint32Array;
  /** The string section, base strings first. */
  readonly strings: Uint8Array;
  /** Id of the first type that does not come from the base; 1 without a base. */
  readonly firstOwnId: number;
  /** Offset of the first string that does not come from the base; 0 without a base. */
  readonly firstOwnString: number;
  /** Byte order of the file that it was read from. */
  readonly littleEndian: boolean;
  /** Where names occur, when that was worked out before. */
  readonly occurrences?: Occurrences | undefined;
}

export class Btf implements BtfParts {
  readonly words: Uint32Array;
  readonly offsets: Uint32Array;
  readonly strings: Uint8Array;
  readonly firstOwnId: number;
  readonly firstOwnString: number;
  readonly littleEndian: boolean;
  readonly occurrences: Occurrences | undefined;
  readonly #stringAt: (offset: number) => string;
  readonly #names = new Names(this);

  /** Trusts its parts: use {@link parseBtf} for bytes from anywhere. */
  constructor(parts: BtfParts) {
    this.words = parts.words;
    this.offsets = parts.offsets;
    this.strings = parts.strings;
    this.firstOwnId = parts.firstOwnId;
    this.firstOwnString = parts.firstOwnString;
    this.littleEndian = parts.littleEndian;
    this.occurrences = parts.occurrences;
    this.#stringAt = stringReader(parts.strings, 'BTF', 'BTF_BAD_NAME');
  }

  /** Number of type ids, `void` included: valid ids are `0 … count-1`. */
  get count(): number {
    return this.offsets.length;
  }

  /** All ids of this table but `void`, ascending; base types come first. */
  *ids(from = 1): Generator<TypeId> {
    for (let id = from; id < this.offsets.length; id++) yield id as TypeId;
  }

  #info(id: number): number {
    return this.words[this.offsets[id]! + 1]!;
  }

  kind(id: TypeId): Kind {
    return id === 0 ? Kind.void : (((this.#info(id) >>> 24) & 0x1f) as Kind);
  }

  /** Number of members, values, parameters or variables. */
  vlen(id: TypeId): number {
    return id === 0 ? 0 : this.#info(id) & 0xffff;
  }

  /** Bit 31 of the info word: bitfields in a composite, a signed enum, a `union` forward declaration. */
  kindFlag(id: TypeId): boolean {
    return id !== 0 && this.#info(id) >>> 31 === 1;
  }

  /** Offset into the string section; 0 for types without a name. */
  nameOff(id: TypeId): number {
    return id === 0 ? 0 : this.words[this.offsets[id]!]!;
  }

  /** The type's name, `''` when it has none; decoded once. */
  name(id: TypeId): string {
    return this.string(this.nameOff(id));
  }

  /**
   * The string at an offset of the string section, decoded once.
   * @throws {MalformedError} `BTF_BAD_NAME` when the names asked for so far cannot be those of a real table: see `stringReader`.
   */
  string(offset: number): string {
    return offset === 0 ? '' : this.#stringAt(offset);
  }

  /** Size in **bytes** as recorded in int, float, enum, enum64, struct, union and datasec. */
  recordedSize(id: TypeId): number {
    return this.words[this.offsets[id]! + 2]!;
  }

  /** The type that a ptr, typedef, modifier, func, func proto (its result), var or decl tag refers to. */
  ref(id: TypeId): TypeId {
    return this.words[this.offsets[id]! + 2]! as TypeId;
  }

  /** Encoding of an int: see `IntEncoding`; plus the bit offset and width that only old compilers use. */
  int(id: TypeId): { readonly encoding: number; readonly bitOffset: number; readonly bits: number } {
    const word = this.words[this.offsets[id]! + HEAD_WORDS]!;
    return { encoding: (word >>> 24) & 0xf, bitOffset: (word >>> 16) & 0xff, bits: word & 0xff };
  }

  arrayElement(id: TypeId): TypeId {
    return this.words[this.offsets[id]! + HEAD_WORDS]! as TypeId;
  }

  arrayIndexType(id: TypeId): TypeId {
    return this.words[this.offsets[id]! + HEAD_WORDS + 1]! as TypeId;
  }

  /** Number of elements. */
  arrayLength(id: TypeId): number {
    return this.words[this.offsets[id]! + HEAD_WORDS + 2]!;
  }

  #member(id: TypeId, index: number): number {
    return this.offsets[id]! + HEAD_WORDS + index * 3;
  }

  /** Name of a member of a struct or union, `''` for an anonymous one. `index`: 0 … vlen-1. */
  memberName(id: TypeId, index: number): string {
    return this.string(this.words[this.#member(id, index)]!);
  }

  memberType(id: TypeId, index: number): TypeId {
    return this.words[this.#member(id, index) + 1]! as TypeId;
  }

  /**
   * Offset of a member inside its struct, in **bits** from its first byte. For a bitfield that is the offset of its least
   * significant bit on little endian, of its most significant on big endian, as the compiler wrote it.
   * @see `struct btf_member`; libbpf `btf_member_bit_offset()`
   */
  memberBitOffset(id: TypeId, index: number): number {
    const word = this.words[this.#member(id, index) + 2]!;
    return this.kindFlag(id) ? word & 0xffffff : word;
  }

  /** Width of a bitfield in **bits**; 0 for a member that is none. */
  memberBitSize(id: TypeId, index: number): number {
    return this.kindFlag(id) ? this.words[this.#member(id, index) + 2]! >>> 24 : 0;
  }

  /** Name of a value of an enum or enum64. */
  enumeratorName(id: TypeId, index: number): string {
    const step = this.kind(id) === Kind.enum ? 2 : 3;
    return this.string(this.words[this.offsets[id]! + HEAD_WORDS + index * step]!);
  }

  /** Value of an enumerator, signed where the kind flag says so. */
  enumeratorValue(id: TypeId, index: number): bigint {
    const at = this.offsets[id]! + HEAD_WORDS;
    const signed = this.kindFlag(id);
    if (this.kind(id) === Kind.enum) {
      const value = BigInt(this.words[at + index * 2 + 1]!);
      return signed ? BigInt.asIntN(32, value) : value;
    }
    const value = BigInt(this.words[at + index * 3 + 1]!) | (BigInt(this.words[at + index * 3 + 2]!) << 32n);
    return signed ? BigInt.asIntN(64, value) : value;
  }

  /** Name of a parameter of a func proto. A last parameter without name and of type 0 stands for `...`. */
  paramName(id: TypeId, index: number): string {
    return this.string(this.words[this.offsets[id]! + HEAD_WORDS + index * 2]!);
  }

  paramType(id: TypeId, index: number): TypeId {
    return this.words[this.offsets[id]! + HEAD_WORDS + index * 2 + 1]! as TypeId;
  }

  /** Linkage of a var or a func. */
  linkage(id: TypeId): Linkage {
    const word = this.kind(id) === Kind.func ? this.vlen(id) : this.words[this.offsets[id]! + HEAD_WORDS]!;
    return word as Linkage;
  }

  /** What a decl tag belongs to: -1 the type itself, else the index of a member or parameter. */
  declTagComponent(id: TypeId): number {
    return this.words[this.offsets[id]! + HEAD_WORDS]! | 0;
  }

  /** The type of an entry of a datasec: a var or, in `.ksyms`, a func. */
  secinfoType(id: TypeId, index: number): TypeId {
    return this.words[this.#member(id, index)]! as TypeId;
  }

  /** Offset of a datasec entry in its section, in bytes. */
  secinfoOffset(id: TypeId, index: number): number {
    return this.words[this.#member(id, index) + 1]!;
  }

  /** Size of a datasec entry, in bytes. */
  secinfoSize(id: TypeId, index: number): number {
    return this.words[this.#member(id, index) + 2]!;
  }

  /**
   * All ids of that name and of one of the kinds (any kind when none is given), ascending. The first calls search, the next builds an
   * index of the names of types, or of those of functions, variables and the like (both linear); later ones are O(matches).
   */
  named(name: string, ...kinds: Kind[]): TypeId[] {
    return this.#names.find(name, kinds);
  }

  /** The first id of that name and of one of the kinds (any kind when none is given). */
  find(name: string, ...kinds: Kind[]): TypeId | undefined {
    return this.named(name, ...kinds)[0];
  }
}

/** True when the bytes start like BTF, in either byte order. */
export function isBtf(bytes: Uint8Array): boolean {
  if (bytes.length < 4) return false;
  const magic = bytes[0]! | (bytes[1]! << 8);
  return (magic === MAGIC || magic === 0x9feb) && bytes[2] === 1;
}

export interface ParseBtfOptions {
  /** The table that a split BTF (a module's) continues. */
  readonly base?: Btf;
  /** Names the bytes in messages. Default `BTF`. */
  readonly what?: string;
}

/**
 * Checks and indexes BTF. Little-endian input on a little-endian machine is used in place when it is aligned, so the bytes must
 * not change afterwards. Cost is linear: about 5 ms for a kernel's 5 MB, three times that for the first
 * table of a process, before the engine has compiled the loops.
 * @throws {MalformedError} `BTF_*` for anything that breaks the format.
 */
export function parseBtf(bytes: Uint8Array, options: ParseBtfOptions = {}): Btf {
  const { base, what = 'BTF' } = options;
  if (!isBtf(bytes)) {
    throw new MalformedError(
      'BTF_BAD_MAGIC',
      bytes.length === 0 ? `${what}: empty` : `${what}: does not start with the BTF magic 0xeb9f and version 1`,
    );
  }
  const littleEndian = bytes[0] === (MAGIC & 0xff);
  const reader = new ByteReader(bytes, littleEndian, what, 'BTF_TRUNCATED');
  const headerSize = reader.u32(4);
  if (headerSize < MIN_HEADER_SIZE)
    throw new MalformedError(
      'BTF_BAD_HEADER',
      `${what}: header of ${headerSize} bytes, expected at least ${MIN_HEADER_SIZE}`,
    );
  reader.need(0, headerSize, 'header');
  const [typeOff, typeLen, strOff, strLen] = [reader.u32(8), reader.u32(12), reader.u32(16), reader.u32(20)];
  if (typeOff % 4 !== 0 || typeLen % 4 !== 0) {
    throw new MalformedError(
      'BTF_BAD_HEADER',
      `${what}: type section at ${typeOff}, ${typeLen} bytes, is not a multiple of 4`,
    );
  }
  const types = reader.slice(headerSize + typeOff, typeLen, 'type section');
  const ownStrings = reader.slice(headerSize + strOff, strLen, 'string section');
  if (strLen === 0 ? base === undefined : ownStrings[strLen - 1] !== 0 || (base === undefined && ownStrings[0] !== 0)) {
    const isSplit = base === undefined && strLen > 0 && ownStrings[strLen - 1] === 0;
    throw new MalformedError(
      'BTF_BAD_STRINGS',
      `${what}: the string section does not begin and end with a NUL byte`,
      isSplit
        ? { hint: 'split BTF, as of a kernel module, is read together with its base, the BTF of the kernel' }
        : {},
    );
  }

  const ownWords = hostWords(types, littleEndian);
  const words = base === undefined ? ownWords : concatWords(base.words, ownWords);
  const strings = base === undefined ? ownStrings : Buffer.concat([base.strings, ownStrings]);
  const offsets = checkTypes({ words, base, stringsLength: strings.length, what });
  return new Btf({
    words,
    offsets,
    strings,
    firstOwnId: base?.count ?? 1,
    firstOwnString: base?.strings.length ?? 0,
    littleEndian,
  });
}

/**
 * A table out of its two sections, little-endian and known to be good: what {@link parseBtf} checks is not checked, only the
 * places of the types are looked up, which is a third of the work.
 */
export function placeBtf(types: Uint8Array, strings: Uint8Array): BtfParts {
  const words = hostWords(types, true);
  const offsets = placeTypes(words, undefined, 'BTF');
  return { words, offsets, strings, firstOwnId: 1, firstOwnString: 0, littleEndian: true };
}

/** The type section as words in host order: in place where byte order and alignment allow. */
function hostWords(bytes: Uint8Array, littleEndian: boolean): Uint32Array {
  const hostIsLittle = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;
  if (littleEndian === hostIsLittle) {
    if (bytes.byteOffset % 4 === 0) return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    return new Uint32Array(new Uint8Array(bytes).buffer); // a copy: Buffer.slice would not be one
  }
  const swapped = Buffer.from(new Uint8Array(bytes).buffer).swap32();
  return new Uint32Array(swapped.buffer, swapped.byteOffset, bytes.length / 4);
}

function concatWords(first: Uint32Array, second: Uint32Array): Uint32Array {
  const all = new Uint32Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}
