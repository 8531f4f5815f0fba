/**
 * The C side of the comparison: a program that fills structs with pseudo-random bytes, prints the bytes, and prints every leaf member as
 * the C compiler reads it.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { runOk } from '../support/command.ts';
import type { Leaf } from './c-structs.ts';

export interface NativeStruct {
  /** The type as C spells it. */
  readonly use: string;
  readonly leaves: readonly Leaf[];
  /** The flexible array at its end, and how many elements to give it. */
  readonly flexible?: { readonly member: string; readonly count: number } | undefined;
}

/** What C saw in one filling of a struct. */
export interface NativeFill {
  /** `sizeof`. */
  readonly size: number;
  /** `offsetof` of each leaf, -1 for bitfields. */
  readonly offsets: readonly number[];
  readonly bytes: Uint8Array;
  /** One text for each leaf: decimal or hex digits, see {@link matches}. */
  readonly values: readonly string[];
}

/** No headers of the C library, whose types would clash with the kernel's. */
const RUNTIME = String.raw`
static unsigned long long ecc_state = 88172645463325252ULL;
static unsigned char ecc_bytes[1 << 20] __attribute__((aligned(64)));
static unsigned char ecc_next(void) { ecc_state ^= ecc_state << 13; ecc_state ^= ecc_state >> 7; ecc_state ^= ecc_state << 17; return ecc_state >> 24; }
static void ecc_fill(unsigned char *p, unsigned long n, int text) {
  for (unsigned long i = 0; i < n; i++) { p[i] = ecc_next(); if (text) p[i] = p[i] < 40 ? 0 : 32 + p[i] % 95; }
}
static void ecc_hex(const void *p, unsigned long n) {
  for (unsigned long i = 0; i < n; i++) __builtin_printf("%02x", ((const unsigned char *)p)[i]);
  __builtin_printf("\n");
}
static void ecc_magnitude(int negative, unsigned __int128 v) {
  __builtin_printf("%s0x%llx%016llx\n", negative ? "-" : "", (unsigned long long)(v >> 64), (unsigned long long)v);
}
static void ecc_offset(long offset) { __builtin_printf("%ld ", offset); }
#define ECC_INT(x) do { int n = (x) < 0; ecc_magnitude(n, n ? -(unsigned __int128)(x) : (unsigned __int128)(x)); } while (0)
#define ECC_PTR(x) ecc_magnitude(0, (unsigned long)(x))
#define ECC_BOOL(x) __builtin_printf("%d\n", *(unsigned char *)&(x) != 0)
#define ECC_BOOLBITS(x) __builtin_printf("%d\n", (int)(x))
#define ECC_RAW(x) ecc_hex(&(x), sizeof(x))
#define ECC_REST(x) ecc_hex(&(x), bytes + length - (unsigned char *)&(x))
`;

function printLeaf(leaf: Leaf, flexible: string | undefined): string {
  const value = `p->${leaf.c}`;
  switch (leaf.kind) {
    case 'int':
    case 'enum':
      return `ECC_INT(${value});`;
    case 'pointer':
      return `ECC_PTR(${value});`;
    case 'bool':
      return leaf.bitfield ? `ECC_BOOLBITS(${value});` : `ECC_BOOL(${value});`;
    case 'chars':
      return leaf.c === flexible ? `ECC_REST(${value});` : `ECC_RAW(${value});`;
    default:
      return `ECC_RAW(${value});`;
  }
}

