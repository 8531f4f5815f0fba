/**
 * C declarations of single types: declarators of any depth, bodies of composites with the padding that their offsets ask
 * for, enums, typedefs, function prototypes. The order in which C accepts them is ./order.ts's.
 *
 * What C cannot spell (members that overlap) is left out with a comment; the size stays.
 */
import { MalformedError } from '../../core/errors.ts';
import { Kind, type TypeId } from '../kinds.ts';
import type { Btf } from '../table.ts';
import { CLayout, nextBitfield, roundUp, Shape } from './c-layout.ts';
import { CIdentifiers } from './identifiers.ts';
import type { CNames } from './names.ts';
import { floatSpelling, intSpelling } from './scalars.ts';
import { signedWords } from './signed-words.ts';

const CONST = 1;
const VOLATILE = 2;
const RESTRICT = 4;
/** Declarators and anonymous composites within each other. */
const MAX_NESTING = 128;
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
  '#if !defined(__bool_true_false_are_defined) && (__STDC_VERSION__ < 202000L || __clang_major__ < 15)';

export class CPrinter {
  readonly names: CNames;
  readonly #btf: Btf;
  readonly #words: Int32Array;
  readonly #identifiers: CIdentifiers;
  readonly #layout: CLayout;
  /** What stands before and behind the name of a member, by type; types that are written out in place have no entry. */
  readonly #before: (string | undefined)[];
  readonly #behind: (string | undefined)[];
  /** Anonymous enums whose enumerators are declared already. */
  readonly #declaredEnums = new Set<number>();
  readonly #maxText: number;
  #nesting = 0;
  #paddings = 0;
  /** Set while a piece is made that is not the same everywhere. */
  #isInline = false;

  /**
   * @param typeCount  how many types are going to be written, roughly
   * @param maxText  most characters of one definition
   */
  constructor(btf: Btf, names: CNames, typeCount: number, maxText: number) {
    this.#btf = btf;
    this.names = names;
    this.#words = signedWords(btf);
    this.#identifiers = new CIdentifiers(btf, typeCount);
    this.#layout = new CLayout(btf);
    this.#before = new Array(btf.count);
    this.#behind = new Array(btf.count);
    this.#maxText = maxText;
  }

  /** `struct NAME;` */
  forward(id: TypeId): string {
    return `${this.#tag(id)};\n\n`;
  }

  /** The definition of a struct or union that has a tag. */
  composite(id: TypeId): string {
    return `${this.#tag(id)}${this.#body(id, 0)};\n\n`;
  }

  /** The definition of an enum, with or without a tag. */
  enumeration(id: TypeId): string {
    const text = `${this.#enumeration(id, 0)};\n`;
    return this.#isBooleanEnum(id) ? `${BOOL_IS_NO_KEYWORD}\n${text}#endif\n\n` : `${text}\n`;
  }

  /** True once the enumerators of an anonymous enum are declared, at top level or inside of a composite. */
  isEnumDeclared(id: TypeId): boolean {
    return this.#declaredEnums.has(id);
  }

  typedef(id: TypeId): string {
    const ref = this.#btf.ref(id);
    const name = this.#identifiers.at(this.#btf.nameOff(id));
    const text = `typedef ${this.#prefix(ref, 0, 0)}${name}${this.names.typeSuffix(id)}${this.#suffix(ref)};\n`;
    return name === 'bool' ? `${BOOL_IS_NO_KEYWORD}\n${text}#endif\n\n` : `${text}\n`;
  }

