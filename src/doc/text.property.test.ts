/** Whatever a comment or a source holds, it is read to its end, without an error and without going astray. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { commentOf } from './attach.ts';
import { readPieces } from './comment-commands.ts';
import { fieldsOf, proseOf } from './comment-fields.ts';
import { commentLines } from './comment-lines.ts';
import { SourceText } from './source-text.ts';

const scraps = [
  '/*',
  '*/',
  '//',
  '///',
  '/**',
  '<',
  '"',
  "'",
  '\\',
  '\n',
  '\r\n',
  '#if',
  '#else',
  '#endif',
  '#',
  ' ',
  'é',
  'x',
];
const source = fc.array(fc.constantFrom(...scraps, ...';,(){}[]@'), { maxLength: 60 }).map((parts) => parts.join(''));
const words = [
  '@cmdarg',
  '@brief',
  '@param',
  '@code',
  '@endcode',
  '@',
  '\\',
  '{',
  '}',
  '[',
  ']',
  '"',
  ':',
  ',',
  '1',
  'x',
  '\n',
  ' ',
];
const comment = fc.array(fc.constantFrom(...words), { maxLength: 60 }).map((parts) => parts.join(''));

test('marks follow each other, and brackets pair up both ways', () => {
  fc.assert(
    fc.property(source, (text) => {
      const { marks } = new SourceText(Buffer.from(text));
      let end = 0;
      marks.forEach((mark, index) => {
        expect(mark.start).toBeGreaterThanOrEqual(end);
        expect(mark.end).toBeGreaterThan(mark.start);
        end = mark.end;
        if ('match' in mark && mark.match !== undefined) expect(marks[mark.match]).toMatchObject({ match: index });
      });
    }),
  );
});

test('attaching ends, wherever a declaration is said to be', () => {
  fc.assert(
    fc.property(source, fc.nat(80), fc.nat(80), fc.boolean(), (text, a, b, isFunction) => {
      const read = new SourceText(Buffer.from(text));
      const extent = { begin: Math.min(a, b), name: Math.max(a, b), end: Math.max(a, b) + 1 };
      const found = commentOf(read, { extent, isFunction, floor: 0 });
      if (found !== undefined) expect(commentLines(read, found).length).toBeGreaterThan(0);
    }),
  );
});

test('a comment is read whatever it says', () => {
  fc.assert(
    fc.property(comment, (text) => {
      const pieces = readPieces(text.split('\n').map((line) => ({ text: line.trim(), offset: 0 })));
      const { description } = fieldsOf(pieces);
      expect(['string', 'undefined']).toContain(typeof description);
      proseOf(pieces);
    }),
  );
});

test('long input does not take for ever', () => {
  const long = (text: string) => text.repeat(4000);
  const start = performance.now();
  for (const text of [
    long('/**/'),
    long('"'),
    long("'\\"),
    long('/*'),
    long('#('),
    `int x; ${long('/* */')}x ///< y`,
    long('/** {" */\n'),
  ]) {
    new SourceText(Buffer.from(text));
  }
  for (const text of [long('@a {"'), long('{['), long('@a "\n'), long('@code ')]) readPieces([{ text, offset: 0 }]);
  expect(performance.now() - start).toBeLessThan(3000);
});
