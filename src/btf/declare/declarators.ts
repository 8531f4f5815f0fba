/**
 * What stands around the name in a declaration of each type, as pieces of text: made once for a type out of those of the types that it is made
 * of, and shared with them where it is the same.
 *
 * The head stands before the name, the tail behind it. In a declarator around an anonymous type the head stands before the body of that, and
 * what stands between body and name is the neck.
 */
import { MalformedError } from '../../core/errors.ts';
import { Kind, type TypeId } from '../kinds.ts';
import { signedWords } from '../signed-words.ts';
import type { Btf } from '../table.ts';
import type { CNames } from './names.ts';
import { NOTHING, type Pieces } from './pieces.ts';
import { floatSpelling, intSpelling } from './scalars.ts';

const CONST = 1;
const VOLATILE = 2;
const RESTRICT = 4;
/** Declarators within each other. */
const MAX_NESTING = 128;
/** Characters of one declarator: function types that take functions can double with every level. */
const MAX_DECLARATOR = 1 << 16;
/** Items of a piece that are written at once. */
const MOST_ITEMS = 1 << 12;
const STAR = 0x2a;

/** It is a typedef that the compiler brings along: a member is of the type behind it. */
export const BUILTIN = -1;

export class Declarators {
  /** By type, 0 = not made yet. */
  readonly heads: Int32Array;
  /** By type that has one. */
  readonly necks: Int32Array;
  /** By type; {@link NOTHING} for most. */
  readonly tails: Int32Array;
  /** By type, not 0 when there is more to do than to write head, name and tail: {@link BUILTIN}, or the type of the body between head and neck. */
  readonly more: Int32Array;
  /** By type, the piece that stands before a missing name; 0 = not made yet. */
  readonly #bares: Int32Array;
  readonly #btf: Btf;
  readonly #words: Int32Array;
  readonly #offsets: Uint32Array;
  readonly #names: CNames;
  readonly #pieces: Pieces;
  readonly #literal: ReturnType<typeof literals>;
  /** What comes next in the piece in the making. */
  readonly #items = new Int32Array(MOST_ITEMS);
  #count = 0;
  #nesting = 0;

  constructor(btf: Btf, names: CNames, pieces: Pieces) {
    this.#btf = btf;
    this.#words = signedWords(btf);
    this.#offsets = btf.offsets;
    this.#names = names;
    this.#pieces = pieces;
    this.#literal = literals(pieces);
    this.heads = new Int32Array(btf.count);
    this.necks = new Int32Array(btf.count);
    this.tails = new Int32Array(btf.count);
    this.more = new Int32Array(btf.count);
    this.#bares = new Int32Array(btf.count);
  }

  /** The head of a type's declarator, which is made when it is not there yet. */
  headOf(type: number): number {
    return this.heads[type]! || this.#make(type as TypeId);
  }

  /** The piece before a name that is not there: neck or head without the space. The head must have been made. */
  bareOf(type: number): number {
    this.#bares[type] ||= this.#pieces.trimmed((this.more[type]! > 0 ? this.necks : this.heads)[type]!);
    return this.#bares[type]!;
  }

  #make(type: TypeId): number {
    if (++this.#nesting > MAX_NESTING) throw tooDeep(type);
    const words = this.#words;
    const at = this.#offsets[type]!;
    switch (this.#btf.kind(type)) {
      case Kind.ptr:
        this.#makePointer(type, words[at + 2]!, NOTHING);
        break;
      case Kind.funcProto:
        this.#makeFunction(type, type, NOTHING);
        break;
      case Kind.array:
        this.#share(type, words[at + 3]!);
        this.#addExtents(type, `[${words[at + 5]! >>> 0}]`);
        break;
      case Kind.const:
      case Kind.volatile:
      case Kind.restrict:
      case Kind.typeTag:
        this.#makeQualified(type);
        break;
      default:
        this.#makeBase(type, type, NOTHING, NOTHING);
        break;
    }
    this.#nesting--;
    return this.heads[type]!;
  }