  /** A typedef for an int whose recorded name C does not know; `''` for the others. */
  intAlias(id: TypeId): string {
    const { text, alias } = intSpelling(this.#btf, id);
    return alias === undefined ? '' : `typedef ${text} ${alias};\n\n`;
  }

  /** The prototype of a kfunc as programs call it. */
  kfunc(id: TypeId): string {
    const proto = this.#btf.ref(id);
    const name = this.#identifiers.at(this.#btf.nameOff(id));
    const prefix = this.#prefix(this.#btf.ref(proto), 0, 0);
    return `extern ${prefix}${name}${this.#suffix(proto)} __attribute__((weak, section(".ksyms")));\n`;
  }

  /** A declaration of `name` as an object of that type, without the semicolon: `int (*name)(void)`. */
  declarator(id: TypeId, name: string): string {
    const prefix = this.#prefix(id, 0, 0);
    return `${name === '' ? prefix.trimEnd() : prefix}${name}${this.#suffix(id)}`;
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
    if (++this.#nesting <= MAX_NESTING) return;
    throw new MalformedError('BTF_TOO_DEEP', `type ${id}: types are nested too deeply or in a circle`, {
      details: { typeId: id },
    });
  }

  /** What stands before the name in a declaration, ready for the name to follow. */
  #prefix(id: TypeId, qualifiers: number, level: number): string {
    const btf = this.#btf;
    this.#enter(id);
    let text: string;
    const kind = btf.kind(id);
    switch (kind) {
      case Kind.ptr: {
        const target = btf.ref(id);
        const star = this.#bindsTighter(target) ? '(*' : '*';
        text = this.#prefix(target, 0, level) + star + spellQualifiers(qualifiers);
        break;
      }
      case Kind.array:
        text = this.#prefix(btf.arrayElement(id), qualifiers & ~RESTRICT, level);
        break;
      case Kind.funcProto:
        text = this.#prefix(btf.ref(id), 0, level);
        break;
      case Kind.const:
        text = this.#prefix(btf.ref(id), qualifiers | CONST, level);
        break;
      case Kind.volatile:
        text = this.#prefix(btf.ref(id), qualifiers | VOLATILE, level);
        break;
      case Kind.restrict:
        text = this.#prefix(btf.ref(id), qualifiers | RESTRICT, level);
        break;
      case Kind.typeTag:
        text = this.#prefix(btf.ref(id), qualifiers, level) + this.#typeTag(id);
        break;
      default:
        text = `${spellQualifiers(qualifiers & ~RESTRICT)}${this.#base(id, kind, level)} `;
        break;
    }
    this.#nesting--;
    return text;
  }

  #base(id: TypeId, kind: number, level: number): string {
    const btf = this.#btf;
    switch (kind) {
      case Kind.struct:
      case Kind.union:
        if (btf.nameOff(id) !== 0) return this.#tag(id);
        this.#isInline = true;
        return (kind === Kind.struct ? 'struct' : 'union') + this.#body(id, level);
      case Kind.enum:
      case Kind.enum64:
        if (btf.nameOff(id) !== 0) return this.#tag(id);
        this.#isInline = true;
        return this.#enumeration(id, level);
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
      this.#enter(id);
      const prefix = this.#before[type] ?? this.#makeBefore(type, 0);
      text += name === 0 ? prefix.trimEnd() : prefix + this.#identifiers.at(name);
      text += this.#behind[type] ?? this.#makeBehind(type);
      this.#nesting--;
    }
    this.#checkLength(id, text);
    return `${text})`;
  }

  #checkLength(id: number, text: string): void {
    if (text.length <= this.#maxText) return;
    throw new MalformedError(
      'BTF_TOO_LARGE',
      `type ${id} makes more than ${this.#maxText} bytes of C: nested without end`,
      {
        details: { typeId: id },
      },
    );
  }

  #makeBefore(type: TypeId, level: number): string {
    const outer = this.#isInline;
    this.#isInline = false;
    const text = this.#prefix(type, 0, level);
    if (!this.#isInline) this.#before[type] = text;
    this.#isInline ||= outer;
    return text;
  }

  #makeBehind(type: TypeId): string {
    const outer = this.#isInline;
    this.#isInline = false;
    const text = this.#suffix(type);
    if (!this.#isInline) this.#behind[type] = text;
    this.#isInline ||= outer;
    return text;
  }

  #enumeration(id: TypeId, level: number): string {
    const words = this.#words;
    const at = this.#btf.offsets[id]!;
    const info = words[at + 1]!;
    const isWide = ((info >>> 24) & 0x1f) === Kind.enum64;
    const step = isWide ? 3 : 2;
    const end = at + 3 + (info & 0xffff) * step;
    const again = words[at] === 0 && this.#declaredEnums.has(id);
    const indent = '\t'.repeat(level + 1);
    this.#declaredEnums.add(id);
    let text = words[at] === 0 ? 'enum {\n' : `${this.#tag(id)} {\n`;
    for (let m = at + 3; m < end; m += step) {
      const suffix = again ? this.names.freshEnumeratorSuffix(m) : this.names.enumeratorSuffix(m);
      const value = isWide
        ? wideValue(words[m + 1]!, words[m + 2]!, info < 0)
        : String(info < 0 ? words[m + 1]! : words[m + 1]! >>> 0);
      text += `${indent + this.#identifiers.at(words[m]!)}${suffix} = ${value},\n`;
    }
    // C has no empty enum, and an incomplete one cannot be a member.
    if (end === at + 3) text += `${indent}__empty_enum_${id} = 0,\n`;
    return `${text + '\t'.repeat(level)}}${this.#enumMode(id)}`;
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
  #body(id: TypeId, level: number): string {
    this.#enter(id);
    const shape = this.#layout.shapeOf(id);
    const members = shape === Shape.plain ? this.#members(id, level + 1) : this.#paddedMembers(id, level + 1, shape);
    if (members.length > this.#maxText)
      throw new MalformedError(
        'BTF_TOO_LARGE',
        `type ${id} makes more than ${this.#maxText} bytes of C: nested without end`,
      );
    this.#nesting--;
    return ` {\n${members}${'\t'.repeat(level)}${shape === Shape.packed ? '} __attribute__((packed))' : '}'}`;
  }

