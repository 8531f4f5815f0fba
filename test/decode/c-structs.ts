/**
 * Random C structs: every shape that the C compilers and BTF know, as a tree that can be printed as C, walked for its leaf members, and
 * initialised with values that the test knows. Knows nothing of offsets: those are the compiler's.
 */
import type { Random } from './random.ts';

export type CType =
  | { readonly kind: 'int'; readonly c: string; readonly bits: number; readonly signed: boolean }
  | { readonly kind: 'bool' }
  | { readonly kind: 'float'; readonly c: 'float' | 'double' }
  | { readonly kind: 'pointer'; readonly declare: (name: string) => string }
  | { readonly kind: 'enum'; readonly c: string; readonly values: readonly bigint[] }
  | { readonly kind: 'chars'; readonly length: number }
  | { readonly kind: 'array'; readonly element: CType; readonly length: number }
  | { readonly kind: 'composite'; readonly composite: Composite };

export interface CMember {
  /** Empty for an anonymous struct or union, or for padding bits. */
  readonly name: string;
  readonly type: CType;
  readonly bitWidth?: number;
  readonly align?: number;
  /** A flexible array of that type. */
  readonly flexible?: true;
}

export interface Composite {
  /** How the type is used: `struct s1`, `t2`; empty when its body stands where it is used. */
  readonly use: string;
  readonly union: boolean;
  readonly packed: boolean;
  readonly members: readonly CMember[];
}

const INTS = [
  ['char', 8, true],
  ['signed char', 8, true],
  ['unsigned char', 8, false],
  ['short', 16, true],
  ['unsigned short', 16, false],
  ['int', 32, true],
  ['unsigned int', 32, false],
  ['long', 64, true],
  ['unsigned long', 64, false],
  ['long long', 64, true],
  ['unsigned long long', 64, false],
  ['__int128', 128, true],
  ['unsigned __int128', 128, false],
  ['my_u16', 16, false],
  ['my_s64', 64, true],
] as const;

/** Names that mean something in JavaScript and nothing in C. */
const AWKWARD = [
  'constructor',
  '__proto__',
  'class',
  'toString',
  'valueOf',
  'new',
  'function',
  'await',
  'hasOwnProperty',
];
const POINTERS: readonly ((name: string) => string)[] = [
  (name) => `void *${name}`,
  (name) => `int (*${name})(void *, int)`,
  (name) => `struct nowhere *${name}`,
  (name) => `const char *const ${name}`,
  (name) => `int (*${name})[4]`,
];

/** What stands before the structs: typedefs and enums. */
export const PREAMBLE = `typedef unsigned short my_u16;
typedef long my_s64;
struct nowhere;
enum small { SMALL_A, SMALL_B = 5, SMALL_C = 100 };
enum negative { NEG_A = -3, NEG_B = 4, NEG_C = 1000000 };
enum packed_enum { PACKED_A = 1, PACKED_B = 200 } __attribute__((packed));
enum wide { WIDE_A = 1, WIDE_B = 0x123456789abcULL };
enum wide_negative { WIDE_NEG_A = -0x123456789abcLL, WIDE_NEG_B = 7 };
`;
const ENUMS: readonly Extract<CType, { kind: 'enum' }>[] = [
  { kind: 'enum', c: 'enum small', values: [0n, 5n, 100n] },
  { kind: 'enum', c: 'enum negative', values: [-3n, 4n, 1000000n] },
  { kind: 'enum', c: 'enum packed_enum', values: [1n, 200n] },
  { kind: 'enum', c: 'enum wide', values: [1n, 0x123456789abcn] },
  { kind: 'enum', c: 'enum wide_negative', values: [-0x123456789abcn, 7n] },
];

export class StructMaker {
  readonly #random: Random;
  readonly #made: Composite[] = [];
  #names = 0;
  #text = '';

  constructor(random: Random) {
    this.#random = random;
  }

  /** The definitions of all structs made so far. */
  get text(): string {
    return PREAMBLE + this.#text;
  }

