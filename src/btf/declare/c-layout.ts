/**
 * Where clang for bpf puts the members of a composite that is written out in C, so that the header can say `packed` and pad
 * where BTF's offsets ask for it. Unlike ../layout.ts, which answers as libbpf does, this answers as the compiler will.
 *
 * @see System V ABI, bit-fields; clang lib/AST/RecordLayoutBuilder.cpp
 */
import { MalformedError } from '../../core/errors.ts';
import { Kind } from '../kinds.ts';
import { signedWords } from '../signed-words.ts';
import type { Btf } from '../table.ts';

/** Typedefs, qualifiers and array dimensions between a member and its type. */
const MAX_CHAIN = 64;
const MAX_NESTING = 128;
/** `__int128` is the most aligned type there is. */
const MAX_ALIGN = 16;

/** How a composite has to be written. */
export const Shape = {
  /** As it is: the compiler puts every member where the BTF has it. */
  plain: 1,
  /** With padding between or behind the members. */
  padded: 2,
  /** With padding and `__attribute__((packed))`. */
  packed: 3,
} as const;
export type Shape = (typeof Shape)[keyof typeof Shape];

const UNKNOWN = 0;
const IN_PROGRESS = 255;

export function roundUp(value: number, to: number): number {
  const rest = value % to;
  return rest === 0 ? value : value + to - rest;
}

/** Where the next bit-field goes when `cursor` bits are taken and nothing is packed. All in bits. */
export function nextBitfield(cursor: number, width: number, typeBits: number, alignBits: number): number {
  return (cursor % alignBits) + width > typeBits ? roundUp(cursor, alignBits) : cursor;
}

export class CLayout {
  readonly #words: Int32Array;
  readonly #offsets: Uint32Array;
  /** Alignment in bytes by type. */
  readonly #align: Uint8Array;
  /** Size in bytes by type, valid where the alignment is known. */
  readonly #size: Float64Array;
  /** By composite, a {@link Shape}. */
  readonly #shape: Uint8Array;

  constructor(btf: Btf) {
    this.#words = signedWords(btf);
    this.#offsets = btf.offsets;
    this.#align = new Uint8Array(btf.count);
    this.#size = new Float64Array(btf.count);
    this.#shape = new Uint8Array(btf.count);
  }

  /** Size in **bytes** of a type; 0 for what has none. */
  sizeOf(id: number): number {
    if (this.#align[id] === UNKNOWN) this.#measure(id, 0);
    return this.#size[id]!;
  }

  /** Alignment in **bytes** that clang gives a type as we write it. */
  alignOf(id: number): number {
    if (this.#align[id] === UNKNOWN) this.#measure(id, 0);
    return this.#align[id]!;
  }

  /** How a struct or union has to be written. */
  shapeOf(id: number): Shape {
    if (this.#align[id] === UNKNOWN) this.#measure(id, 0);
    return this.#shape[id]! as Shape;
  }

  /** Finds out size and alignment of a type, and with it of all that it holds by value. */
  #measure(id: number, nesting: number): void {
    if (nesting > MAX_NESTING + MAX_CHAIN) throw tooDeep(id);
    const words = this.#words;
    const at = this.#offsets[id]!;
    let size = 0;
    let align = 1;
    switch (id === 0 ? Kind.void : (words[at + 1]! >>> 24) & 0x1f) {
      case Kind.ptr:
        size = 8;
        align = 8;
        break;
      case Kind.int:
      case Kind.float:
      case Kind.enum:
      case Kind.enum64:
        size = words[at + 2]! >>> 0;
        align = Math.min(MAX_ALIGN, Math.max(1, size));
        break;
      case Kind.typedef:
      case Kind.const:
      case Kind.volatile:
      case Kind.restrict:
      case Kind.typeTag: {
        const target = this.#measured(id, words[at + 2]!, nesting);
        size = this.#size[target]!;
        align = this.#align[target]!;
        break;
      }
      case Kind.array: {
        const element = this.#measured(id, words[at + 3]!, nesting);
        size = this.#size[element]! * (words[at + 5]! >>> 0);
        align = this.#align[element]!;
        break;
      }
      case Kind.struct:
      case Kind.union:
        this.#align[id] = IN_PROGRESS;
        size = words[at + 2]! >>> 0;
        align = this.#measureMembers(id, at, nesting);
        break;
      default:
        break;
    }
    this.#size[id] = size;
    this.#align[id] = align;
  }

  #measured(owner: number, id: number, nesting: number): number {
    if (this.#align[id] === UNKNOWN) this.#measure(id, nesting + 1);
    // Only a circle of values leads back to something unfinished.
    else if (this.#align[id] === IN_PROGRESS) throw tooDeep(owner);
    return id;
  }

  /** The alignment of a composite; its shape is noted. */
  #measureMembers(id: number, at: number, nesting: number): number {
    const words = this.#words;
    const aligns = this.#align;
    const info = words[at + 1]!;
    const bits = (words[at + 2]! >>> 0) * 8;
    const isUnion = ((info >>> 24) & 0x1f) === Kind.union;
    const hasBitfields = info < 0;
    const end = at + 3 + (info & 0xffff) * 3;
    let cursor = 0;
    let largest = 0;
    let max = 1;
    let shape: Shape = Shape.plain;
    for (let m = at + 3; m < end; m += 3) {
      const type = words[m + 1]!;
      if (aligns[type] === UNKNOWN || aligns[type] === IN_PROGRESS) this.#measured(id, type, nesting);
      const align = aligns[type]!;
      if (align > max) max = align;
      const place = words[m + 2]!;
      const width = hasBitfields ? place >>> 24 : 0;
      const offset = hasBitfields ? place & 0xffffff : place >>> 0;
      if (width === 0) {
        if (offset !== cursor || offset % (align * 8) !== 0) {
          if (offset < cursor || offset % (align * 8) !== 0) shape = Shape.packed;
          else if (shape === Shape.plain && roundUp(cursor, align * 8) !== offset) shape = Shape.padded;
        }
        cursor = offset + this.#size[type]! * 8;
      } else {
        const size = this.#size[type]! * 8;
        if (offset < cursor || nextBitfield(offset, width, size, align * 8) !== offset) shape = Shape.packed;
        else if (shape === Shape.plain && nextBitfield(cursor, width, size, align * 8) !== offset) shape = Shape.padded;
        cursor = offset + width;
      }
      if (cursor > largest) largest = cursor;
      if (isUnion) cursor = 0;
    }
    if (largest > bits || bits % (max * 8) !== 0) shape = Shape.packed;
    else if (shape === Shape.plain && roundUp(largest, max * 8) !== bits) shape = Shape.padded;
    this.#shape[id] = shape;
    return shape === Shape.packed ? 1 : max;
  }
}

function tooDeep(id: number): MalformedError {
  return new MalformedError('BTF_TOO_DEEP', `type ${id}: types are nested too deeply or in a circle`, {
    details: { typeId: id },
  });
}
