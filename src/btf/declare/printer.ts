/**
 * C declarations of single types: declarators of any depth, bodies of composites with the padding that their offsets ask
 * for, enums, typedefs, function prototypes. The order in which C accepts them is ./order.ts's.
 *
 * What C cannot spell (members that overlap) is left out with a comment; the size stays.
 */
import { MalformedError } from '../../core/errors.ts';
import { Kind, type TypeId } from '../kinds.ts';
import { signedWords } from '../signed-words.ts';
import type { Btf } from '../table.ts';
import { CLayout, nextBitfield, roundUp, Shape } from './c-layout.ts';
import type { CNames } from './names.ts';
import type { TextOutput } from './output.ts';
import { Pieces } from './pieces.ts';
import { floatSpelling, intSpelling } from './scalars.ts';

const CONST = 1;
const VOLATILE = 2;
const RESTRICT = 4;
/** Declarators and anonymous composites within each other. */
const MAX_NESTING = 128;
/** Characters of one declarator: function types that take functions can double with every level. */
const MAX_DECLARATOR = 1 << 16;
/** Longest padding, in bits, that is written as unnamed bit-fields. */
const MAX_BITFIELD_PADDING = 1024;
const PADDING_UNITS: readonly (readonly [number, string])[] = [
  [64, 'long'],
  [32, 'int'],
  [16, 'short'],
  [8, 'char'],
];
/** Before C23, and with a clang that does not know C23, unless <stdbool.h> came first. */
const BOOL_IS_NO_KEYWORD =
  '#if !defined(__bool_true_false_are_defined) && (__STDC_VERSION__ < 202000L || __clang_major__ < 15)\n';

/**
 * A declarator is three pieces, one behind the other. The head stands before the name or, in a declarator around an anonymous type, before
 * the body of that. What stands between such a body and the name is the neck; */
const NECK = -1;
/** what stands behind the name is the tail. */
const TAIL = -2;
/** It is a typedef that the compiler brings along: a member is of the type behind it. */
const BUILTIN = -1;
/** Numbers that wait at most before they are turned into text: more than kernels need. */
const MOST_WAITING = 1 << 20;
const FEWEST_WAITING = 1 << 12;
const WAITING_PER_TYPE = 48;
/** What a member takes at most. */
const MEMBER_SIZE = 8;

export class CPrinter {
  readonly names: CNames;
  readonly #btf: Btf;
  readonly #words: Int32Array;
  readonly #offsets: Uint32Array;
  readonly #output: TextOutput;
  readonly #layout: CLayout;
  readonly #pieces: Pieces;
  /** What comes next in the output. */
  #script: Int32Array;
  #count = 0;
  /** The same for the piece in the making. */
  readonly #making = new Int32Array(FEWEST_WAITING);
  #madeCount = 0;
  /** By type, the head of its declarator; 0 = not made yet. */
  readonly #heads: Int32Array;
  /** By type, not 0 when there is more to do than to write the three: {@link BUILTIN}, or the type of the body between head and neck. */
  readonly #more: Int32Array;
  /** By type, the piece that stands before a missing name; 0 = not made yet. */
  readonly #bares: Int32Array;
  readonly #literal: ReturnType<typeof literals>;
  /** Tabs, by their number. */
  readonly #indents: number[];
  /** Anonymous enums whose enumerators are declared already. */
  readonly #declaredEnums = new Set<number>();
  #nesting = 0;
  #paddings = 0;

  /**
   * @param text  for the text of declarators
   * @param typeCount  how many types are going to be written, roughly
   */
  constructor(btf: Btf, names: CNames, output: TextOutput, text: TextOutput, typeCount: number) {
    this.#script = new Int32Array(Math.min(MOST_WAITING, FEWEST_WAITING + typeCount * WAITING_PER_TYPE));
    this.#btf = btf;
    this.names = names;
    this.#words = signedWords(btf);
    this.#offsets = btf.offsets;
    this.#output = output;
    this.#pieces = new Pieces(btf.strings, text);
    this.#layout = new CLayout(btf);
    this.#heads = new Int32Array(btf.count);
    this.#more = new Int32Array(btf.count);
    this.#bares = new Int32Array(btf.count);
    this.#literal = literals(this.#pieces);
    this.#indents = Array.from({ length: MAX_NESTING + 2 }, (_, level) => this.#pieces.once('\t'.repeat(level)));
  }

