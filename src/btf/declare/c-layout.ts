/**
 * Where clang for bpf puts the members of a composite that is written out in C, so that the header can say `packed` and pad
 * where BTF's offsets ask for it. Unlike ../layout.ts, which answers as libbpf does, this answers as the compiler will.
 *
 * @see System V ABI, bit-fields; clang lib/AST/RecordLayoutBuilder.cpp
 */
import { MalformedError } from '../../core/errors.ts';
import { Kind, type TypeId } from '../kinds.ts';
import type { Btf } from '../table.ts';

/** Typedefs, qualifiers and array dimensions between a member and its type. */
const MAX_CHAIN = 64;
const MAX_NESTING = 128;
/** `__int128` is the most aligned type there is. */
const MAX_ALIGN = 16;

export function roundUp(value: number, to: number): number {
  const rest = value % to;
  return rest === 0 ? value : value + to - rest;
}

/** Where the next bit-field goes when `cursor` bits are taken and nothing is packed. All in bits. */
export function nextBitfield(cursor: number, width: number, typeBits: number, alignBits: number): number {
  return (cursor % alignBits) + width > typeBits ? roundUp(cursor, alignBits) : cursor;
}

export class CLayout {
  readonly #btf: Btf;
  /** Alignment in bytes by composite; 0 = not known yet, 255 = being found out. */
  readonly #align: Uint8Array;
  readonly #packed: Uint8Array;

  constructor(btf: Btf) {
    this.#btf = btf;
    this.#align = new Uint8Array(btf.count);
    this.#packed = new Uint8Array(btf.count);
  }

  /** Size in **bytes** of a type; 0 for what has none. */
  sizeOf(id: number): number {
    const { words, offsets } = this.#btf;
    let elements = 1;
    for (let depth = 0; depth < MAX_CHAIN; depth++) {
      if (id === 0) return 0;
      const at = offsets[id]!;
      switch ((words[at + 1]! >>> 24) & 0x1f) {
        case Kind.ptr:
          return elements * 8;
        case Kind.array:
          elements *= words[at + 5]!;
          id = words[at + 3]!;
          break;
        case Kind.typedef:
        case Kind.const:
        case Kind.volatile:
        case Kind.restrict:
        case Kind.typeTag:
          id = words[at + 2]!;
          break;
        case Kind.int:
        case Kind.float:
        case Kind.enum:
        case Kind.enum64:
        case Kind.struct:
        case Kind.union:
          return elements * words[at + 2]!;
        default:
          return 0;
      }
    }
    throw tooDeep(id);
  }

  /** Alignment in **bytes** that clang gives a type as we print it. */
  alignOf(id: number): number {
    return this.#alignAt(id, 0);
  }

  /** True for a composite that needs `__attribute__((packed))`. */
  isPacked(id: TypeId): boolean {
    if (this.#align[id] === 0) this.#settle(id, 0);
    return this.#packed[id] === 1;
  }

  #alignAt(id: number, nesting: number): number {
    const { words, offsets } = this.#btf;
    for (let depth = 0; depth < MAX_CHAIN; depth++) {
      if (id === 0) return 1;
      const at = offsets[id]!;
      switch ((words[at + 1]! >>> 24) & 0x1f) {
        case Kind.ptr:
          return 8;
        case Kind.array:
          id = words[at + 3]!;
          break;
        case Kind.typedef:
        case Kind.const:
        case Kind.volatile:
        case Kind.restrict:
        case Kind.typeTag:
          id = words[at + 2]!;
          break;
        case Kind.int:
        case Kind.float:
        case Kind.enum:
        case Kind.enum64:
          return Math.min(MAX_ALIGN, Math.max(1, words[at + 2]!));
        case Kind.struct:
        case Kind.union:
          if (this.#align[id] === 0) this.#settle(id, nesting + 1);
          return this.#align[id] === 255 ? 1 : this.#align[id]!;
        default:
          return 1;
      }
    }
    throw tooDeep(id);
  }

  #settle(id: number, nesting: number): void {
    if (nesting > MAX_NESTING) throw tooDeep(id);
    this.#align[id] = 255;
    const align = this.#naturalAlign(id, nesting);
    this.#packed[id] = align === 0 ? 1 : 0;
    this.#align[id] = align === 0 ? 1 : align;
  }

  /** The alignment of a composite whose members all lie where plain C, padded by us, puts them; 0 if it has to be packed. */
  #naturalAlign(id: number, nesting: number): number {
    const { words, offsets } = this.#btf;
    const at = offsets[id]!;
    const info = words[at + 1]!;
    const bits = words[at + 2]! * 8;
    const isUnion = ((info >>> 24) & 0x1f) === Kind.union;
    const hasBitfields = info >>> 31 === 1;
    const end = at + 3 + (info & 0xffff) * 3;
    let cursor = 0;
    let max = 1;
    let natural = true;
    for (let m = at + 3; m < end; m += 3) {
      const type = words[m + 1]!;
      const place = words[m + 2]!;
      const offset = hasBitfields ? place & 0xffffff : place;
      const width = hasBitfields ? place >>> 24 : 0;
      const align = this.#alignAt(type, nesting);
      const size = this.sizeOf(type);
      if (align > max) max = align;
      if (isUnion) cursor = 0;
      if (width > 0) {
        if (offset < cursor || nextBitfield(offset, width, size * 8, align * 8) !== offset) natural = false;
        cursor = offset + width;
      } else {
        if (offset % (align * 8) !== 0 || offset < cursor) natural = false;
        cursor = offset + size * 8;
      }
      if (cursor > bits) natural = false;
    }
    return natural && bits % (max * 8) === 0 ? max : 0;
  }
}

function tooDeep(id: number): MalformedError {
  return new MalformedError('BTF_TOO_DEEP', `type ${id}: types are nested too deeply or in a circle`, {
    details: { typeId: id },
  });
}
