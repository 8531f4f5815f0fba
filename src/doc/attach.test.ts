import { describe, expect, test } from 'vitest';
import { commentOf } from './attach.ts';
import { commentLines } from './comment-lines.ts';
import { SourceText } from './source-text.ts';

/** The comment of the declaration named `x`, whose first word is marked by `^`; the rest of the file is as given. */
function commentFor(marked: string, isFunction = false): string | undefined {
  const source = marked.replace('^', '');
  const begin = marked.indexOf('^');
  const name = begin + source.slice(begin).search(/\bx\b(?![^\n]*\*\/)/);
  const text = new SourceText(Buffer.from(source));
  const comment = commentOf(text, { extent: { begin, name, end: name + 1 }, isFunction, floor: 0 });
  return (
    comment &&
    commentLines(text, comment)
      .map((line) => line.text)
      .join(' ')
  );
}

describe('the comment before', () => {
  test.each([
    ['/// a\n^int x;', 'a'],
    ['/// a\n\n\n^int x;', 'a'],
    ['/// a\nSEC("tp/@;{}") __weak\n^int x;', 'a'],
    ['SEC("tp")\n/// a\n^int x;', 'a'],
    ['/// a\n// plain; } {\n^int x;', 'a'],
    ['/// a\n^struct { int m; } x;', 'a'],
    ['/// a\n^struct { /// m\n int m; } x;', 'a'],
    ['/// a\n^struct {\n#ifdef A\n int m;\n#endif\n} x;', 'a'],
    ['^struct { int m; } /** a */ x;', 'a'],
    ['/// a\n^int (*x)(int);', 'a'],
    ['^int y = 1, /** a */ x;', 'a'],
    ['/// both\n^int y, x;', 'both'],
    ['^int /** of y */ y, x;', undefined],
    ['/// a\n#define A\n^int x;', undefined],
    ['/// a\n^int\n#if 1\nx;', undefined],
    ['/// a\nint y;\n^int x;', undefined],
    ['/// a\nint f() { }\n^int x;', undefined],
    ['int y; ///< of y\n^int x;', undefined],
    ['int y; /// of y\n^int x;', undefined],
    ['enum { /// a\n ^x }', 'a'],
    ['enum { A, /// of A\n ^x }', undefined],
    ['enum { A, /** a */ ^x }', 'a'],
    ['enum { /** of A */ A, ^x }', undefined],
    ['struct { /// a\n ^int y, x; }', 'a'],
    ['/// of the struct\nstruct { ^int x; }', undefined],
  ])('%j is %j', (source, expected) => expect(commentFor(source)).toBe(expected));
});

describe('the comment behind', () => {
  test.each([
    ['^int x; ///< a', 'a'],
    ['^int x; /* plain */ ///< a', 'a'],
    ['^int x; /// a', 'a'],
    ['^int x; /**< a */ int y;', 'a'],
    ['/// before\n^int x; ///< a', 'a'],
    ['^int x = 1 ///< a\n;', 'a'],
    ['^int x =\n 1; ///< a', 'a'],
    ['^int x, ///< a\n y; ///< b', 'a'],
    ['^int y, ///< b\n x; ///< a', 'a'],
    ['^int x[] = { 1, ///< one\n 2 }; ///< a', 'a'],
    ['^int (*x)(int); ///< a', 'a'],
    ['enum { ^x, ///< a\n B }', 'a'],
    ['enum { ^x = 1 ///< a\n}', 'a'],
    ['enum { ^x } e; ///< of e', undefined],
    ['^int x;\n///< on its own', undefined],
    ['^int x; int y; ///< of y', undefined],
    ['^int x; int y ///< of y\n;', undefined],
  ])('%j is %j', (source, expected) => expect(commentFor(source)).toBe(expected));

  test.each([
    ['^int x(int a /**< of a */) { return a; } ///< a', 'a'],
    ['^int x(void)\n{\n ///< inside\n}\n/// of what follows\nint y;', undefined],
    ['^int x(void); ///< a', 'a'],
  ])('a function, %j, is %j', (source, expected) => expect(commentFor(source, true)).toBe(expected));
});

test('a declaration that ends without a semicolon is a border too', () => {
  const source = new SourceText(Buffer.from('/// of FOO\nFOO(a)\nint x;'));
  const extent = { begin: 18, name: 22, end: 23 };
  expect(commentOf(source, { extent, isFunction: false, floor: 17 })).toBeUndefined();
  expect(commentOf(source, { extent, isFunction: false, floor: 0 })).toBeDefined();
});