  /** Lines that are no declarations, ASCII. */
  add(text: string): void {
    this.#put(this.#pieces.once(text));
  }

  /** Writes what is still on its way to the output. */
  finish(): void {
    this.#pieces.write(this.#script, this.#count, this.#output);
    this.#count = 0;
  }

  #put(next: number): void {
    if (this.#count === this.#script.length) this.#makeRoom();
    this.#script[this.#count++] = next;
  }

  #makeRoom(): void {
    if (this.#script.length === MOST_WAITING) {
      this.finish();
      return;
    }
    const larger = new Int32Array(Math.min(MOST_WAITING, this.#script.length * 2));
    larger.set(this.#script);
    this.#script = larger;
  }

  /** `struct NAME;` */
  forward(id: TypeId): void {
    this.#putTag(id);
    this.#put(this.#literal.endOfDeclaration);
  }

  /** The definition of a struct or union that has a tag. */
  composite(id: TypeId): void {
    this.#putTag(id);
    this.#body(id, 0);
    this.#put(this.#literal.endOfDeclaration);
  }

  /** The definition of an enum, with or without a tag. */
  enumeration(id: TypeId): void {
    const isGuarded = this.#isBooleanEnum(id);
    if (isGuarded) this.add(BOOL_IS_NO_KEYWORD);
    this.#enumeration(id, 0);
    this.#put(isGuarded ? this.#literal.endOfGuarded : this.#literal.endOfDeclaration);
  }

  /** True once the enumerators of an anonymous enum are declared, at top level or inside of a composite. */
  isEnumDeclared(id: TypeId): boolean {
    return this.#declaredEnums.has(id);
  }

  typedef(id: TypeId): void {
    const nameOff = this.#btf.nameOff(id);
    const isGuarded = this.#isNamed(nameOff, 'bool');
    if (isGuarded) this.add(BOOL_IS_NO_KEYWORD);
    this.#put(this.#literal.typedef);
    this.#declare(this.#btf.ref(id), nameOff, this.names.typeSuffix(id), 0);
    this.#put(isGuarded ? this.#literal.endOfGuarded : this.#literal.endOfDeclaration);
  }

  #isNamed(nameOff: number, name: string): boolean {
    const { strings } = this.#btf;
    for (let i = 0; i < name.length; i++) if (strings[nameOff + i] !== name.charCodeAt(i)) return false;
    return strings[nameOff + name.length] === 0;
  }

  /** A typedef for an int whose recorded name C does not know; nothing for the others. */
  intAlias(id: TypeId): void {
    const { text, alias } = intSpelling(this.#btf, id);
    if (alias !== undefined) this.add(`typedef ${text} ${alias};\n\n`);
  }

  /** The prototype of a kfunc as programs call it. */
  kfunc(id: TypeId): void {
    this.#put(this.#literal.extern);
    this.#declare(this.#btf.ref(id), this.#btf.nameOff(id), '', 0);
    this.#put(this.#literal.endOfKfunc);
  }

  /** A declaration of an object of that type, without the semicolon, `int (*name)(void)`; `nameOff` may be 0. */
  object(id: TypeId, nameOff: number): void {
    this.#declare(id, nameOff, '', 0);
  }

  #enter(id: number): void {
    if (++this.#nesting > MAX_NESTING) throw tooDeep(id);
  }

  /** The keyword, the name and its suffix, with which a tag is written. */
  #putTag(id: TypeId): void {
    this.#put(this.#keyword(id));
    this.#put(this.#words[this.#offsets[id]!]!);
    const suffix = this.names.typeSuffix(id);
    if (suffix !== '') this.#put(this.#pieces.of(suffix));
  }

  #keyword(id: TypeId): number {
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

  /** Writes a declaration; the name may be empty. */
  #declare(type: TypeId, nameOff: number, suffix: string, level: number): void {
    const head = this.#heads[type]! || this.#makeDeclarator(type);
    const base = this.#more[type]!;
    const isNameless = nameOff === 0 && suffix === '';
    if (base > 0) {
      // `const struct {…} *name[3]`: the base comes first whatever is around it.
      this.#put(head);
      this.#inline(base as TypeId, level);
      this.#put(isNameless ? this.#bare(type) : head + NECK);
    } else this.#put(isNameless ? this.#bare(type) : head);
    if (nameOff !== 0) this.#put(nameOff);
    if (suffix !== '') this.#put(this.#pieces.of(suffix));
    this.#put(head + TAIL);
  }

