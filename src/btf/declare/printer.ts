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
import { CIdentifiers } from './identifiers.ts';
import type { CNames } from './names.ts';
import type { TextOutput } from './output.ts';
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
const INDENT = Array.from({ length: MAX_NESTING + 2 }, (_, level) => '\t'.repeat(level));
/** Before C23, and with a clang that does not know C23, unless <stdbool.h> came first. */
const BOOL_IS_NO_KEYWORD =
  '#if !defined(__bool_true_false_are_defined) && (__STDC_VERSION__ < 202000L || __clang_major__ < 15)\n';

/** What stands before and behind the name in a declaration. */
interface Declarator {
  /** Ready for the name to follow. */
  readonly before: string;
  readonly behind: string;
}

export class CPrinter {
  readonly names: CNames;
  readonly #btf: Btf;
  readonly #words: Int32Array;
  readonly #output: TextOutput;
  readonly #identifiers: CIdentifiers;
  readonly #layout: CLayout;
  /** By type, an index into `#declarators`; 0 = not made yet. */
  readonly #declaratorIndex: Uint32Array;
  /** Two entries a type: before and behind the name. The first pair stands for none. */
  readonly #declarators: string[] = ['', ''];
  /** Anonymous enums whose enumerators are declared already. */
  readonly #declaredEnums = new Set<number>();
  #nesting = 0;
  #paddings = 0;

  /** @param typeCount  how many types are going to be written, roughly */
  constructor(btf: Btf, names: CNames, output: TextOutput, typeCount: number) {
    this.#btf = btf;
    this.names = names;
    this.#words = signedWords(btf);
    this.#output = output;
    this.#identifiers = new CIdentifiers(btf, typeCount);
    this.#layout = new CLayout(btf);
    this.#declaratorIndex = new Uint32Array(btf.count);
  }

  /** `struct NAME;` */
  forward(id: TypeId): void {
    this.#output.add(`${this.#tag(id)};\n\n`);
  }

  /** The definition of a struct or union that has a tag. */
  composite(id: TypeId): void {
    this.#output.add(this.#tag(id));
    this.#body(id, 0);
    this.#output.add(';\n\n');
  }

  /** The definition of an enum, with or without a tag. */
  enumeration(id: TypeId): void {
    const isGuarded = this.#isBooleanEnum(id);
    if (isGuarded) this.#output.add(BOOL_IS_NO_KEYWORD);
    this.#enumeration(id, 0);
    this.#output.add(isGuarded ? ';\n#endif\n\n' : ';\n\n');
  }

  /** True once the enumerators of an anonymous enum are declared, at top level or inside of a composite. */
  isEnumDeclared(id: TypeId): boolean {
    return this.#declaredEnums.has(id);
  }

  typedef(id: TypeId): void {
    const name = this.#identifiers.at(this.#btf.nameOff(id));
    const isGuarded = name === 'bool';
    this.#output.add(isGuarded ? `${BOOL_IS_NO_KEYWORD}typedef ` : 'typedef ');
    this.#declare(this.#btf.ref(id), name + this.names.typeSuffix(id), 0);
    this.#output.add(isGuarded ? ';\n#endif\n\n' : ';\n\n');
  }

  /** A typedef for an int whose recorded name C does not know; nothing for the others. */
  intAlias(id: TypeId): void {
    const { text, alias } = intSpelling(this.#btf, id);
    if (alias !== undefined) this.#output.add(`typedef ${text} ${alias};\n\n`);
  }

  /** The prototype of a kfunc as programs call it. */
  kfunc(id: TypeId): void {
    this.#output.add('extern ');
    this.#declare(this.#btf.ref(id), this.#identifiers.at(this.#btf.nameOff(id)), 0);
    this.#output.add(' __attribute__((weak, section(".ksyms")));\n');
  }

  /** A declaration of `name` as an object of that type, without the semicolon: `int (*name)(void)`. */
  object(id: TypeId, name: string): void {
    this.#declare(id, name, 0);
  }

  #tag(id: TypeId): string {
    return `${this.#keyword(id)}${this.#identifiers.at(this.#btf.nameOff(id))}${this.names.typeSuffix(id)}`;
  }

