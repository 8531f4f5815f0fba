/**
 * C declarations of single types: bodies of composites with the padding that their offsets ask
 * for, enums, typedefs, function prototypes. The order in which C accepts them is ./order.ts's.
 *
 * What C cannot spell (members that overlap) is left out with a comment; the size stays.
 */
import { MalformedError } from '../../core/errors.ts';
import { Kind, type TypeId } from '../kinds.ts';
import { signedWords } from '../signed-words.ts';
import type { Btf } from '../table.ts';
import { CLayout, nextBitfield, roundUp, Shape } from './c-layout.ts';
import { Declarators } from './declarators.ts';
import type { CNames } from './names.ts';
import type { TextOutput } from './output.ts';
import { NOTHING, Pieces } from './pieces.ts';
import { intSpelling } from './scalars.ts';

/** Anonymous composites within each other. */
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
  '#if !defined(__bool_true_false_are_defined) && (__STDC_VERSION__ < 202000L || __clang_major__ < 15)\n';

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
  readonly #declarators: Declarators;
  /** What comes next in the output. */
  #script: Int32Array;
  #count = 0;
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
    this.#declarators = new Declarators(btf, names, this.#pieces);
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
    this.#put(this.#declarators.keywordOf(id));
    this.#put(this.#words[this.#offsets[id]!]!);
    const suffix = this.names.typeSuffix(id);
    if (suffix !== '') this.#put(this.#pieces.of(suffix));
  }

  /** Writes a declaration; the name may be empty. */
  #declare(type: TypeId, nameOff: number, suffix: string, level: number): void {
    const { necks, tails, more } = this.#declarators;
    const head = this.#declarators.headOf(type);
    const base = more[type]!;
    const isNameless = nameOff === 0 && suffix === '';
    if (base > 0) {
      // `const struct {…} *name[3]`: the base comes first whatever is around it.
      this.#put(head);
      this.#inline(base as TypeId, level);
      this.#put(isNameless ? this.#declarators.bareOf(type) : necks[type]!);
    } else this.#put(isNameless ? this.#declarators.bareOf(type) : head);
    if (nameOff !== 0) this.#put(nameOff);
    if (suffix !== '') this.#put(this.#pieces.of(suffix));
    if (tails[type] !== NOTHING) this.#put(tails[type]!);
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
    const { heads, tails, more } = this.#declarators;
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
      const head = heads[type]! || this.#declarators.headOf(type);
      if (more[type] !== 0) {
        this.#member(type, name, 0, level);
        continue;
      }
      if (this.#count > this.#script.length - MEMBER_SIZE) this.#makeRoom();
      const script = this.#script;
      const tail = tails[type]!;
      let count = this.#count;
      script[count++] = indent;
      script[count++] = head;
      script[count++] = name;
      if (tail !== NOTHING) script[count++] = tail;
      script[count++] = endOfMember;
      this.#count = count;
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