/** The program's text. Every second filling is of printable characters and NULs, so that char arrays have something to show. */
export function nativeProgram(definitions: string, structs: readonly NativeStruct[], fills: number): string {
  const functions = structs.map(({ use, leaves, flexible }, i) => {
    const length =
      flexible === undefined
        ? `sizeof(${use})`
        : `__builtin_offsetof(${use}, ${flexible.member}) + ${flexible.count} * sizeof(((${use} *)0)->${flexible.member}[0])`;
    const offsets = leaves.map(({ c, bitfield }) =>
      bitfield ? '  ecc_offset(-1);\n' : `  ecc_offset(__builtin_offsetof(${use}, ${c}));\n`,
    );
    const prints = leaves.map((leaf) => `  ${printLeaf(leaf, flexible?.member)}\n`).join('');
    return `static void ecc_show${i}(int text) {
  unsigned long length = ${length};
  unsigned char *bytes = ecc_bytes;
  ${use} *p = (void *)bytes;
  if (length > sizeof(ecc_bytes)) __builtin_trap();
  ecc_fill(bytes, length, text);
  __builtin_printf("%lu\\n", (unsigned long)sizeof(${use}));
${offsets.join('')}  __builtin_printf("\\n");
  ecc_hex(bytes, length);
${prints}}
`;
  });
  const calls = structs.map((_, i) => `  for (int i = 0; i < ${fills}; i++) ecc_show${i}(i % 2);\n`);
  return `${definitions}\n${RUNTIME}\n${functions.join('')}int main(void) {\n${calls.join('')}  return 0;\n}\n`;
}

/** Compiles and runs the program: the fillings of each struct. */
export async function runNative(
  gcc: string,
  directory: string,
  definitions: string,
  structs: readonly NativeStruct[],
  fills: number,
  flags: readonly string[] = [],
): Promise<NativeFill[][]> {
  const source = path.join(directory, 'native.c');
  const program = path.join(directory, 'native');
  writeFileSync(source, nativeProgram(definitions, structs, fills));
  // gcc defines names like `linux`, which the kernel has members of.
  const language = ['-w', '-O0', '-std=gnu11', '-Ulinux', '-Uunix', '-fno-strict-aliasing'];
  await runOk(gcc, [...language, ...flags, '-o', program, source]);
  const { stdout } = await runOk(program, []);
  const lines = stdout.split('\n');
  let line = 0;
  return structs.map(({ leaves }) =>
    Array.from({ length: fills }, () => {
      const size = Number(lines[line++]);
      const offsets = (lines[line++] ?? '').split(' ', leaves.length).map(Number);
      const bytes = new Uint8Array(Buffer.from(lines[line++] ?? '', 'hex'));
      const values = lines.slice(line, line + leaves.length);
      line += leaves.length;
      return { size, offsets, bytes, values };
    }),
  );
}

/** A decoded value in the words of the C program; `littleEndian` bytes, as the machine that ran it. */
export function inNativeWords(leaf: Leaf, decoded: unknown, native: string): string {
  switch (leaf.kind) {
    case 'int':
    case 'enum':
    case 'pointer': {
      if (typeof decoded !== 'number' && typeof decoded !== 'bigint') return String(decoded);
      const value = BigInt(decoded);
      const magnitude = value < 0n ? -value : value;
      const digits = `${(magnitude >> 64n).toString(16)}${(magnitude & 0xffffffffffffffffn).toString(16).padStart(16, '0')}`;
      return `${value < 0n ? '-' : ''}0x${digits}`;
    }
    case 'bool':
      return decoded === true ? '1' : decoded === false ? '0' : String(decoded);
    case 'float':
    case 'double': {
      const bytes = Buffer.alloc(leaf.kind === 'float' ? 4 : 8);
      if (typeof decoded !== 'number') return String(decoded);
      // A number has one NaN only.
      if (Number.isNaN(decoded)) return isNan(native) ? native : 'NaN';
      if (leaf.kind === 'float') bytes.writeFloatLE(decoded);
      else bytes.writeDoubleLE(decoded);
      return bytes.toString('hex');
    }
    default: {
      // The other way round: the text that Node makes of the bytes up to the NUL.
      const bytes = Buffer.from(native, 'hex');
      const nul = bytes.indexOf(0);
      return bytes.toString('utf8', 0, nul < 0 ? bytes.length : nul) === decoded ? native : JSON.stringify(decoded);
    }
  }
}

function isNan(hex: string): boolean {
  const bytes = Buffer.from(hex, 'hex');
  return Number.isNaN(bytes.length === 4 ? bytes.readFloatLE() : bytes.readDoubleLE());
}

/** Follows a path into a decoded object; `own` members only, so that `__proto__` is what was decoded. */
export function at(value: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((inner, key) => {
    if (typeof inner !== 'object' || inner === null || !Object.hasOwn(inner, key)) return undefined;
    return (inner as Record<string | number, unknown>)[key];
  }, value);
}