  /** Members that lie where the compiler puts them. */
  #members(id: TypeId, level: number): string {
    const words = this.#words;
    const at = this.#btf.offsets[id]!;
    const info = words[at + 1]!;
    const end = at + 3 + (info & 0xffff) * 3;
    const indent = '\t'.repeat(level);
    let text = '';
    for (let m = at + 3; m < end; m += 3) {
      const type = words[m + 1]! as TypeId;
      const name = words[m]!;
      const before = this.#before[type];
      const behind = this.#behind[type];
      if (before === undefined || behind === undefined || name === 0 || info < 0)
        text += this.#member(type, name, info < 0 ? words[m + 2]! >>> 24 : 0, level);
      else text += `${indent + before + this.#identifiers.at(name) + behind};\n`;
    }
    return text;
  }

  /** Members with explicit padding wherever the BTF has it. */
  #paddedMembers(id: TypeId, level: number, shape: Shape): string {
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
    let text = '';
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
        text += `${'\t'.repeat(level)}/* left out: ${this.#identifiers.at(words[m]!)} */\n`;
        continue;
      }
      let natural = cursor;
      if (width === 0) natural = roundUp(cursor, align * 8);
      else if (!packed) natural = nextBitfield(cursor, width, bits, align * 8);
      if (natural !== offset) text += this.#padding(cursor, offset, level);
      text += this.#member(type, words[m]!, width, level);
      cursor = offset + (width === 0 ? bits : width);
      if (cursor > largest) largest = cursor;
    }
    if (roundUp(largest, maxAlign * 8) === totalBits) return text;
    return text + (isUnion ? this.#padArray(totalBits / 8, level) : this.#padding(largest, totalBits, level));
  }

  #member(type: TypeId, nameOff: number, width: number, level: number): string {
    const indent = '\t'.repeat(level);
    if (nameOff === 0) return `${indent}${this.#anonymousMember(type, level)};\n`;
    const builtin = this.names.builtinBehind(type);
    if (builtin !== undefined) type = this.#btf.ref(builtin);
    const prefix = this.#before[type] ?? this.#makeBefore(type, level);
    const suffix = this.#behind[type] ?? this.#makeBehind(type);
    return `${indent}${prefix}${this.#identifiers.at(nameOff)}${suffix}${width > 0 ? `: ${width}` : ''};\n`;
  }

  /** Also one that has a tag (`-fms-extensions`), which is written as if it had none: same members, same offsets. */
  #anonymousMember(type: TypeId, level: number): string {
    const kind = this.#btf.kind(type);
    if (kind === Kind.struct) return `struct${this.#body(type, level)}`;
    if (kind === Kind.union) return `union${this.#body(type, level)}`;
    return this.#padding8(this.#layout.sizeOf(type));
  }

  /** Unnamed bit-fields from one bit to another: they have no name and do not raise the alignment. */
  #padding(from: number, to: number, level: number): string {
    const indent = '\t'.repeat(level);
    let text = '';
    const start = roundUp(from, 8);
    const bytes = Math.floor((to - start) / 8);
    if (to - start > MAX_BITFIELD_PADDING) {
      text += this.#padArray(bytes, level);
      from = start + bytes * 8;
    }
    while (from < to) {
      const [bits, type] = PADDING_UNITS.find(([unit]) => from % unit === 0 && from + unit <= to) ?? [
        Math.min(8 - (from % 8), to - from),
        'char',
      ];
      text += `${indent}${type}: ${bits};\n`;
      from += bits;
    }
    return text;
  }

  #padArray(bytes: number, level: number): string {
    return `${'\t'.repeat(level)}${this.#padding8(bytes)};\n`;
  }

  #padding8(bytes: number): string {
    // Its name differs from header to header, so a piece that holds one is not kept.
    this.#isInline = true;
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