  /** The piece before a name that is not there: neck or head without the space. */
  #bare(type: number): number {
    const head = this.#heads[type]!;
    this.#bares[type] ||= this.#pieces.trimmed(this.#more[type]! > 0 ? head + NECK : head);
    return this.#bares[type]!;
  }

  /** Makes the declarator of a type out of those of the types that it is made of. Gives its head. */
  #makeDeclarator(type: TypeId): number {
    this.#enter(type);
    const words = this.#words;
    const offsets = this.#offsets;
    const pieces = this.#pieces;
    const literal = this.#literal;
    let qualifiers = 0;
    let typeTags = '';
    let dimensions = '';
    let id: TypeId = type;
    let kind = this.#btf.kind(id);
    for (let depth = 0; isAround(kind); depth++) {
      if (depth >= MAX_NESTING) throw tooDeep(type);
      const at = offsets[id]!;
      if (kind === Kind.array) {
        qualifiers &= ~RESTRICT;
        dimensions += `[${words[at + 5]! >>> 0}]`;
        id = words[at + 3]! as TypeId;
      } else {
        if (kind === Kind.typeTag) typeTags = this.#typeTag(id) + typeTags;
        else qualifiers |= qualifierOf(kind);
        id = words[at + 2]! as TypeId;
      }
      kind = this.#btf.kind(id);
    }
    // Pieces come one after the other: those that this one is made of have to be there before it is begun.
    const isPointer = kind === Kind.ptr;
    const isFunction = kind === Kind.funcProto;
    let inner = 0;
    let more = 0;
    let isTight = false;
    if (isPointer || isFunction) {
      const target = words[offsets[id]! + 2]! as TypeId;
      inner = this.#heads[target]! || this.#makeDeclarator(target);
      more = Math.max(0, this.#more[target]!);
      if (isPointer) isTight = this.#bindsTighter(target);
      else this.#makeParams(id);
    }
    const spelled = spellQualifiers(isPointer ? qualifiers : isFunction ? 0 : qualifiers & ~RESTRICT);
    const before = spelled === '' ? 0 : pieces.of(spelled);
    const tags = typeTags === '' ? 0 : pieces.of(typeTags);
    const extents = dimensions === '' ? 0 : pieces.of(dimensions);
    if (inner !== 0) this.#make(inner);
    else {
      if (before !== 0) this.#make(before);
      more = this.#makeBase(id, kind);
    }
    let head = more > 0 ? this.#makeEnd(type) : 0;
    if (inner === 0) this.#make(literal.space);
    else {
      if (more > 0) this.#make(inner + NECK);
      if (isPointer) this.#make(isTight ? literal.tightStar : literal.star);
      if (before !== 0) this.#make(before);
    }
    if (tags !== 0) this.#make(tags);
    if (head === 0) head = this.#makeEnd(type);
    this.#makeEnd(type);
    if (extents !== 0) this.#make(extents);
    if (isTight) this.#make(literal.close);
    if (isFunction) this.#params(id);
    if (inner !== 0) this.#make(inner + TAIL);
    this.#makeEnd(type);
    this.#nesting--;
    this.#heads[type] = head;
    this.#more[type] = more === BUILTIN && type !== id ? 0 : more;
    return head;
  }

  #make(next: number): void {
    if (this.#madeCount === FEWEST_WAITING) {
      this.#pieces.extend(this.#making, this.#madeCount);
      this.#madeCount = 0;
    }
    this.#making[this.#madeCount++] = next;
  }

  /** The piece in the making is complete. */
  #makeEnd(type: TypeId): number {
    const piece = this.#pieces.make(this.#making, this.#madeCount);
    this.#madeCount = 0;
    if (this.#pieces.sizeOf(piece) <= MAX_DECLARATOR) return piece;
    throw new MalformedError('BTF_TOO_LARGE', `type ${type} makes a declaration of more than ${MAX_DECLARATOR} bytes`, {
      details: { typeId: type },
    });
  }

  /** The name that a declaration begins with; nothing for an anonymous type, which has a body there. Gives what to note as `more`. */
  #makeBase(id: TypeId, kind: Kind): number {
    const btf = this.#btf;
    const nameOff = btf.nameOff(id);
    switch (kind) {
      case Kind.struct:
      case Kind.union:
      case Kind.enum:
      case Kind.enum64:
        if (nameOff === 0) return id;
        this.#makeTag(id);
        return 0;
      case Kind.fwd:
        this.#makeTag(this.names.definitionOf(id) ?? id);
        return 0;
      case Kind.typedef:
        this.#makeName(id);
        return this.names.builtinBehind(id) === undefined ? 0 : BUILTIN;
      case Kind.int:
        this.#make(this.#pieces.of(intSpelling(btf, id).text));
        return 0;
      case Kind.float:
        this.#make(this.#pieces.of(floatSpelling(btf.recordedSize(id))));
        return 0;
      default:
        this.#make(this.#literal.void);
        return 0;
    }
  }

  #makeTag(id: TypeId): void {
    this.#make(this.#keyword(id));
    this.#makeName(id);
  }

  #makeName(id: TypeId): void {
    this.#make(this.#words[this.#offsets[id]!]!);
    const suffix = this.names.typeSuffix(id);
    if (suffix !== '') this.#make(this.#pieces.of(suffix));
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
  #makeParams(id: TypeId): void {
    const words = this.#words;
    const at = this.#offsets[id]! + 3;
    const end = at + (words[at - 2]! & 0xffff) * 2;
    for (let p = at; p < end; p += 2) {
      const type = words[p + 1]!;
      if (this.#heads[type] === 0) this.#makeDeclarator(type as TypeId);
      if (words[p] === 0) this.#bare(type);
    }
  }

  #params(id: TypeId): void {
    const words = this.#words;
    const literal = this.#literal;
    const at = this.#offsets[id]! + 3;
    const end = at + (words[at - 2]! & 0xffff) * 2;
    this.#make(at === end ? literal.openVoid : literal.open);
    for (let p = at; p < end; p += 2) {
      const nameOff = words[p]!;
      const type = words[p + 1]!;
      if (type === 0 && nameOff === 0) {
        // C before C23 wants a parameter before the dots; an empty list says the same there.
        if (p > at) this.#make(literal.dots);
        break;
      }
      const head = this.#heads[type]!;
      if (p > at) this.#make(literal.comma);
      if (this.#more[type]! > 0) {
        // C has anonymous types in prototypes, but nothing can be passed for them: `void` stands in behind their pointers.
        this.#make(head);
        this.#make(literal.void);
        this.#make(nameOff === 0 ? this.#bare(type) : head + NECK);
      } else this.#make(nameOff === 0 ? this.#bare(type) : head);
      if (nameOff !== 0) this.#make(nameOff);
      this.#make(head + TAIL);
    }
    this.#make(literal.close);
  }

  #inline(base: TypeId, level: number): void {
    switch (this.#btf.kind(base)) {
      case Kind.struct:
        this.#put(this.#literal.anonymousStruct);
        this.#body(base, level);
        break;
      case Kind.union:
        this.#put(this.#literal.anonymousUnion);
        this.#body(base, level);
        break;
      default:
        this.#enumeration(base, level);
        break;
    }
  }

  #enumeration(id: TypeId, level: number): void {
    const words = this.#words;
    const names = this.names;
    const { equals, endOfEnumerator } = this.#literal;
    const at = this.#offsets[id]!;
    const info = words[at + 1]!;
    const isWide = ((info >>> 24) & 0x1f) === Kind.enum64;
    const step = isWide ? 3 : 2;
    const end = at + 3 + (info & 0xffff) * step;
    const again = words[at] === 0 && this.#declaredEnums.has(id);
    const indent = this.#indents[level + 1]!;
    this.#declaredEnums.add(id);
    if (words[at] === 0) this.#put(this.#literal.anonymousEnum);
    else this.#putTag(id);
    this.#put(this.#literal.begin);
    for (let m = at + 3; m < end; m += step) {
      const suffix = again ? names.freshEnumeratorSuffix(m) : names.enumeratorSuffix(m);
      const behind = suffix === '' ? 0 : this.#pieces.of(suffix);
      const low = words[m + 1]!;
      const value = isWide
        ? this.#pieces.once(wideValue(low, words[m + 2]!, info < 0))
        : this.#pieces.ofNumber(info < 0 ? low : low >>> 0);
      if (this.#count > this.#script.length - MEMBER_SIZE) this.#makeRoom();
      const script = this.#script;
      let count = this.#count;
      script[count++] = indent;
      script[count++] = words[m]!;
      if (behind !== 0) script[count++] = behind;
      script[count++] = equals;
      script[count++] = value;
      script[count++] = endOfEnumerator;
      this.#count = count;
    }
    if (end === at + 3) {
      // C has no empty enum, and an incomplete one cannot be a member.
      this.#put(indent);
      this.add(`__empty_enum_${id} = 0,\n`);
    }
    this.#put(this.#indents[level]!);
    this.#put(this.#literal.end);
    const mode = this.#enumMode(id);
    if (mode !== '') this.#put(this.#pieces.of(mode));
  }

  /** The attribute that gives an enum its size where its values alone would not. */
  #enumMode(id: TypeId): string {
    const size = this.#btf.recordedSize(id);
    if (size === 4) return '';
    if (size === 1) return ' __attribute__((mode(QI)))';
    if (size === 2) return ' __attribute__((mode(HI)))';
    for (let i = 0; i < this.#btf.vlen(id); i++) {
      const value = this.#btf.enumeratorValue(id, i);
      if (value > 0xffffffffn || value < -0x80000000n) return '';
    }
    return ' __attribute__((mode(DI)))';
  }

  #isBooleanEnum(id: TypeId): boolean {
    if (this.#btf.vlen(id) !== 2 || this.#btf.nameOff(id) !== 0) return false;
    const name = this.#btf.enumeratorName(id, 0);
    return name === 'false' || name === 'true';
  }

  /** ` { members }` of a struct or union, with its attribute. */
  #body(id: TypeId, level: number): void {
    this.#enter(id);
    const shape = this.#layout.shapeOf(id);
    this.#put(this.#literal.begin);
    if (shape === Shape.plain) this.#members(id, level + 1);
    else this.#paddedMembers(id, level + 1, shape);
    if (level > 0) this.#put(this.#indents[level]!);
    this.#put(shape === Shape.packed ? this.#literal.endOfPacked : this.#literal.end);
    this.#nesting--;
  }

  /** Members that lie where the compiler puts them. */
  #members(id: TypeId, level: number): void {
    const words = this.#words;
    const heads = this.#heads;
    const more = this.#more;
    const { endOfMember } = this.#literal;
    const at = this.#offsets[id]!;
    const info = words[at + 1]!;
    const end = at + 3 + (info & 0xffff) * 3;
    const indent = this.#indents[level]!;
    for (let m = at + 3; m < end; m += 3) {
      const name = words[m]!;
      const type = words[m + 1]! as TypeId;
      if (name === 0 || info < 0) {
        this.#member(type, name, info < 0 ? words[m + 2]! >>> 24 : 0, level);
        continue;
      }
      const head = heads[type]! || this.#makeDeclarator(type);
      if (more[type] !== 0) {
        this.#member(type, name, 0, level);
        continue;
      }
      if (this.#count > this.#script.length - MEMBER_SIZE) this.#makeRoom();
      const script = this.#script;
      const count = this.#count;
      script[count] = indent;
      script[count + 1] = head;
      script[count + 2] = name;
      script[count + 3] = head + TAIL;
      script[count + 4] = endOfMember;
      this.#count = count + 5;
    }
  }

  /** Members with explicit padding wherever the BTF has it. */
  #paddedMembers(id: TypeId, level: number, shape: Shape): void {
    const words = this.#words;
    const layout = this.#layout;
    const at = this.#btf.offsets[id]!;
    const info = words[at + 1]!;
    const isUnion = ((info >>> 24) & 0x1f) === Kind.union;
    const packed = shape === Shape.packed;
    const totalBits = (words[at + 2]! >>> 0) * 8;
    const end = at + 3 + (info & 0xffff) * 3;
    let cursor = 0;
    let largest = 0;
    let maxAlign = 1;
    for (let m = at + 3; m < end; m += 3) {
      const type = words[m + 1]! as TypeId;
      const place = words[m + 2]!;
      const offset = info < 0 ? place & 0xffffff : place >>> 0;
      const width = info < 0 ? place >>> 24 : 0;
      const align = packed ? 1 : layout.alignOf(type);
      const bits = layout.sizeOf(type) * 8;
      if (align > maxAlign) maxAlign = align;
      if (isUnion) cursor = 0;
      if (offset < cursor || offset + (width || bits) > totalBits) {
        this.#put(this.#indents[level]!);
        this.add('/* left out: ');
        if (words[m] !== 0) this.#put(words[m]!);
        this.add(' */\n');
        continue;
      }
      let natural = cursor;
      if (width === 0) natural = roundUp(cursor, align * 8);
      else if (!packed) natural = nextBitfield(cursor, width, bits, align * 8);
      if (natural !== offset) this.#padding(cursor, offset, level);
      this.#member(type, words[m]!, width, level);
      cursor = offset + (width === 0 ? bits : width);
      if (cursor > largest) largest = cursor;
    }
    if (roundUp(largest, maxAlign * 8) === totalBits) return;
    if (isUnion) this.#padArray(totalBits / 8, level);
    else this.#padding(largest, totalBits, level);
  }

  #member(type: TypeId, nameOff: number, width: number, level: number): void {
    this.#put(this.#indents[level]!);
    if (nameOff === 0) {
      this.#anonymousMember(type, level);
    } else {
      const builtin = this.names.builtinBehind(type);
      this.#declare(builtin === undefined ? type : this.#btf.ref(builtin), nameOff, '', level);
    }
    if (width > 0) {
      this.#put(this.#literal.colon);
      this.#put(this.#pieces.ofNumber(width));
    }
    this.#put(this.#literal.endOfMember);
  }

  /** Also one that has a tag (`-fms-extensions`), which is written as if it had none: same members, same offsets. */
  #anonymousMember(type: TypeId, level: number): void {
    const kind = this.#btf.kind(type);
    if (kind === Kind.struct || kind === Kind.union) this.#inline(type, level);
    else this.add(this.#padName(this.#layout.sizeOf(type)));
  }

  /** Unnamed bit-fields from one bit to another: they have no name and do not raise the alignment. */
  #padding(from: number, to: number, level: number): void {
    const start = roundUp(from, 8);
    if (to - start > MAX_BITFIELD_PADDING) {
      const bytes = Math.floor((to - start) / 8);
      this.#padArray(bytes, level);
      from = start + bytes * 8;
    }
    while (from < to) {
      const [bits, type] = PADDING_UNITS.find(([unit]) => from % unit === 0 && from + unit <= to) ?? [
        Math.min(8 - (from % 8), to - from),
        'char',
      ];
      this.#put(this.#indents[level]!);
      this.#put(this.#pieces.of(`${type}: ${bits};\n`));
      from += bits;
    }
  }

  #padArray(bytes: number, level: number): void {
    this.#put(this.#indents[level]!);
    this.add(`${this.#padName(bytes)};\n`);
  }

  #padName(bytes: number): string {
    return `unsigned char __pad_${++this.#paddings}[${bytes}]`;
  }
}

