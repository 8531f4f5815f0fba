import { describe, expect, test } from 'vitest';
import { diagnoseHeader } from './diagnose.ts';

const HEADER = `typedef unsigned int u32;
struct foo { int a; };
enum en { AA = 1 };
enum {
	BB = 1,
};
extern int kf(int a);
`;
const isHeader = (path: string) => path.endsWith('vmlinux.h');
const diagnose = (stderr: string) => diagnoseHeader(stderr, HEADER, isHeader);

describe('missing', () => {
  test.each([
    ["a.c:1:1: error: unknown type name 'x_t'", 'x_t', false],
    ["a.c:1:1: error: unknown type name 'x_t'; did you mean 'y_t'?", 'x_t', false],
    ["a.c:1:1: error: use of undeclared identifier 'XX'", 'XX', false],
    ["a.c:1:1: error: variable has incomplete type 'struct x'", 'x', true],
    ["a.c:1:1: error: incomplete definition of type 'const struct x'", 'x', true],
    ["a.c:1:1: error: array has incomplete element type 'struct x'", 'x', true],
    ["a.c:1:1: error: invalid application of 'sizeof' to an incomplete type 'union x'", 'x', true],
    ["a.c:1:1: error: arithmetic on a pointer to an incomplete type 'struct x'", 'x', true],
    ["a.c:1:1: error: offsetof of incomplete type 'struct x'", 'x', true],
    ["a.c:1:1: error: field has incomplete type 'enum x'", 'x', true],
    ["a.c:1:1: error: call to undeclared function 'kf2'; ISO C99 and later do not support implicit", 'kf2', false],
    ["a.c:1:1: warning: implicit declaration of function 'kf2' is invalid in C99 [-Wimplicit]", 'kf2', false],
    ["a.c:1:1: warning: declaration of 'struct x' will not be visible outside of this function", 'x', true],
    ["\x1b[1ma.c:1:1: \x1b[0m\x1b[0;1;31merror: \x1b[0m\x1b[1munknown type name 'x_t'\x1b[0m", 'x_t', false],
  ])('%s', (text, name, isTag) => {
    expect(diagnose(text)).toEqual([{ kind: 'missing', name, isTag }]);
  });

  test('both names of a typedef', () => {
    expect(diagnose("a.c:1:1: error: variable has incomplete type 'x_t' (aka 'struct x')")).toEqual([
      { kind: 'missing', name: 'x_t', isTag: false },
      { kind: 'missing', name: 'x', isTag: true },
    ]);
  });
});

describe('clashes', () => {
  test.each([
    ["a.c:1:1: error: redefinition of 'foo'\n./vmlinux.h:2:8: note: previous definition is here", 'foo', true],
    ["vmlinux.h:2:8: error: redefinition of 'foo'\na.c:1:1: note: previous definition is here", 'foo', true],
    [
      "a.c:1:1: error: redefinition of enumerator 'BB'\n/x/vmlinux.h:5:2: note: previous definition is here",
      'BB',
      false,
    ],
    [
      "a.c:1:1: error: typedef redefinition with different types ('a' vs 'b')\nvmlinux.h:1:22: note: previous definition is here",
      'u32',
      false,
    ],
    [
      "a.c:1:1: error: use of 'en' with tag type that does not match previous declaration\nvmlinux.h:3:6: note: previous use is here",
      'en',
      true,
    ],
    ["a.c:1:1: error: conflicting types for 'kf'\nvmlinux.h:7:12: note: previous declaration is here", 'kf', false],
    [
      "a.c:1:1: error: static declaration of 'kf' follows non-static declaration\nvmlinux.h:7:12: note: previous declaration is here",
      'kf',
      false,
    ],
    [
      "a.c:1:1: error: redefinition of 'AA' as different kind of symbol\nvmlinux.h:3:11: note: previous definition is here",
      'AA',
      false,
    ],
    ["vmlinux.h:5:2: error: expected identifier\na.c:1:9: note: expanded from macro 'BB'", 'BB', false],
  ])('%s', (text, name, isTag) => {
    expect(diagnose(text)).toEqual([{ kind: 'clash', name, isTag }]);
  });

  test('between two files of the user it is not about the header', () => {
    expect(diagnose("a.c:1:1: error: redefinition of 'foo'\nb.h:2:8: note: previous definition is here")).toEqual([]);
  });
});

test('members', () => {
  expect(diagnose("a.c:1:1: error: no member named 'state' in 'struct task_struct'")).toEqual([
    { kind: 'no-member', type: 'task_struct', member: 'state' },
  ]);
  expect(diagnose("a.c:1:1: error: no member named 'state' in 'struct (anonymous at a.c:1:1)'")).toEqual([]);
});

test('everything else, and each finding once', () => {
  expect(
    diagnose("a.c:1:1: error: expected ';'\na.c:2:2: warning: unused variable 'foo'\nclang: error: no input"),
  ).toEqual([]);
  expect(diagnose("a.c:1:1: error: unknown type name 'x'\na.c:2:1: error: unknown type name 'x'")).toHaveLength(1);
});