  #keyword(id: TypeId): string {
    switch (this.#btf.kind(id)) {
      case Kind.struct:
        return 'struct ';
      case Kind.union:
        return 'union ';
      case Kind.fwd:
        return this.#btf.kindFlag(id) ? 'union ' : 'struct ';
      default:
        return 'enum ';
    }
  }

  #enter(id: number): void {
    if (++this.#nesting > MAX_NESTING) throw tooDeep(id);
  }

  /** Writes a declaration; `name` may be empty. */
  #declare(type: TypeId, name: string, level: number): void {
    const { before, behind } = this.#openDeclarator(type, level);
    this.#output.add((name === '' ? before.trimEnd() : before) + name + behind);
  }

  /**
   * What goes around a name. For a type that is written out in place (an anonymous struct, union or enum, or an array of or
   * pointer to such) the body is written at once and what is left of the declaration returned.
   */
  #openDeclarator(type: TypeId, level: number): Declarator {
    const index = this.#declaratorIndex[type]!;
    if (index !== 0) return { before: this.#declarators[index]!, behind: this.#declarators[index + 1]! };
    const base = this.#inlineBase(type);
    if (base === undefined) {
      const made = this.#declaratorAt(type);
      return { before: this.#declarators[made]!, behind: this.#declarators[made + 1]! };
    }
    // `const struct {…} *name[3]`: the base comes first whatever is around it.
    const { before, behind } = this.#declaratorAround(type, '\0');
    const at = before.indexOf('\0');
    this.#output.add(before.slice(0, at));
    this.#inline(base, level);
    return { before: before.slice(at + 1), behind };
  }

  /** Index of the declarator of a type that begins with a name; made out of those of the types that it is made of. */
  #declaratorAt(type: TypeId): number {
    const known = this.#declaratorIndex[type]!;
    if (known !== 0) return known;
    this.#enter(type);
    const btf = this.#btf;
    const declarators = this.#declarators;
    let before: string;
    let behind = '';
    const kind = btf.kind(type);
    switch (kind) {
      case Kind.ptr: {
        const target = btf.ref(type);
        const inner = this.#declaratorAt(target);
        const isTight = this.#bindsTighter(target);
        before = declarators[inner]! + (isTight ? '(*' : '*');
        behind = isTight ? `)${declarators[inner + 1]}` : declarators[inner + 1]!;
        break;
      }
      case Kind.array: {
        const element = this.#declaratorAt(btf.arrayElement(type));
        before = declarators[element]!;
        behind = `[${btf.arrayLength(type)}]${declarators[element + 1]}`;
        break;
      }
      case Kind.funcProto: {
        const result = this.#declaratorAt(btf.ref(type));
        before = declarators[result]!;
        behind = this.#params(type) + declarators[result + 1];
        break;
      }
      case Kind.const:
      case Kind.volatile:
      case Kind.restrict:
      case Kind.typeTag:
        ({ before, behind } = this.#declaratorAround(type, ''));
        break;
      default:
        before = `${this.#base(type, kind, '')} `;
        break;
    }
    this.#checkLength(type, before.length + behind.length);
    this.#nesting--;
    // As a member such a type is written otherwise, see #member; so it has no entry to be found by.
    if (this.names.builtinBehind(type) === undefined) this.#declaratorIndex[type] = declarators.length;
    return declarators.push(before, behind) - 2;
  }

  /** The anonymous struct, union or enum that a declaration begins with; `undefined` when it begins with a name. */
  #inlineBase(type: TypeId): TypeId | undefined {
    const btf = this.#btf;
    for (let depth = 0; depth < MAX_NESTING; depth++) {
      switch (btf.kind(type)) {
        case Kind.ptr:
        case Kind.funcProto:
        case Kind.const:
        case Kind.volatile:
        case Kind.restrict:
        case Kind.typeTag:
          type = btf.ref(type);
          break;
        case Kind.array:
          type = btf.arrayElement(type);
          break;
        case Kind.struct:
        case Kind.union:
        case Kind.enum:
        case Kind.enum64:
          return btf.nameOff(type) === 0 ? type : undefined;
        default:
          return undefined;
      }
    }
    throw tooDeep(type);
  }

  #inline(base: TypeId, level: number): void {
    switch (this.#btf.kind(base)) {
      case Kind.struct:
        this.#output.add('struct');
        this.#body(base, level);
        break;
      case Kind.union:
        this.#output.add('union');
        this.#body(base, level);
        break;
      default:
        this.#enumeration(base, level);
        break;
    }
  }

  /** The declarator of any type, from scratch. `inline` is written in the place of an anonymous base. */
  #declaratorAround(type: TypeId, inline: string): Declarator {
    const before = this.#prefix(type, 0, inline);
    const behind = this.#suffix(type);
    this.#checkLength(type, before.length + behind.length);
    return { before, behind };
  }

  #checkLength(type: TypeId, length: number): void {
    if (length <= MAX_DECLARATOR) return;
    throw new MalformedError('BTF_TOO_LARGE', `type ${type} makes a declaration of more than ${MAX_DECLARATOR} bytes`, {
      details: { typeId: type },
    });
  }

  #prefix(id: TypeId, qualifiers: number, inline: string): string {
    const btf = this.#btf;
    this.#enter(id);
    let text: string;
    const kind = btf.kind(id);
    switch (kind) {
      case Kind.ptr: {
        const target = btf.ref(id);
        const star = this.#bindsTighter(target) ? '(*' : '*';
        text = this.#prefix(target, 0, inline) + star + spellQualifiers(qualifiers);
        break;
      }
      case Kind.array:
        text = this.#prefix(btf.arrayElement(id), qualifiers & ~RESTRICT, inline);
        break;
      case Kind.funcProto:
        text = this.#prefix(btf.ref(id), 0, inline);
        break;
      case Kind.const:
        text = this.#prefix(btf.ref(id), qualifiers | CONST, inline);
        break;
      case Kind.volatile:
        text = this.#prefix(btf.ref(id), qualifiers | VOLATILE, inline);
        break;
      case Kind.restrict:
        text = this.#prefix(btf.ref(id), qualifiers | RESTRICT, inline);
        break;
      case Kind.typeTag:
        text = this.#prefix(btf.ref(id), qualifiers, inline) + this.#typeTag(id);
        break;
      default:
        text = `${spellQualifiers(qualifiers & ~RESTRICT)}${this.#base(id, kind, inline)} `;
        break;
    }
    this.#nesting--;
    return text;
  }

  #base(id: TypeId, kind: number, inline: string): string {
    const btf = this.#btf;
    switch (kind) {
      case Kind.struct:
      case Kind.union:
      case Kind.enum:
      case Kind.enum64:
        return btf.nameOff(id) === 0 ? inline : this.#tag(id);
      case Kind.fwd:
        return this.#tag(this.names.definitionOf(id) ?? id);
      case Kind.typedef:
        return this.#identifiers.at(btf.nameOff(id)) + this.names.typeSuffix(id);
      case Kind.int:
        return intSpelling(btf, id).text;
      case Kind.float:
        return floatSpelling(btf.recordedSize(id));
      default:
        return 'void';
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

  /** What stands behind the name. */
  #suffix(id: TypeId): string {
    const btf = this.#btf;
    let text = '';
    for (let depth = 0; depth < MAX_NESTING; depth++) {
      switch (btf.kind(id)) {
        case Kind.ptr:
          id = btf.ref(id);
          if (this.#bindsTighter(id)) text += ')';
          break;
        case Kind.array:
          text += `[${btf.arrayLength(id)}]`;
          id = btf.arrayElement(id);
          break;
        case Kind.funcProto:
          text += this.#params(id);
          id = btf.ref(id);
          break;
        case Kind.const:
        case Kind.volatile:
        case Kind.restrict:
        case Kind.typeTag:
          id = btf.ref(id);
          break;
        default:
          return text;
      }
    }
    return text;
  }

  #params(id: TypeId): string {
    const words = this.#words;
    const at = this.#btf.offsets[id]! + 3;
    const end = at + this.#btf.vlen(id) * 2;
    if (at === end) return '(void)';
    this.#enter(id);
    let text = '(';
    for (let p = at; p < end; p += 2) {
      const name = words[p]!;
      const type = words[p + 1]! as TypeId;
      if (type === 0 && name === 0) {
        // C before C23 wants a parameter before the dots; an empty list says the same there.
        if (p > at) text += ', ...';
        break;
      }
      if (p > at) text += ', ';
      const { before, behind } = this.#param(type);
      text += (name === 0 ? before.trimEnd() : before + this.#identifiers.at(name)) + behind;
    }
    this.#nesting--;
    return `${text})`;
  }

  /** C has anonymous types in prototypes, but nothing can be passed for them: `void` stands in behind their pointers. */
  #param(type: TypeId): Declarator {
    return this.#inlineBase(type) === undefined ? this.#openDeclarator(type, 0) : this.#declaratorAround(type, 'void');
  }

  #enumeration(id: TypeId, level: number): void {
    const words = this.#words;
    const output = this.#output;
    const at = this.#btf.offsets[id]!;
    const info = words[at + 1]!;
    const isWide = ((info >>> 24) & 0x1f) === Kind.enum64;
    const step = isWide ? 3 : 2;
    const end = at + 3 + (info & 0xffff) * step;
    const again = words[at] === 0 && this.#declaredEnums.has(id);
    const indent = INDENT[level + 1]!;
    this.#declaredEnums.add(id);
    output.add(words[at] === 0 ? 'enum {\n' : `${this.#tag(id)} {\n`);
    for (let m = at + 3; m < end; m += step) {
      const suffix = again ? this.names.freshEnumeratorSuffix(m) : this.names.enumeratorSuffix(m);
      output.add(indent);
      output.add(this.#identifiers.at(words[m]!));
      if (suffix !== '') output.add(suffix);
      output.add(' = ');
      if (isWide) output.add(wideValue(words[m + 1]!, words[m + 2]!, info < 0));
      else output.add(String(info < 0 ? words[m + 1]! : words[m + 1]! >>> 0));
      output.add(',\n');
    }
    // C has no empty enum, and an incomplete one cannot be a member.
    if (end === at + 3) output.add(`${indent}__empty_enum_${id} = 0,\n`);
    output.add(`${INDENT[level]!}}${this.#enumMode(id)}`);
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
    this.#output.add(' {\n');
    if (shape === Shape.plain) this.#members(id, level + 1);
    else this.#paddedMembers(id, level + 1, shape);
    if (level > 0) this.#output.add(INDENT[level]!);
    this.#output.add(shape === Shape.packed ? '} __attribute__((packed))' : '}');
    this.#nesting--;
  }

  /** Members that lie where the compiler puts them. */
  #members(id: TypeId, level: number): void {
    const words = this.#words;
    const output = this.#output;
    const declarators = this.#declarators;
    const at = this.#btf.offsets[id]!;
    const info = words[at + 1]!;
    const end = at + 3 + (info & 0xffff) * 3;
    const indent = INDENT[level]!;
    for (let m = at + 3; m < end; m += 3) {
      const type = words[m + 1]! as TypeId;
      const index = this.#declaratorIndex[type]!;
      if (index === 0 || words[m] === 0 || info < 0) {
        this.#member(type, words[m]!, info < 0 ? words[m + 2]! >>> 24 : 0, level);
        continue;
      }
      output.add(indent);
      output.add(declarators[index]!);
      output.add(this.#identifiers.at(words[m]!));
      const behind = declarators[index + 1]!;
      if (behind !== '') output.add(behind);
      output.add(';\n');
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
        this.#output.add(`${INDENT[level]!}/* left out: ${this.#identifiers.at(words[m]!)} */\n`);
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
    const output = this.#output;
    output.add(INDENT[level]!);
    if (nameOff === 0) {
      this.#anonymousMember(type, level);
    } else {
      const builtin = this.names.builtinBehind(type);
      this.#declare(builtin === undefined ? type : this.#btf.ref(builtin), this.#identifiers.at(nameOff), level);
    }
    output.add(width > 0 ? `: ${width};\n` : ';\n');
  }

  /** Also one that has a tag (`-fms-extensions`), which is written as if it had none: same members, same offsets. */
  #anonymousMember(type: TypeId, level: number): void {
    const kind = this.#btf.kind(type);
    if (kind === Kind.struct || kind === Kind.union) this.#inline(type, level);
    else this.#output.add(this.#padName(this.#layout.sizeOf(type)));
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
      this.#output.add(`${INDENT[level]!}${type}: ${bits};\n`);
      from += bits;
    }
  }

  #padArray(bytes: number, level: number): void {
    this.#output.add(`${INDENT[level]!}${this.#padName(bytes)};\n`);
  }

  #padName(bytes: number): string {
    return `unsigned char __pad_${++this.#paddings}[${bytes}]`;
  }
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
