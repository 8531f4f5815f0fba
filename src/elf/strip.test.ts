import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requireTool } from '../../test/support/require.ts';
import { findTool } from '../../test/support/tools.ts';
import { stripDebug } from './strip.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'ecc-test-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const SECTION = (name: string) => `__attribute__((section("${name}"), used))`;
const PROGRAMS: Readonly<Record<string, string>> = {
  'one function': `${SECTION('xdp')} int f(void *c) { return 2; }`,
  'calls, data and names with common ends': `
    static __attribute__((noinline)) int sub(int x) { return x * 3; }
    int counter; const volatile int rocounter = 7; static int bss_counter; int table[8] = {1, 2};
    ${SECTION('.data.counter')} int own_counter = 4;
    ${SECTION('license')} char LICENSE[] = "GPL";
    ${SECTION('tp/f')} int f(int *c) { bss_counter++; counter += sub(*c) + rocounter + own_counter; return table[counter & 7]; }
    ${SECTION('tp/f/f')} int ff(int *c) { for (int i = 0; i < *c; i++) counter ^= i; return f(c); }`,
  'CO-RE relocations and externs': `
    struct s { int a, b; struct { long c[4]; } d; } __attribute__((preserve_access_index));
    extern int missing; extern int weak_one __attribute__((weak));
    ${SECTION('kprobe/f')} int f(struct s *s) { return s->b + s->d.c[2] + (missing ? &weak_one != 0 : 1); }`,
  'no code': 'int alone = 1;',
};

const CLANGS = ['clang', 'clang-14', 'clang-16', 'clang-19'];
const STRIPS = ['llvm-strip', 'llvm-strip-14', 'llvm-strip-16', 'llvm-strip-19'];

for (const clang of CLANGS) {
  for (const target of ['bpf', 'bpfeb']) {
    for (const [name, text] of Object.entries(PROGRAMS)) {
      test(`${clang}, ${target}, ${name}: the same bytes as llvm-strip`, (context) => {
        const compiler = requireTool(context, clang);
        const source = path.join(directory, 'p.c');
        const object = path.join(directory, 'p.o');
        writeFileSync(source, text);
        execFileSync(compiler, ['-target', target, '-g', '-O2', '-gdwarf-5', '-c', source, '-o', object]);
        const stripped = stripDebug(readFileSync(object));
        expect(stripped).toBeDefined();
        const tools = STRIPS.map(findTool).filter((tool) => tool !== undefined);
        expect(tools.length).toBeGreaterThan(0);
        for (const tool of tools) {
          execFileSync(tool, ['-g', object, '-o', path.join(directory, 'stripped.o')]);
          expect(Buffer.from(stripped!).equals(readFileSync(path.join(directory, 'stripped.o'))), tool).toBe(true);
        }
      });
    }
  }
}

describe('what is no plain object of clang is left to the tool', () => {
  const object = () => {
    writeFileSync(path.join(directory, 'p.c'), PROGRAMS['calls, data and names with common ends']!);
    execFileSync('clang', [
      '-target',
      'bpf',
      '-g',
      '-O2',
      '-c',
      path.join(directory, 'p.c'),
      '-o',
      path.join(directory, 'p.o'),
    ]);
    return readFileSync(path.join(directory, 'p.o'));
  };

  test('another machine, another kind of file, no file', (context) => {
    requireTool(context, 'clang');
    const bytes = object();
    for (const [at, value] of [
      [0, 0],
      [4, 1],
      [16, 2],
      [18, 62],
    ] as const) {
      const other = Buffer.from(bytes);
      other[at] = value;
      expect(stripDebug(other)).toBeUndefined();
    }
    expect(stripDebug(readFileSync(process.execPath).subarray(0, 100_000))).toBeUndefined();
    expect(stripDebug(Buffer.alloc(0))).toBeUndefined();
  });

  test('cut off or damaged, it never fails', (context) => {
    requireTool(context, 'clang');
    const bytes = object();
    for (let length = 0; length < bytes.length; length += length < bytes.length - 200 ? 97 : 1)
      expect(stripDebug(bytes.subarray(0, length)), `${length} of ${bytes.length}`).toBeUndefined();
    const failures: string[] = [];
    for (let at = 0; at < bytes.length; at++) {
      for (const flip of [0xff, 0x01]) {
        const other = Buffer.from(bytes);
        other[at]! ^= flip;
        try {
          stripDebug(other);
        } catch (error) {
          failures.push(`byte ${at} ^ ${flip}: ${error}`);
        }
      }
    }
    expect(failures).toEqual([]);
  });
});
