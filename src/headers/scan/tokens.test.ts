import { describe, expect, test } from 'vitest';
import { scanTokens } from './tokens.ts';

const identifiers = (text: string) => [...scanTokens(text).identifiers];

describe('identifiers', () => {
  test('comments, strings, characters and numbers hold none', () => {
    expect(identifiers('a /* b */ c // d\ne "f \\" g" \'h\' 0x1fULL 1e5f .5e+x1 i')).toEqual(['a', 'c', 'e', 'i']);
  });

  test('a comment without end reaches to the end of the file', () => {
    expect(identifiers('a /* b\nc')).toEqual(['a']);
  });

  test('a string ends with its line, an apostrophe in text does not swallow the file', () => {
    expect(identifiers("#error don't do that\nstruct task_struct;")).toContain('task_struct');
  });

  test('spliced lines are one', () => {
    expect(identifiers('task_\\\nstruct // x \\\nstill_comment\ny')).toEqual(['task_struct', 'y']);
    expect(identifiers('a\\\r\nb')).toEqual(['ab']);
  });

  test('both branches of conditionals and macro bodies count', () => {
    expect(identifiers('#ifdef A\nb\n#else\nc\n#endif\n#define D e##f')).toEqual(
      expect.arrayContaining(['A', 'b', 'c', 'D', 'e', 'f']),
    );
  });
});

test('includes of every form, and no identifiers out of their names', () => {
  const text = `#include "own.h"
  #  include <linux/bpf.h> /* why */
#include_next <next.h>
#include HEADER // from the command line
/* #include "no.h" */
const char *s = "#include <no.h>";
#define OTHER <other.h>
`;
  const tokens = scanTokens(text);
  expect(tokens.includes).toEqual([
    { form: 'quoted', name: 'own.h', next: false, line: 1 },
    { form: 'angled', name: 'linux/bpf.h', next: false, line: 2 },
    { form: 'angled', name: 'next.h', next: true, line: 3 },
    { form: 'macro', name: 'HEADER', next: false, line: 4 },
  ]);
  expect([...tokens.includeMacros]).toEqual([['OTHER', '<other.h>']]);
  expect(tokens.identifiers.has('linux')).toBe(false);
});

test('struct tags with the line where they first stand', () => {
  const text = `struct event { int a; };
struct __attribute__((packed, aligned(4))) odd { int b; };
/* struct no */ typedef struct { int c; } anon_t;
struct \\
  spliced *p; struct event again;
struct __attribute__((packed)) { int d; } x;
struct last;`;
  expect(scanTokens(text).structTags).toEqual([
    { tag: 'event', line: 1 },
    { tag: 'odd', line: 2 },
    { tag: 'spliced', line: 5 },
    { tag: 'last', line: 7 },
  ]);
});

test('functions that are declared or defined at file scope, but not those that are called', () => {
  const text = `extern struct task_struct *bpf_task_from_pid(s32 pid) __ksym;
static int helper(int (*fn)(void)) { return called(fn()); }
#define CALL(x) in_macro(x)
SEC("x") int BPF_PROG(name, int a) { if (b) { c(); } return 0; }
int after(void);`;
  const { declaredFunctions } = scanTokens(text);
  for (const name of ['bpf_task_from_pid', 'helper', 'after']) expect(declaredFunctions).toContain(name);
  for (const name of ['called', 'in_macro', 'c', 'fn']) expect(declaredFunctions).not.toContain(name);
});
