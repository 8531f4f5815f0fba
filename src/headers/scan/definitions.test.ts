import { expect, test } from 'vitest';
import { findDefinitions } from './definitions.ts';

const tags = (text: string) => Object.fromEntries(findDefinitions(text).tags);
const ordinary = (text: string) => [...findDefinitions(text).ordinary];

test('tags with a body, not those that are only mentioned', () => {
  expect(
    tags(`struct line { int a; struct inner { int b; } c; union { int d; } e; };
struct task_struct;
static int f(struct file *file, enum mode m) { struct local { int x; } y; return 0; }
union __attribute__((packed)) u { int a; };
enum e { A };
typedef struct named { int a; } named_t;
struct __attribute__((preserve_access_index)) mine { int a; };`),
  ).toEqual({
    line: 'struct',
    inner: 'struct',
    local: 'struct',
    u: 'union',
    e: 'enum',
    named: 'struct',
    mine: 'struct',
  });
});

test('enumerators, typedefs, variables, functions', () => {
  const found = ordinary(`enum { A, B = sizeof(int), C = (1 << D_not), E, };
typedef unsigned int word;
typedef struct { int member; } event_t;
typedef int (*callback_t)(int arg);
const volatile int target = INITIAL, other[NUMBER];
struct { int x; } events SEC(".maps"), *pointer = &value;
static u64 helper(u32 parameter) { int local = 0; call(local); return 0; }
SEC("x") int BPF_PROG(on_exec, struct task_struct *p) { return 0; }`);
  for (const name of [
    ...['A', 'B', 'C', 'E', 'word', 'event_t', 'target', 'other', 'events', 'pointer', 'helper', 'on_exec'],
  ])
    expect(found).toContain(name);
  const not = 'D_not member arg INITIAL NUMBER value parameter local call p x int u64 u32 task_struct'.split(' ');
  for (const name of not) expect(found).not.toContain(name);
});

test('the type in front of a pointer to a function is not declared', () => {
  expect(ordinary('u64 (*fn)(int);\nu64 *p;')).not.toContain('u64');
});

test('branches that no BPF program compiles do not count', () => {
  expect(
    tags(`#ifndef __VMLINUX_H__
struct a { int x; };
#if SOMETHING
struct b { int x; };
#endif
#else
struct c { int x; };
#endif
#ifdef __bpf__
struct d { int x; };
#else
struct e { int x; };
#endif
#if 0
struct f { int x; };
#endif
#define MACRO struct g { int x; }; \\
  struct h { int x; };
#ifdef OPTION
struct i { int x; };
#endif`),
  ).toEqual({ c: 'struct', d: 'struct', i: 'struct' });
});
