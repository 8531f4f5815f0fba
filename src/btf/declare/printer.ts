/**
 * C declarations of single types: declarators of any depth, bodies of composites with the padding that their offsets ask
 * for, enums, typedefs, function prototypes. The order in which C accepts them is ./order.ts's.
 *
 * What C cannot spell (members that overlap) is left out with a comment; the size stays.
 */
import { MalformedError } from '../../core/errors.ts';
import { Kind, type TypeId } from '../kinds.ts';
import type { Btf } from '../table.ts';
import { CLayout, nextBitfield, roundUp } from './c-layout.ts';
import type { CNames } from './names.ts';
import { floatSpelling, intSpelling } from './scalars.ts';
import { CText } from './text.ts';

const CONST = 1;
const VOLATILE = 2;
const RESTRICT = 4;
/** Declarators and anonymous composites within each other. */
const MAX_NESTING = 128;
/** C text per byte of BTF is below 1 for every kernel. */
const MAX_TEXT_PER_BYTE = 64;
const MIN_TEXT_LIMIT = 1 << 20;
/** Longest padding, in bits, that is written as unnamed bit-fields. */
const MAX_BITFIELD_PADDING = 1024;
const PADDING_UNITS: readonly (readonly [number, string])[] = [
  [64, 'long'],
  [32, 'int'],
  [16, 'short'],
  [8, 'char'],
];

export class CPrinter {
  readonly text: CText;
  readonly names: CNames;
  readonly layout: CLayout;
  readonly #btf: Btf;
  readonly #scalars = new Map<number, string>();
  /** Anonymous enums whose enumerators are declared already. */
  readonly #declaredEnums = new Set<number>();
  #nesting = 0;

  constructor(btf: Btf, names: CNames) {
    this.#btf = btf;
    this.names = names;
    this.layout = new CLayout(btf);
    const bytes = btf.words.length * 4 + btf.strings.length;
    this.text = new CText(Math.max(MIN_TEXT_LIMIT, bytes * MAX_TEXT_PER_BYTE));
  }

  /** `struct NAME;` */
  forward(id: TypeId): void {
    this.#tag(id);
    this.text.add(';\n\n');
  }

  /** The definition of a struct or union that has a tag. */
  composite(id: TypeId): void {
    this.#tag(id);
    this.#body(id, 0);
    this.text.add(';\n\n');
  }

  /** The definition of an enum, with or without a tag. */
  enumeration(id: TypeId): void {
    const guarded = this.#isBooleanEnum(id);
    if (guarded) this.text.add(`${BOOL_IS_NO_KEYWORD}\n`);
    this.#enumeration(id, 0);
    this.text.add(guarded ? ';\n#endif\n\n' : ';\n\n');
  }

  /** True once the enumerators of an anonymous enum are declared, at top level or inside of a composite. */
  isEnumDeclared(id: TypeId): boolean {
    return this.#declaredEnums.has(id);
  }

  typedef(id: TypeId): void {
    const { text } = this;
    const guarded = this.#btf.name(id) === 'bool';
    if (guarded) text.add(`${BOOL_IS_NO_KEYWORD}\n`);
    text.add('typedef ');
    const ref = this.#btf.ref(id);
    this.#prefix(ref, 0, 0);
    this.#name(this.#btf.nameOff(id));
    text.add(this.names.typeSuffix(id));
    this.#suffix(ref);
    text.add(guarded ? ';\n#endif\n\n' : ';\n\n');
  }

