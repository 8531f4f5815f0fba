/** Values for random structs: as C initialisers and as what encoding takes. Of a union one arm has a value. */
import type { CMember, Composite, CType } from './c-structs.ts';
import type { Random } from './random.ts';

export interface Initialised {
  /** `{ .m1 = 5 }` */
  readonly c: string;
  /** What a codec encodes to the same bytes. */
  readonly value: Record<string, unknown>;
}

export function initialise(composite: Composite, random: Random): Initialised {
  const value: Record<string, unknown> = {};
  const usable = composite.members.filter(
    ({ name, type, flexible }) => !flexible && (name !== '' || type.kind === 'composite'),
  );
  const members = composite.union ? usable.slice(0, 1) : usable;
  const parts = members.map((member) => {
    if (member.name === '' && member.type.kind === 'composite') {
      const inner = initialise(member.type.composite, random);
      for (const key of Object.keys(inner.value)) define(value, key, inner.value[key]);
      // Designated through the anonymous member, since it has no name to be designated by.
      return inner.c.slice(1, -1).trim();
    }
    const made = initialiseMember(member, random);
    define(value, member.name, made.value);
    return `.${member.name} = ${made.c}`;
  });
  const flexible = composite.members.find((member) => member.flexible);
  if (flexible !== undefined) define(value, flexible.name, flexible.type.kind === 'chars' ? '' : []);
  return { c: `{ ${parts.filter((part) => part !== '').join(', ')} }`, value };
}

function define(target: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}

function initialiseMember(member: CMember, random: Random): { c: string; value: unknown } {
  const { type, bitWidth } = member;
  if (type.kind === 'int' && bitWidth !== undefined) return integer(random, bitWidth, type.signed, bitWidth > 32);
  return initialiseType(type, random);
}

function integer(random: Random, bits: number, signed: boolean, big: boolean): { c: string; value: number | bigint } {
  const raw = random.chance(20) ? BigInt.asUintN(bits, -1n) : random.bits(bits);
  const value = signed ? BigInt.asIntN(bits, raw) : raw;
  return { c: literal(value), value: big ? value : Number(value) };
}

function literal(value: bigint): string {
  const raw = BigInt.asUintN(128, value);
  return `(__int128)(((unsigned __int128)0x${(raw >> 64n).toString(16)}ULL << 64) | 0x${BigInt.asUintN(64, raw).toString(16)}ULL)`;
}

function initialiseType(type: CType, random: Random): { c: string; value: unknown } {
  switch (type.kind) {
    case 'int':
      return integer(random, type.bits, type.signed, type.bits > 32);
    case 'bool': {
      const value = random.chance(50);
      return { c: value ? '1' : '0', value };
    }
    case 'float': {
      const value = (random.below(20_000) - 10_000) / 8;
      return { c: String(value), value };
    }
    case 'pointer': {
      const value = random.bits(64);
      return { c: `(void *)0x${value.toString(16)}UL`, value };
    }
    case 'enum': {
      const value = random.pick(type.values);
      return { c: `${value}LL`, value: type.c.startsWith('enum wide') ? value : Number(value) };
    }
    case 'chars': {
      const text = random.pick(['', 'a', 'bash', 'héé', 'a rather long text that is cut', '\u20ac\u20ac']);
      const bytes = Buffer.from(text).subarray(0, type.length);
      const value = bytes.toString('utf8').replace(/\ufffd+$/, '');
      const octal = [...Buffer.from(value)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
      return { c: `"${octal}"`, value };
    }
    case 'array': {
      const items = Array.from({ length: type.length }, () => initialiseType(type.element, random));
      return { c: `{ ${items.map(({ c }) => c).join(', ')} }`, value: items.map(({ value }) => value) };
    }
    default:
      return initialise(type.composite, random);
  }
}

/** Where a decoded value differs from what was put in, as paths; members that were not put in do not count. */
export function differences(decoded: unknown, put: unknown, path: string): string[] {
  if (typeof put !== 'object' || put === null) {
    return Object.is(decoded, put) ? [] : [`${path}: ${String(decoded)}, put in ${String(put)}`];
  }
  if (typeof decoded !== 'object' || decoded === null) return [`${path}: ${String(decoded)}, put in an object`];
  return Object.keys(put).flatMap((key) => {
    const inner = Object.hasOwn(decoded, key) ? (decoded as Record<string, unknown>)[key] : undefined;
    return differences(inner, (put as Record<string, unknown>)[key], `${path}.${key}`);
  });
}
