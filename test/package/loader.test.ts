/** Each warning about what the existing loader would choke on, from a program that a user could have written, with its line. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { compile } from 'ebpf-ecc';
import { describe, expect, test } from 'vitest';
import { noteWarnings } from '../support/messages.ts';
import { testDirectory } from '../support/temporary.ts';

async function warningsOf(body: string, name = 'program.bpf.c') {
  const source = path.join(testDirectory(), name);
  writeFileSync(
    source,
    `#include "vmlinux.h"\n#include <bpf/bpf_helpers.h>\n${body}\nchar LICENSE[] SEC("license") = "GPL";\n`,
  );
  const { warnings } = await compile(source);
  noteWarnings(warnings);
  return warnings.map(({ code, line, message, file, hint }) => {
    expect(file === undefined || file === source).toBe(true);
    expect(`${message}${hint ?? ''}`).not.toMatch(/undefined|\[object/);
    return line === undefined ? code : `${code}:${line}`;
  });
}

const use = (name: string) => `SEC("tp/sched/sched_switch") int prog(void *ctx) { return ${name} != 0; }`;
const ring = 'struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } rb SEC(".maps");';
const send = (type: string) =>
  `SEC("tp/sched/sched_switch") int prog(void *ctx) { ${type} e = {}; bpf_ringbuf_output(&rb, &e, sizeof(e), 0); return 0; }`;

describe('variables', () => {
  test.each([
    ['a type that ecli cannot parse', `const volatile __u64 limit = 0;\n${use('limit')}`, ['LOADER_OPTION_TYPE:3']],
    ['the override that helps', `/// @type unsigned long long\nconst volatile __u64 limit = 0;\n${use('limit')}`, []],
    ['a type that it can', `const volatile int limit = 0;\n${use('limit')}`, []],
    ['a global that is no option', `__u64 count;\n${use('count')}`, []],
    ['.data', `int state = 3;\n${use('state++')}`, ['LOADER_SECTION:3']],
    ['.kconfig', `extern int LINUX_KERNEL_VERSION __kconfig;\n${use('LINUX_KERNEL_VERSION')}`, ['LOADER_SECTION:3']],
    ['a bool that starts true', `const volatile bool on = true;\n${use('on')}`, ['LOADER_BOOL_RESET:3']],
    ['the default that helps', `/// @cmdarg {"default": true}\nconst volatile bool on = true;\n${use('on')}`, []],
    [
      'a bool with a number as default',
      `/// @cmdarg {"default": 1}\nconst volatile bool on = 0;\n${use('on')}`,
      ['LOADER_DEFAULT:4'],
    ],
    ['a default that is a list', `/// @value [1]\nconst volatile int n = 0;\n${use('n')}`, ['LOADER_DEFAULT:4']],
    [
      'a default beyond the signed range',
      `/// @cmdarg {"default": 3000000000}\nconst volatile unsigned int n = 0;\n${use('n')}`,
      ['LOADER_OVERFLOW:4'],
    ],
    [
      'text that is longer than its array',
      `/// @cmdarg {"default": "abcdefgh"}\nconst volatile char t[8] = "";\n${use('t[0]')}`,
      ['LOADER_OVERFLOW:4'],
    ],
    ['an array with an initial text', `const volatile char t[8] = "abc";\n${use('t[0]')}`, ['LOADER_CHAR_ARRAY:3']],
    ['a float', `const volatile float f = 0;\n${use('*(int *)&f')}`, ['LOADER_FLOAT:3']],
    [
      'an option of the name of a built-in one',
      `const volatile int verbose = 0;\n${use('verbose')}`,
      ['LOADER_OPTION_CLASH:3'],
    ],
    [
      'two options of one name',
      `/// @cmdarg {"long": "b"}\nconst volatile int a = 0;\nconst volatile int b = 0;\n${use('a + b')}`,
      ['LOADER_OPTION_CLASH:5'],
    ],
    [
      'a short option that is taken',
      `/// @cmdarg {"short": "h"}\nconst volatile int a = 0;\n${use('a')}`,
      ['LOADER_OPTION_CLASH:4'],
    ],
  ])('%s', async (_, body, codes) => {
    expect(await warningsOf(body)).toEqual(codes);
  });
});

describe('events', () => {
  test.each([
    [
      'no struct',
      `${ring}\nSEC("tp/sched/sched_switch") int prog(void *ctx) { __u64 e = 1; bpf_ringbuf_output(&rb, &e, sizeof(e), 0); return 0; }`,
      ['LOADER_NO_EXPORT_TYPE:3'],
    ],
    ['a struct', `struct event { int pid; };\n${ring}\n${send('struct event')}`, []],
    ['a bitfield', `struct event { int a : 3; int b; };\n${ring}\n${send('struct event')}`, ['LOADER_EVENT_MEMBER:4']],
    [
      'two maps',
      `struct event { int pid; };\n${ring}\n${ring.replace(' rb ', ' other ')}\n${send('struct event')}`,
      ['LOADER_SEVERAL_MAPS:5'],
    ],
  ])('%s', async (_, body, codes) => {
    expect(await warningsOf(body)).toEqual(codes);
  });
});

describe('programs', () => {
  test.each([
    ['cgroup/skb', ['LOADER_ATTACH:3']],
    ['sockops', ['LOADER_ATTACH:3']],
    ['kprobe', ['LOADER_ATTACH:3']],
    ['tcx/ingress', ['LOADER_ATTACH:3']],
    ['xdp', []],
    ['tc', []],
    ['kprobe/do_exit', []],
    ['uprobe//bin/sh:main', []],
  ])('%s', async (section, codes) => {
    expect(await warningsOf(`SEC("${section}") int prog(void *ctx) { return 0; }`)).toEqual(codes);
  });

  test('an interface by its name', async () => {
    expect(await warningsOf('/// @ifindex "eth0"\nSEC("xdp") int prog(void *ctx) { return 2; }')).toEqual([
      'LOADER_EXTRA:4',
    ]);
  });
});

test('a short name', async () => {
  expect(await warningsOf(`const volatile int n = 0;\n${use('n')}`, 'a.bpf.c')).toEqual(['LOADER_SHORT_NAME']);
  expect(await warningsOf(use('1'), 'a.bpf.c')).toEqual([]);
});