  /** A named struct or a typedef of an anonymous one, defined in {@link text}. */
  make(index: number): Composite {
    const random = this.#random;
    const union = random.chance(10);
    const packed = random.chance(20);
    const asTypedef = random.chance(15);
    const tag = `${union ? 'union' : 'struct'} s${index}${random.chance(10) ? '___flavour' : ''}`;
    const use = asTypedef ? `t${index}` : tag;
    const members = this.#members(3, !union && random.chance(15), new Set());
    const composite: Composite = { use, union, packed, members };
    const body = bodyOf(composite, '');
    const align = random.chance(10) ? ` __attribute__((aligned(${random.pick([16, 32, 64])})))` : '';
    this.#text += asTypedef
      ? `typedef ${union ? 'union' : 'struct'} ${body}${align} ${use};\n`
      : `${tag} ${body}${align};\n`;
    // A struct with a flexible array cannot be a member.
    if (!members.some((member) => member.flexible)) this.#made.push(composite);
    return composite;
  }

  #name(taken: Set<string>): string {
    if (this.#random.chance(8)) {
      const name = this.#random.pick(AWKWARD);
      if (!taken.has(name)) {
        taken.add(name);
        return name;
      }
    }
    return `m${this.#names++}`;
  }

  #members(depth: number, flexible: boolean, taken: Set<string>): CMember[] {
    const random = this.#random;
    // A flexible array cannot be the only member that has a name.
    const members: CMember[] = flexible ? [{ name: this.#name(taken), type: this.#int() }] : [];
    const count = 1 + random.below(7);
    for (let i = 0; i < count; i++) {
      if (random.chance(30)) {
        members.push(...this.#bitfields(taken));
        continue;
      }
      const type = this.#type(depth, taken);
      const anonymous = type.kind === 'composite' && type.composite.use === '' && random.chance(60);
      // Names in a named struct of its own do not clash with those around it.
      const name = anonymous ? '' : this.#name(taken);
      members.push({ name, type, ...(random.chance(6) ? { align: random.pick([8, 16]) } : {}) });
    }
    if (flexible) {
      const type: CType = random.pick([
        { kind: 'int', c: 'unsigned int', bits: 32, signed: false } as const,
        { kind: 'chars', length: 0 } as const,
        { kind: 'array', element: { kind: 'int', c: 'short', bits: 16, signed: true }, length: 2 } as const,
        ...this.#made.slice(-2).map((composite) => ({ kind: 'composite', composite }) as const),
      ]);
      members.push({ name: this.#name(taken), type, flexible: true });
    }
    return members;
  }

  #bitfields(taken: Set<string>): CMember[] {
    const random = this.#random;
    const members: CMember[] = [];
    for (let i = random.below(4); i >= 0; i--) {
      if (random.chance(8)) {
        members.push({ name: '', type: { kind: 'int', c: 'int', bits: 32, signed: true }, bitWidth: random.below(8) });
        continue;
      }
      const type = random.chance(15)
        ? random.pick(ENUMS)
        : random.chance(15)
          ? ({ kind: 'bool' } as const)
          : this.#int(64);
      // Wide enough for every value of an enum.
      const widest = type.kind === 'int' ? type.bits : 1;
      const bitWidth = type.kind === 'enum' ? widthOf(type) : 1 + random.below(widest);
      members.push({ name: this.#name(taken), type, bitWidth });
    }
    return members;
  }

  #int(most = 128): Extract<CType, { kind: 'int' }> {
    const [c, bits, signed] = this.#random.pick(INTS.filter(([, size]) => size <= most));
    return { kind: 'int', c, bits, signed };
  }

  #type(depth: number, taken: Set<string>): CType {
    const random = this.#random;
    const roll = random.below(100);
    if (roll < 35) return this.#int();
    if (roll < 41) return { kind: 'bool' };
    if (roll < 49) return { kind: 'float', c: random.pick(['float', 'double'] as const) };
    if (roll < 55) return { kind: 'pointer', declare: random.pick(POINTERS) };
    if (roll < 62) return random.pick(ENUMS);
    if (roll < 72) return { kind: 'chars', length: random.pick([1, 3, 4, 7, 15, 16, 17, 32, 40]) };
    if (roll < 84 && depth > 0) {
      const element = this.#type(depth - 1, new Set(taken));
      const length = 1 + random.below(random.chance(10) ? 40 : 5);
      return isChar(element) ? { kind: 'chars', length } : { kind: 'array', element, length };
    }
    if (roll < 92 && this.#made.length > 0) return { kind: 'composite', composite: random.pick(this.#made.slice(-40)) };
    if (depth > 0) {
      const members = this.#members(depth - 1, false, taken);
      return {
        kind: 'composite',
        composite: { use: '', union: random.chance(40), packed: random.chance(10), members },
      };
    }
    return this.#int();
  }
}

function isChar(type: CType): boolean {
  return type.kind === 'int' && type.c === 'char';
}

/** Bits that every value of an enum fits, its sign included. */
function widthOf(type: Extract<CType, { kind: 'enum' }>): number {
  const signed = type.values.some((value) => value < 0n);
  const widest = Math.max(...type.values.map((value) => (value < 0n ? -value : value).toString(2).length));
  return Math.max(1, widest + (signed ? 1 : 0));
}

function declare(type: CType, name: string, indent: string): string {
  switch (type.kind) {
    case 'int':
    case 'float':
      return `${type.c} ${name}`;
    case 'enum':
      return `${type.c} ${name}`;
    case 'bool':
      return `_Bool ${name}`;
    case 'pointer':
      return type.declare(name);
    case 'chars':
      return `char ${name}[${type.length === 0 ? '' : type.length}]`;
    case 'array':
      return declare(type.element, `${name}[${type.length}]`, indent);
    default: {
      const { composite } = type;
      return `${composite.use === '' ? `${composite.union ? 'union' : 'struct'} ${bodyOf(composite, indent)}` : composite.use} ${name}`;
    }
  }
}

function bodyOf(composite: Composite, indent: string): string {
  const inner = `${indent}\t`;
  const lines = composite.members.map((member) => {
    const bits = member.bitWidth === undefined ? '' : `:${member.bitWidth}`;
    const align = member.align === undefined ? '' : ` __attribute__((aligned(${member.align})))`;
    const open = member.flexible && member.type.kind !== 'chars' ? '[]' : '';
    return `${inner}${declare(member.type, member.name + open, inner)}${bits}${align};\n`;
  });
  return `{\n${lines.join('')}${indent}}${composite.packed ? ' __attribute__((packed))' : ''}`;
}

/** A member that has a value of its own. */
export interface Leaf {
  /** C expression behind `p->`: `m1.m2[3]`. */
  readonly c: string;
  /** The way to it in a decoded object. */
  readonly path: readonly (string | number)[];
  readonly kind: 'int' | 'bool' | 'float' | 'double' | 'pointer' | 'enum' | 'chars';
  readonly bitfield: boolean;
}

/** Elements of an array that are looked at: all of a short one, the ends and the middle of a long one. */
export function sampledIndices(length: number): number[] {
  if (length <= 6) return Array.from({ length }, (_, i) => i);
  return [0, 1, length >> 1, length - 1];
}

/** All leaf members; `flexible` is the number of elements that flexible arrays have. */
export function leavesOf(composite: Composite, flexible: number): Leaf[] {
  return composite.members.flatMap((member) => {
    if (member.name === '') return member.type.kind === 'composite' ? leavesOf(member.type.composite, 0) : [];
    const type: CType = member.flexible ? { kind: 'array', element: member.type, length: flexible } : member.type;
    const flexibleChars = member.flexible && member.type.kind === 'chars';
    return leavesOfType(flexibleChars ? member.type : type, member.name, [member.name], member.bitWidth !== undefined);
  });
}

function leavesOfType(type: CType, c: string, path: readonly (string | number)[], bitfield: boolean): Leaf[] {
  switch (type.kind) {
    case 'array':
      return sampledIndices(type.length).flatMap((i) => leavesOfType(type.element, `${c}[${i}]`, [...path, i], false));
    case 'composite':
      return leavesOf(type.composite, 0).map((leaf) => ({
        ...leaf,
        c: `${c}.${leaf.c}`,
        path: [...path, ...leaf.path],
      }));
    case 'float':
      return [{ c, path, kind: type.c, bitfield }];
    default:
      return [{ c, path, kind: type.kind, bitfield }];
  }
}