  /** The declarator of a type is that of another one, to begin with. */
  #share(type: TypeId, other: number): void {
    this.heads[type] = this.headOf(other);
    this.necks[type] = this.necks[other]!;
    this.tails[type] = this.tails[other]!;
    this.more[type] = Math.max(0, this.more[other]!);
  }

  #addExtents(type: TypeId, extents: string): void {
    const tail = this.tails[type]!;
    const piece = this.#pieces.of(extents);
    if (tail === NOTHING) this.tails[type] = piece;
    else {
      this.#add(piece);
      this.#add(tail);
      this.tails[type] = this.#end(type);
    }
  }

  /** @param behind  the piece behind the star, for qualifiers */
  #makePointer(type: TypeId, target: number, behind: number): void {
    this.#share(type, target);
    const tail = this.tails[type]!;
    const isAroundBody = this.more[type]! > 0;
    const isTight = tail !== NOTHING && this.#bindsTighter(target as TypeId);
    const before = (isAroundBody ? this.necks : this.heads)[type]!;
    let piece = 0;
    if (behind === NOTHING && !isTight) piece = this.#checked(type, this.#pieces.extended(before, STAR));
    else {
      this.#add(before);
      this.#add(isTight ? this.#literal.tightStar : this.#literal.star);
      this.#add(behind);
      piece = this.#end(type);
    }
    if (isAroundBody) this.necks[type] = piece;
    else this.heads[type] = piece;
    if (!isTight) return;
    this.#add(this.#literal.close);
    this.#add(tail);
    this.tails[type] = this.#end(type);
  }

  /** @param behind  the piece behind what the function returns, for attributes */
  #makeFunction(type: TypeId, proto: TypeId, behind: number): void {
    // first, so that a function that takes itself has nothing to take yet
    this.#makeParams(proto);
    this.#share(type, this.#words[this.#offsets[proto]! + 2]!);
    if (behind !== NOTHING) {
      const pieces = this.more[type]! > 0 ? this.necks : this.heads;
      this.#add(pieces[type]!);
      this.#add(behind);
      pieces[type] = this.#end(type);
    }
    this.#addParams(proto);
    this.#add(this.tails[type]!);
    this.tails[type] = this.#end(type);
  }

  /** A type with qualifiers or attributes around it. */
  #makeQualified(type: TypeId): void {
    const words = this.#words;
    let qualifiers = 0;
    let typeTags = '';
    let extents = '';
    let id: TypeId = type;
    let kind = this.#btf.kind(id);
    for (let depth = 0; isAround(kind); depth++) {
      if (depth >= MAX_NESTING) throw tooDeep(type);
      const at = this.#offsets[id]!;
      if (kind === Kind.array) {
        qualifiers &= ~RESTRICT;
        extents += `[${words[at + 5]! >>> 0}]`;
        id = words[at + 3]! as TypeId;
      } else {
        if (kind === Kind.typeTag) typeTags = this.#typeTag(id) + typeTags;
        else qualifiers |= qualifierOf(kind);
        id = words[at + 2]! as TypeId;
      }
      kind = this.#btf.kind(id);
    }
    if (kind === Kind.ptr)
      this.#makePointer(type, words[this.#offsets[id]! + 2]!, this.#pieces.of(spellQualifiers(qualifiers) + typeTags));
    else if (kind === Kind.funcProto) this.#makeFunction(type, id, this.#pieces.of(typeTags));
    else {
      const before = this.#pieces.of(spellQualifiers(qualifiers & ~RESTRICT));
      this.#makeBase(type, id, before, this.#pieces.of(typeTags));
    }
    if (extents !== '') this.#addExtents(type, extents);
  }

  /** The declarator around the type that a declaration begins with: its name, or nothing for an anonymous type, which has a body there. */
  #makeBase(type: TypeId, id: TypeId, before: number, behind: number): void {
    const kind = this.#btf.kind(id);
    const isAnonymous = this.#btf.nameOff(id) === 0 && hasBody(kind);
    this.#add(before);
    if (isAnonymous) {
      this.heads[type] = this.#end(type);
      this.more[type] = id;
    } else this.#addName(id, kind);
    this.#add(this.#literal.space);
    this.#add(behind);
    (isAnonymous ? this.necks : this.heads)[type] = this.#end(type);
    if (kind === Kind.typedef && type === id && this.#names.builtinBehind(id) !== undefined) this.more[type] = BUILTIN;
  }

  #addName(id: TypeId, kind: Kind): void {
    switch (kind) {
      case Kind.struct:
      case Kind.union:
      case Kind.enum:
      case Kind.enum64:
        this.#addTag(id);
        break;
      case Kind.fwd:
        this.#addTag(this.#names.definitionOf(id) ?? id);
        break;
      case Kind.typedef:
        this.#addOwnName(id);
        break;
      case Kind.int:
        this.#add(this.#pieces.of(intSpelling(this.#btf, id).text));
        break;
      case Kind.float:
        this.#add(this.#pieces.of(floatSpelling(this.#btf.recordedSize(id))));
        break;
      default:
        this.#add(this.#literal.void);
        break;
    }
  }

  #addTag(id: TypeId): void {
    this.#add(this.keywordOf(id));
    this.#addOwnName(id);
  }

  #addOwnName(id: TypeId): void {
    this.#add(this.#words[this.#offsets[id]!]!);
    const suffix = this.#names.typeSuffix(id);
    if (suffix !== '') this.#add(this.#pieces.of(suffix));
  }

  /** `struct `, `union ` or `enum ` before the tag of a type. */
  keywordOf(id: TypeId): number {
    switch (this.#btf.kind(id)) {
      case Kind.struct:
        return this.#literal.struct;
      case Kind.union:
        return this.#literal.union;
      case Kind.fwd:
        return this.#btf.kindFlag(id) ? this.#literal.union : this.#literal.struct;
      default:
        return this.#literal.enum;
    }
  }

  /** A tag with the kind flag is an attribute of its own name, one without an argument of `btf_type_tag`. */
  #typeTag(id: TypeId): string {
    const name = this.#btf.name(id);
    if (!/^\w[\w ]*(\([\w ,]*\))?$/.test(name)) return '';
    return this.#btf.kindFlag(id) ? `__attribute__((${name})) ` : `__attribute__((btf_type_tag("${name}"))) `;
  }

  /** True when the pointer to that type needs parentheses: it is a function or an array. */
  #bindsTighter(id: TypeId): boolean {
    for (let depth = 0; depth < MAX_NESTING; depth++) {
      switch (this.#btf.kind(id)) {
        case Kind.array:
        case Kind.funcProto:
          return true;
        case Kind.const:
        case Kind.volatile:
        case Kind.restrict:
        case Kind.typeTag:
          id = this.#btf.ref(id);
          break;
        default:
          return false;
      }
    }
    return false;
  }

  /** The declarators of a function's parameters. */
  #makeParams(proto: TypeId): void {
    const words = this.#words;
    const at = this.#offsets[proto]! + 3;
    const end = at + (words[at - 2]! & 0xffff) * 2;
    for (let p = at; p < end; p += 2) {
      const type = words[p + 1]!;
      this.headOf(type);
      if (words[p] === 0) this.bareOf(type);
    }
  }

  #addParams(proto: TypeId): void {
    const words = this.#words;
    const literal = this.#literal;
    const at = this.#offsets[proto]! + 3;
    const end = at + (words[at - 2]! & 0xffff) * 2;
    this.#add(at === end ? literal.openVoid : literal.open);
    for (let p = at; p < end; p += 2) {
      const nameOff = words[p]!;
      const type = words[p + 1]!;
      if (type === 0 && nameOff === 0) {
        // C before C23 wants a parameter before the dots; an empty list says the same there.
        if (p > at) this.#add(literal.dots);
        break;
      }
      if (p > at) this.#add(literal.comma);
      if (this.more[type]! > 0) {
        // C has anonymous types in prototypes, but nothing can be passed for them: `void` stands in behind their pointers.
        this.#add(this.heads[type]!);
        this.#add(literal.void);
        this.#add(nameOff === 0 ? this.bareOf(type) : this.necks[type]!);
      } else this.#add(nameOff === 0 ? this.bareOf(type) : this.heads[type]!);
      this.#add(nameOff);
      this.#add(this.tails[type]!);
    }
    this.#add(literal.close);
  }

  /** @param item  a piece or the offset of a name; {@link NOTHING} is left out */
  #add(item: number): void {
    if (item === NOTHING) return;
    if (this.#count === MOST_ITEMS) {
      this.#pieces.extend(this.#items, this.#count);
      this.#count = 0;
    }
    this.#items[this.#count++] = item;
  }

  /** The piece in the making is complete. */
  #end(type: TypeId): number {
    const piece = this.#pieces.make(this.#items, this.#count);
    this.#count = 0;
    return this.#checked(type, piece);
  }

  #checked(type: TypeId, piece: number): number {
    if (this.#pieces.sizeOf(piece) <= MAX_DECLARATOR) return piece;
    throw new MalformedError('BTF_TOO_LARGE', `type ${type} makes a declaration of more than ${MAX_DECLARATOR} bytes`, {
      details: { typeId: type },
    });
  }
}