/** The pieces that need no type. */
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
    begin: pieces.of(' {\n'),
    anonymousStruct: pieces.of('struct'),
    anonymousUnion: pieces.of('union'),
    anonymousEnum: pieces.of('enum'),
    equals: pieces.of(' = '),
    endOfEnumerator: pieces.of(',\n'),
    colon: pieces.of(': '),
    endOfMember: pieces.of(';\n'),
    end: pieces.of('}'),
    endOfPacked: pieces.of('} __attribute__((packed))'),
    endOfDeclaration: pieces.of(';\n\n'),
    endOfGuarded: pieces.of(';\n#endif\n\n'),
    typedef: pieces.of('typedef '),
    extern: pieces.of('extern '),
    endOfKfunc: pieces.of(' __attribute__((weak, section(".ksyms")));\n'),
  };
}

/** True for what stands around a name and changes nothing but the spelling: arrays and modifiers. */
function isAround(kind: number): boolean {
  return kind === Kind.array || (kind >= Kind.volatile && kind <= Kind.restrict) || kind === Kind.typeTag;
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

function wideValue(low: number, high: number, signed: boolean): string {
  const value = BigInt(low >>> 0) | (BigInt(high >>> 0) << 32n);
  if (!signed) return `${value}ULL`;
  const number = BigInt.asIntN(64, value);
  // The most negative number has no literal of its own.
  return number === -(1n << 63n) ? '(-9223372036854775807LL - 1)' : `${number}LL`;
}

function tooDeep(id: number): MalformedError {
  return new MalformedError('BTF_TOO_DEEP', `type ${id}: types are nested too deeply or in a circle`, {
    details: { typeId: id },
  });
}
