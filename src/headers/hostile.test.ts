/** BTF that parses but is nonsense: a header or an error with a code comes out, soon. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { requireTool, type Skippable } from '../../test/support/require.ts';
import { testDirectory } from '../../test/support/temporary.ts';
import { emitDeclaration } from '../btf/declare/header.ts';
import { Kind, type TypeId } from '../btf/kinds.ts';
import { Btf, parseBtf } from '../btf/table.ts';
import { isEccError } from '../core/errors.ts';
import { parseElf } from '../elf/elf.ts';
import { makeFullHeader, makeHeader } from './make-header.ts';

const SOURCE = `
typedef unsigned int u32;
struct list { struct list *next; u32 a : 3, b : 9; union { int c; struct { long d; enum { E, F } e; } f; }; };
union u { char bytes[12]; struct list *lists[3][2]; int (*fn)(struct list *, u32 n, ...); };
typedef struct { union u u; volatile const struct list *l; } pair_t;
enum named { ONE = 1, TWO = -2 };
pair_t pair; enum named named;
int f(pair_t *p, enum named n) { return p->l->a + n; }`;

function sampleBytes(context: Skippable): Buffer {
  const clang = requireTool(context, 'clang');
  const file = path.join(testDirectory(), 'a.c');
  writeFileSync(file, SOURCE);
  execFileSync(clang, ['-target', 'bpf', '-g', '-O2', '-c', file, '-o', `${file}.o`]);
  const elf = parseElf(readFileSync(`${file}.o`));
  return Buffer.from(elf.data(elf.findSection('.BTF')!));
}

function attempt(body: () => unknown): void {
  const start = performance.now();
  try {
    body();
  } catch (error) {
    if (!isEccError(error)) throw error;
  }
  expect(performance.now() - start).toBeLessThan(20_000);
}

function tryEverything(btf: Btf): void {
  attempt(() => makeFullHeader(btf));
  attempt(() => makeHeader(btf, { identifiers: ['list', 'u', 'pair_t', 'next', 'lists', 'fn', 'f', 'TWO', 'l'] }));
  for (const id of btf.ids()) attempt(() => emitDeclaration(btf, id));
}

test('any change of a few words of the type section', (context) => {
  const bytes = sampleBytes(context);
  const start = bytes.readUInt32LE(4) + bytes.readUInt32LE(8);
  const words = bytes.readUInt32LE(12) / 4;
  const change = fc.tuple(
    fc.nat(words - 1),
    fc.oneof(
      fc.nat(64),
      fc.constantFrom(0, 0xffffffff, 0x80000000, 0x7fffffff),
      fc.integer({ min: 0, max: 0xffffffff }),
    ),
  );
  let parsed = 0;
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
      const copy = Buffer.from(bytes);
      for (const [index, value] of changes) copy.writeUInt32LE(value, start + index * 4);
      let btf: Btf;
      try {
        btf = parseBtf(copy);
      } catch (error) {
        if (isEccError(error)) return;
        throw error;
      }
      parsed++;
      tryEverything(btf);
    }),
    { numRuns: 1500 },
  );
  expect(parsed).toBeGreaterThan(100);
});

/** A table of types that each hold the ones after them. */
function chain(length: number, type: (next: number) => readonly number[]): Btf {
  const words: number[] = [];
  const offsets = [0];
  for (let id = 1; id < length; id++) {
    offsets.push(words.length);
    words.push(...type(id + 1));
  }
  offsets.push(words.length);
  words.push(0, Kind.int << 24, 4, 32);
  const strings = Buffer.from('\0tag\0member\0');
  return new Btf({
    words: Uint32Array.from(words),
    offsets: Uint32Array.from(offsets),
    strings,
    firstOwnId: 1,
    firstOwnString: 0,
    littleEndian: true,
  });
}

const TAG = 1;
const MEMBER = 5;

describe('nested beyond reason', () => {
  test.each([
    ['pointers', (next: number) => [0, Kind.ptr << 24, next]],
    ['qualifiers', (next: number) => [0, Kind.const << 24, next]],
    ['typedefs', (next: number) => [TAG, Kind.typedef << 24, next]],
    ['arrays', (next: number) => [0, Kind.array << 24, 0, next, next, 3]],
    ['functions', (next: number) => [0, (Kind.funcProto << 24) | 1, next, 0, next]],
    ['structs', (next: number) => [TAG, (Kind.struct << 24) | 1, 4, MEMBER, next, 0]],
    ['anonymous structs', (next: number) => [0, (Kind.struct << 24) | 1, 4, 0, next, 0]],
    ['anonymous unions that double', (next: number) => [0, (Kind.union << 24) | 2, 4, MEMBER, next, 0, 0, next, 0]],
    ['anonymous members with tags', (next: number) => [TAG, (Kind.union << 24) | 2, 4, 0, next, 0, 0, next, 0]],
  ])('%s', (_what, type) => {
    for (const length of [50, 100_000]) {
      const btf = chain(length, type);
      attempt(() => makeFullHeader(btf));
      attempt(() => makeHeader(btf, { identifiers: ['tag', 'member'] }));
      attempt(() => emitDeclaration(btf, 1 as TypeId));
    }
  });
});

test('names that are no identifiers do not get into the C', () => {
  const strings = '\0evil; int x\0int\0a b\0\xc3\xa9t\x001st\0';
  const at = (name: string) => strings.indexOf(`\0${name}\0`) + 1;
  const btf = new Btf({
    words: Uint32Array.from([
      ...[at('evil; int x'), (Kind.struct << 24) | 3, 12, at('int'), 2, 0, at('a b'), 2, 32, at('1st'), 2, 64],
      ...[at('\xc3\xa9t'), Kind.int << 24, 4, 32],
    ]),
    offsets: Uint32Array.from([0, 0, 12]),
    strings: Buffer.from(strings, 'latin1'),
    firstOwnId: 1,
    firstOwnString: 0,
    littleEndian: true,
  });
  expect(emitDeclaration(btf, 1 as TypeId)).toBe(
    'struct evil__int_x {\n\tunsigned int int_;\n\tunsigned int a_b;\n\tunsigned int _1st;\n};',
  );
});
