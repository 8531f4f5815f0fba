import { describe, expect, test } from 'vitest';
import { commentLines } from './comment-lines.ts';
import { SourceText } from './source-text.ts';

/** The marks as one string, a doc comment as `D`. */
function marksOf(source: string): string {
  return new SourceText(Buffer.from(source)).marks.map(({ kind }) => (kind === 'doc' ? 'D' : kind)).join('');
}

function linesOf(source: string | Buffer): string[][] {
  const text = new SourceText(Buffer.from(source));
  return text.marks.flatMap((mark) =>
    mark.kind === 'doc' ? [commentLines(text, mark.comment).map((line) => line.text)] : [],
  );
}

describe('marks', () => {
  test.each([
    ['int a[2] = {1, 2};', '[]{,};'],
    ["\"/// no ; {\" '\"' ';' ;", ';'],
    [`"a\\"; /* " "b\\\n;"; '\\'';`, ';;'],
    ['"open\n;', ';'],
    ['/* ; { */ // ; {\n;', ';'],
    ['// goes on \\\n ; {\n;', ';'],
    ['/// doc\n//! doc\n/** doc */ /*! doc */', 'D'],
    ['//// ruler\n/*** banner ***/ /**/ /* plain */ // plain', ''],
    ['/////////\n/// Title\n/////////\nint x;', 'D;'],
    ['#define A { ; \\\n ( [\n;', '#;'],
    ['#error don\'t ; "\n;', '#;'],
    ['#define A "/*" // {\n;', '#;'],
    ['#define A 1 /* on\n ; and on */ {\n;', '#;'],
    ['#define A 1 ///< about A\n;', '#;'],
    ['/* first */ # define A ;\n;', '#;'],
  ])('of %j are %j', (source, expected) => expect(marksOf(source)).toBe(expected));

  test('pair up, each branch of an #if for itself', () => {
    const { marks } = new SourceText(
      Buffer.from('#ifdef A\nf(int a) {\n#elif B\nf(void) {\n#else\nf() {\n#endif\n}\n;'),
    );
    const close = marks.findIndex(({ kind }) => kind === '}');
    const last = marks.findLastIndex(({ kind }) => kind === '{');
    expect(marks[close]).toMatchObject({ match: last });
    expect(marks.filter((mark) => mark.kind === '{' && mark.match === undefined)).toHaveLength(2);
  });

  test('that do not pair up stay alone', () => {
    expect(
      new SourceText(Buffer.from(') ( ] }')).marks.every((mark) => 'match' in mark && mark.match === undefined),
    ).toBe(true);
  });

  test('count bytes, not characters', () => {
    const source = new SourceText(Buffer.from('/* é🐝 */\nint é;'));
    expect(source.marks[0]).toMatchObject({ kind: ';', start: 19 });
    expect(source.positionOf(19)).toEqual({ line: 2, column: 7 });
  });
});

describe('doc comments', () => {
  test.each([
    ['/// a\n/// b', [['a', 'b']]],
    ['/// a\r\n/// b\r\n', [['a', 'b']]],
    ['/// a\n\n/// b', [['a'], ['b']]],
    ['/// a\n// plain\n/// b', [['a'], ['b']]],
    ['/** a */\n/// b', [['a', 'b']]],
    ['int x; ///< a\n       ///< b\n/// c', [['a', 'b'], ['c']]],
    ['int x; /// a\n       /// b\n/// c', [['a', 'b'], ['c']]],
    ['int x; /// a\n/// c', [['a'], ['c']]],
    ['/// a \\\nb', [['a b']]],
    ['/**\n * a\n *\n * *b*\n c\n **/', [['', 'a', '', '*b*', 'c', '']]],
    ['/**< a */', [['a']]],
    ['///\ta\tb  ', [['a\tb']]],
    ['/// voilà', [['voilà']]],
  ])('%j say %j', (source, expected) => expect(linesOf(source)).toEqual(expected));

  test('that are not UTF-8 are read as Latin-1', () => {
    expect(linesOf(Buffer.from('/// José', 'latin1'))).toEqual([['José']]);
  });

  test('know whether they trail', () => {
    const trailing = (source: string) =>
      new SourceText(Buffer.from(source)).marks.flatMap((mark) => (mark.kind === 'doc' ? [mark.comment.trailing] : []));
    expect(trailing('int a; ///< yes')).toEqual([true]);
    expect(trailing('int a; /// yes')).toEqual([true]);
    expect(trailing('int a, /** no */ b;')).toEqual([false]);
    expect(trailing('SEC("x") /// no')).toEqual([false]);
    expect(trailing('/// no\nint a;')).toEqual([false]);
    expect(trailing('int f(void) { } /** yes */')).toEqual([true]);
  });
});

test('where names are declared at file scope', () => {
  const text = new SourceText(
    Buffer.from(`/* events */ #define events
struct events { int events; };
static const char *other = "events", // events
	n = '"';
struct { int a; } events SEC(".maps");
int BPF_PROG(on_exec, struct events *p) { int inner; return 0; }
`),
  );
  expect(text.findDeclared('events')).toEqual({ line: 5, column: 19 });
  expect(text.findDeclared('n')).toEqual({ line: 4, column: 2 });
  expect(text.findDeclared('on_exec')).toEqual({ line: 6, column: 14 });
  for (const name of ['inner', 'a', 'missing']) expect(text.findDeclared(name)).toBeUndefined();
});