function literals(pieces: Pieces) {
  return {
    struct: pieces.of('struct '),
    union: pieces.of('union '),
    enum: pieces.of('enum '),
    void: pieces.of('void'),
    space: pieces.of(' '),
    star: pieces.of('*'),
    tightStar: pieces.of('(*'),
    open: pieces.of('('),
    openVoid: pieces.of('(void'),
    comma: pieces.of(', '),
    dots: pieces.of(', ...'),
    close: pieces.of(')'),
  };
}

/** True for what stands around a name and changes nothing but the spelling: arrays and modifiers. */
function isAround(kind: number): boolean {
  return kind === Kind.array || (kind >= Kind.volatile && kind <= Kind.restrict) || kind === Kind.typeTag;
}

/** True for what can be written out in the place of its name. */
function hasBody(kind: Kind): boolean {
  return kind === Kind.struct || kind === Kind.union || kind === Kind.enum || kind === Kind.enum64;
}

function qualifierOf(kind: number): number {
  if (kind === Kind.const) return CONST;
  return kind === Kind.volatile ? VOLATILE : RESTRICT;
}

function spellQualifiers(qualifiers: number): string {
  if (qualifiers === 0) return '';
  const isConst = (qualifiers & CONST) !== 0 ? 'const ' : '';
  const isVolatile = (qualifiers & VOLATILE) !== 0 ? 'volatile ' : '';
  return isConst + isVolatile + ((qualifiers & RESTRICT) !== 0 ? '__restrict ' : '');
}

function tooDeep(id: number): MalformedError {
  return new MalformedError('BTF_TOO_DEEP', `type ${id}: types are nested too deeply or in a circle`, {
    details: { typeId: id },
  });
}
