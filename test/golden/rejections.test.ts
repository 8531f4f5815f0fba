import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { isEccError } from '../../src/core/errors.ts';
import { openObject } from '../../src/object/open.ts';
import { runOk } from '../support/command.ts';
import { requireTool } from '../support/require.ts';
import { testDirectory } from '../support/temporary.ts';

const HEAD = `#define SEC(name) __attribute__((section(name), used))
#define __uint(name, val) int (*name)[val]
#define __type(name, val) typeof(val) *name
#define __array(name, val) typeof(val) *name[]
typedef unsigned int u32;
enum libbpf_tristate { TRI_NO = 0, TRI_YES = 1, TRI_MODULE = 2 };
char LICENSE[] SEC("license") = "GPL";
static void *(*lookup)(void *map, const void *key) = (void *)1;
`;
const USE = (map: string) => `SEC("xdp") int p(void *c) { u32 k = 0; return lookup(&${map}, &k) != 0; }\n`;

/** Sources that clang compiles and libbpf refuses, beyond those that have goldens: our code, and a word of the message. */
const CASES: [what: string, source: string, code: string, word: string][] = [
  ['a map that is no struct', `int m SEC(".maps");${USE('m')}`, 'BTF_MAP_BAD_VARIABLE', 'map m'],
  ['a type that is no pointer', `struct { int type; } m SEC(".maps");${USE('m')}`, 'BTF_MAP_BAD_FIELD', "'type'"],
  [
    'a number that is no array',
    `struct { __uint(type, 1); int *max_entries; } m SEC(".maps");${USE('m')}`,
    'BTF_MAP_BAD_FIELD',
    "'max_entries'",
  ],
  [
    'unknown pinning',
    `struct { __uint(type, 1); __uint(pinning, 5); } m SEC(".maps");${USE('m')}`,
    'BTF_MAP_BAD_FIELD',
    "'pinning'",
  ],
  [
    'pinning of an inner map',
    `struct { __uint(type, 12); __uint(key_size, 4); __array(values, struct { __uint(type, 2); __uint(pinning, 1); }); } m SEC(".maps");${USE('m')}`,
    'BTF_MAP_BAD_FIELD',
    'm.inner',
  ],
  [
    'values before another member',
    `struct { __uint(type, 12); typeof(struct { __uint(type, 2); }) *values[0]; __uint(key_size, 4); } m SEC(".maps");${USE('m')}`,
    'BTF_MAP_BAD_FIELD',
    "'values'",
  ],
  [
    'programs in a map of maps',
    `struct { __uint(type, 12); __uint(key_size, 4); __array(values, int(void *)); } m SEC(".maps");${USE('m')}`,
    'BTF_MAP_BAD_FIELD',
    "'values'",
  ],
  [
    'values of another size',
    `struct { __uint(type, 12); __uint(key_size, 4); __uint(value_size, 8); __array(values, struct { __uint(type, 2); }); } m SEC(".maps");${USE('m')}`,
    'BTF_MAP_SIZE_CONFLICT',
    '4 bytes after 8',
  ],
  [
    'a program array with a function of .text',
    `__attribute__((noinline)) int sub(void *c) { return lookup(c, c) != 0; }
     struct { __uint(type, 3); __uint(max_entries, 1); __uint(key_size, 4); __array(values, int(void *)); } m SEC(".maps") = { .values = { (void *)sub } };
     SEC("tc") int q(void *c) { return sub(c); }${USE('m')}`,
    'BTF_MAP_BAD_SLOT',
    'sub',
  ],
  [
    'a variable of .data in a map of maps',
    `int d = 1; struct { __uint(type, 12); __uint(key_size, 4); __array(values, struct { __uint(type, 2); }); } m SEC(".maps") = { .values = { (void *)&d } };
     SEC("tc") int q(void *c) { return d; }${USE('m')}`,
    'BTF_MAP_BAD_SLOT',
    'd',
  ],
  [
    'an extern function of the kernel configuration',
    `extern int conf(void) SEC(".kconfig"); SEC("tc") int p(void *c) { return conf(); }`,
    'UNSUP_EXTERN_SECTION',
    'conf',
  ],
  [
    'an extern of another section',
    `extern int elsewhere SEC("mine"); SEC("tc") int p(void *c) { return elsewhere; }`,
    'UNSUP_EXTERN_SECTION',
    'mine',
  ],
  [
    'an array of bool as a configuration value',
    `extern _Bool CONFIG_X[4] SEC(".kconfig"); SEC("tc") int p(void *c) { return CONFIG_X[2]; }`,
    'UNSUP_KCONFIG_TYPE',
    'CONFIG_X',
  ],
  [
    'a function without a body',
    `extern int nowhere(int); SEC("tc") int p(void *c) { return nowhere(1); }`,
    'BTF_EXTERN_NO_SECTION',
    'nowhere',
  ],
  [
    'a version of two bytes',
    `short v SEC("version") = 1; SEC("tc") int p(void *c) { return 0; }`,
    'ELF_BAD_VERSION',
    '2 bytes',
  ],
];

test('what clang compiles and libbpf refuses, we refuse, and say why', async (context) => {
  const clang = requireTool(context, 'clang');
  const gcc = requireTool(context, 'gcc');
  const directory = testDirectory();
  const view = path.join(directory, 'libbpf-view');
  await runOk(gcc, ['-O1', '-o', view, fileURLToPath(new URL('libbpf-view.c', import.meta.url)), '-lbpf']);
  for (const [what, source, code, word] of CASES) {
    const base = path.join(directory, String(CASES.findIndex(([name]) => name === what)));
    mkdirSync(base);
    writeFileSync(path.join(base, 'x.bpf.c'), HEAD + source);
    await runOk(clang, ['-g', '-O2', '-w', '-target', 'bpfel', '-c', 'x.bpf.c', '-o', 'x.bpf.o'], { cwd: base });
    const { stdout } = await runOk(view, ['x_bpf', path.join(base, 'x.bpf.o')]);
    expect(JSON.parse(stdout), what).toHaveProperty('error');
    let caught: unknown;
    try {
      openObject(readFileSync(path.join(base, 'x.bpf.o')));
    } catch (error) {
      caught = error;
    }
    expect(isEccError(caught) ? caught.code : caught, what).toBe(code);
    expect((caught as Error).message, what).toContain(word);
  }
});