  /** A typedef for an int whose recorded name C does not know. */
  intAlias(id: TypeId): void {
    const { text: spelling, alias } = intSpelling(this.#btf, id);
    if (alias !== undefined) this.text.add(`typedef ${spelling} ${alias};\n\n`);
  }

  /** The prototype of a kfunc as programs call it. */
  kfunc(id: TypeId): void {
    const proto = this.#btf.ref(id);
    this.text.add('extern ');
    this.#prefix(this.#btf.ref(proto), 0, 0);
    this.#name(this.#btf.nameOff(id));
    this.#suffix(proto);
    this.text.add(' __attribute__((weak, section(".ksyms")));\n');
  }

  /** A declaration of `name` as an object of that type, without the semicolon: `int (*name)(void)`. */
  declarator(id: TypeId, name: string): void {
    this.#prefix(id, 0, 0);
    this.text.add(name);
    if (name === '') this.text.trimSpace();
    this.#suffix(id);
  }

  #name(nameOff: number): void {
    this.text.name(this.#btf.strings, nameOff);
  }

  #tag(id: TypeId): void {
    this.text.add(this.#keyword(id));
    this.#name(this.#btf.nameOff(id));
    this.text.add(this.names.typeSuffix(id));
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
    if (++this.#nesting > MAX_NESTING)
      throw new MalformedError('BTF_TOO_DEEP', `type ${id}: types are nested too deeply or in a circle`, {
        details: { typeId: id },
      });
  }

  /** What stands before the name in a declaration, ready for the name to follow. */
  #prefix(id: TypeId, qualifiers: number, level: number): void {
    const btf = this.#btf;
    const { text } = this;
    this.#enter(id);
    const kind = btf.kind(id);
    switch (kind) {
      case Kind.ptr: {
        const target = btf.ref(id);
        this.#prefix(target, 0, level);
        text.add(this.#bindsTighter(target) ? '(*' : '*');
        if (qualifiers !== 0) this.#qualifiers(qualifiers);
        break;
      }
      case Kind.array:
        this.#prefix(btf.arrayElement(id), qualifiers & ~RESTRICT, level);
        break;
      case Kind.funcProto:
        this.#prefix(btf.ref(id), 0, level);
        break;
      case Kind.const:
        this.#prefix(btf.ref(id), qualifiers | CONST, level);
        break;
      case Kind.volatile:
        this.#prefix(btf.ref(id), qualifiers | VOLATILE, level);
        break;
      case Kind.restrict:
        this.#prefix(btf.ref(id), qualifiers | RESTRICT, level);
        break;
      case Kind.typeTag:
        this.#prefix(btf.ref(id), qualifiers, level);
        this.#typeTag(id);
        break;
      default:
        if ((qualifiers & ~RESTRICT) !== 0) this.#qualifiers(qualifiers & ~RESTRICT);
        this.#base(id, kind, level);
        text.add(' ');
        break;
    }
    this.#nesting--;
  }

  #base(id: TypeId, kind: number, level: number): void {
    const btf = this.#btf;
    switch (kind) {
      case Kind.struct:
      case Kind.union:
        if (btf.nameOff(id) !== 0) this.#tag(id);
        else {
          this.text.add(kind === Kind.struct ? 'struct' : 'union');
          this.#body(id, level);
        }
        break;
      case Kind.enum:
      case Kind.enum64:
        if (btf.nameOff(id) !== 0) this.#tag(id);
        else this.#enumeration(id, level);
        break;
      case Kind.fwd: {
        this.#tag(this.names.definitionOf(id) ?? id);
        break;
      }
      case Kind.typedef:
        this.#name(btf.nameOff(id));
        this.text.add(this.names.typeSuffix(id));
        break;
      case Kind.int:
      case Kind.float:
        this.text.add(this.#scalar(id, kind));
        break;
      default:
        this.text.add('void');
        break;
    }
  }

  #scalar(id: TypeId, kind: number): string {
    let spelling = this.#scalars.get(id);
    if (spelling === undefined) {
      spelling = kind === Kind.int ? intSpelling(this.#btf, id).text : floatSpelling(this.#btf.recordedSize(id));
      this.#scalars.set(id, spelling);
    }
    return spelling;
  }

  #qualifiers(qualifiers: number): void {
    if ((qualifiers & CONST) !== 0) this.text.add('const ');
    if ((qualifiers & VOLATILE) !== 0) this.text.add('volatile ');
    if ((qualifiers & RESTRICT) !== 0) this.text.add('__restrict ');
  }

  /** A tag with the kind flag is an attribute of its own name, one without an argument of `btf_type_tag`. */
  #typeTag(id: TypeId): void {
    const name = this.#btf.name(id);
    if (!/^[\w ]+(\([\w ,]*\))?$/.test(name)) return;
    this.text.add(this.#btf.kindFlag(id) ? `__attribute__((${name})) ` : `__attribute__((btf_type_tag("${name}"))) `);
  }

  /** True when the pointer to that type needs parentheses: it is a function or an array. */
  #bindsTighter(id: TypeId): boolean {
    const { words, offsets } = this.#btf;
    for (let at = id as number, depth = 0; at !== 0 && depth < MAX_NESTING; depth++) {
      const kind = (words[offsets[at]! + 1]! >>> 24) & 0x1f;
      if (kind === Kind.array || kind === Kind.funcProto) return true;
      if (kind !== Kind.const && kind !== Kind.volatile && kind !== Kind.restrict && kind !== Kind.typeTag)
        return false;
      at = words[offsets[at]! + 2]!;
    }
    return false;
  }

  /** What stands behind the name. */
  #suffix(id: TypeId): void {
    const btf = this.#btf;
    for (let depth = 0; depth < MAX_NESTING; depth++) {
      switch (btf.kind(id)) {
        case Kind.ptr:
          id = btf.ref(id);
          if (this.#bindsTighter(id)) this.text.add(')');
          break;
        case Kind.array:
          this.text.add(`[${btf.arrayLength(id)}]`);
          id = btf.arrayElement(id);
          break;
        case Kind.funcProto:
          this.#params(id);
          id = btf.ref(id);
          break;
        case Kind.const:
        case Kind.volatile:
        case Kind.restrict:
        case Kind.typeTag:
          id = btf.ref(id);
          break;
        default:
          return;
      }
    }
  }

  #params(id: TypeId): void {
    const btf = this.#btf;
    const { text } = this;
    const count = btf.vlen(id);
    text.add('(');
    if (count === 0) text.add('void');
    for (let i = 0; i < count; i++) {
      const type = btf.paramType(id, i);
      const name = btf.words[btf.offsets[id]! + 3 + i * 2]!;
      if (type === 0 && name === 0) {
        // C before C23 wants a parameter before the dots; an empty list says the same there.
        if (i > 0) text.add(', ...');
        break;
      }
      if (i > 0) text.add(', ');
      this.#enter(id);
      this.#prefix(type, 0, 0);
      if (name === 0) text.trimSpace();
      else this.#name(name);
      this.#suffix(type);
      this.#nesting--;
    }
    text.add(')');
  }

  #enumeration(id: TypeId, level: number): void {
    const { words, offsets } = this.#btf;
    const { text } = this;
    const at = offsets[id]!;
    const info = words[at + 1]!;
    const isWide = ((info >>> 24) & 0x1f) === Kind.enum64;
    const signed = info >>> 31 === 1;
    const vlen = info & 0xffff;
    const again = words[at] === 0 && this.#declaredEnums.has(id);
    this.#declaredEnums.add(id);
    text.add('enum ');
    if (words[at] !== 0) {
      this.#name(words[at]!);
      text.add(this.names.typeSuffix(id));
      text.add(' ');
    }
    text.add('{\n');
    for (let i = 0, m = at + 3; i < vlen; i++, m += isWide ? 3 : 2) {
      text.indent(level + 1);
      this.#name(words[m]!);
      text.add(again ? this.names.freshEnumeratorSuffix(m) : this.names.enumeratorSuffix(m));
      text.add(' = ');
      text.add(enumeratorValue(words[m + 1]!, isWide ? words[m + 2]! : undefined, signed));
      text.add(',\n');
    }
    // C has no empty enum, and an incomplete one cannot be a member.
    if (vlen === 0) text.add(`\t__empty_enum_${id} = 0,\n`);
    text.indent(level);
    text.add('}');
    text.add(this.#enumMode(id, vlen));
  }

  /** The attribute that gives an enum its size where its values alone would not. */
  #enumMode(id: TypeId, vlen: number): string {
    const size = this.#btf.recordedSize(id);
    if (size === 4) return '';
    if (size === 1) return ' __attribute__((mode(QI)))';
    if (size === 2) return ' __attribute__((mode(HI)))';
    for (let i = 0; i < vlen; i++) {
      const value = this.#btf.enumeratorValue(id, i);
      if (value > 0xffffffffn || value < -0x80000000n) return '';
    }
    return ' __attribute__((mode(DI)))';
  }

  #isBooleanEnum(id: TypeId): boolean {
    const vlen = this.#btf.vlen(id);
    if (vlen !== 2) return false;
    const name = this.#btf.enumeratorName(id, 0);
    return name === 'false' || name === 'true';
  }

  /** ` { members }` of a struct or union, with its attribute. */
  #body(id: TypeId, level: number): void {
    const { words, offsets } = this.#btf;
    const { text, layout } = this;
    this.#enter(id);
    const at = offsets[id]!;
    const info = words[at + 1]!;
    const isUnion = ((info >>> 24) & 0x1f) === Kind.union;
    const hasBitfields = info >>> 31 === 1;
    const totalBits = words[at + 2]! * 8;
    const packed = layout.isPacked(id);
    const end = at + 3 + (info & 0xffff) * 3;
    let cursor = 0;
    let largest = 0;
    let maxAlign = 1;
    text.add(' {\n');
    for (let m = at + 3; m < end; m += 3) {
      const type = words[m + 1]! as TypeId;
      const place = words[m + 2]!;
      const offset = hasBitfields ? place & 0xffffff : place;
      const width = hasBitfields ? place >>> 24 : 0;
      const align = packed ? 1 : layout.alignOf(type);
      const size = layout.sizeOf(type);
      if (align > maxAlign) maxAlign = align;
      if (isUnion) cursor = 0;
      if (offset < cursor || offset + (width || size * 8) > totalBits) {
        text.indent(level + 1);
        text.add('/* left out: ');
        this.#name(words[m]!);
        text.add(' */\n');
        continue;
      }
      let natural = cursor;
      if (width === 0) natural = roundUp(cursor, align * 8);
      else if (!packed) natural = nextBitfield(cursor, width, size * 8, align * 8);
      if (natural !== offset) this.#padding(cursor, offset, level + 1);
      this.#member(type, words[m]!, width, level + 1);
      cursor = offset + (width === 0 ? size * 8 : width);
      if (cursor > largest) largest = cursor;
    }
    if (roundUp(largest, maxAlign * 8) !== totalBits) {
      if (isUnion) this.#padArray(words[at + 2]!, level + 1);
      else this.#padding(largest, totalBits, level + 1);
    }
    text.indent(level);
    text.add(packed ? '} __attribute__((packed))' : '}');
    this.#nesting--;
  }

  #member(type: TypeId, nameOff: number, width: number, level: number): void {
    const { text } = this;
    text.indent(level);
    if (nameOff === 0) {
      this.#anonymousMember(type, level);
      return;
    }
    const builtin = this.names.builtinBehind(type);
    if (builtin !== undefined) type = this.#btf.ref(builtin);
    this.#prefix(type, 0, level);
    this.#name(nameOff);
    this.#suffix(type);
    if (width > 0) text.add(`: ${width}`);
    text.add(';\n');
  }

  /** Also one that has a tag (`-fms-extensions`), which is written as if it had none: same members, same offsets. */
  #anonymousMember(type: TypeId, level: number): void {
    const kind = this.#btf.kind(type);
    if (kind === Kind.struct || kind === Kind.union) {
      this.text.add(kind === Kind.struct ? 'struct' : 'union');
      this.#body(type, level);
    } else {
      this.#padArrayText(this.layout.sizeOf(type));
    }
    this.text.add(';\n');
  }

  /** Unnamed bit-fields from one bit to another: they have no name and do not raise the alignment. */
  #padding(from: number, to: number, level: number): void {
    if (to - roundUp(from, 8) > MAX_BITFIELD_PADDING) {
      const start = roundUp(from, 8);
      this.#padArray(Math.floor((to - start) / 8), level);
      from = start + Math.floor((to - start) / 8) * 8;
    }
    while (from < to) {
      const [bits, type] = PADDING_UNITS.find(([unit]) => from % unit === 0 && from + unit <= to) ?? [
        Math.min(8 - (from % 8), to - from),
        'char',
      ];
      this.text.indent(level);
      this.text.add(`${type}: ${bits};\n`);
      from += bits;
    }
  }

  #padArray(bytes: number, level: number): void {
    this.text.indent(level);
    this.#padArrayText(bytes);
    this.text.add(';\n');
  }

  #padArrayText(bytes: number): void {
    this.text.add(`unsigned char __pad_${this.text.length}[${bytes}]`);
  }
}

/** Before C23, and with a clang that does not know C23, unless <stdbool.h> came first. */
const BOOL_IS_NO_KEYWORD =
  '#if !defined(__bool_true_false_are_defined) && (__STDC_VERSION__ < 202000L || __clang_major__ < 15)';

function enumeratorValue(low: number, high: number | undefined, signed: boolean): string {
  if (high === undefined) return String(signed ? low | 0 : low);
  const value = BigInt(low) | (BigInt(high) << 32n);
  if (!signed) return `${value}ULL`;
  const number = BigInt.asIntN(64, value);
  // The most negative number has no literal of its own.
  return number === -(1n << 63n) ? '(-9223372036854775807LL - 1)' : `${number}LL`;
}
