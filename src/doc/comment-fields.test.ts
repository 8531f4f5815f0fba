import { describe, expect, test } from 'vitest';
import { readPieces } from './comment-commands.ts';
import { fieldsOf, proseOf } from './comment-fields.ts';

const piecesOf = (text: string) => readPieces(text.split('\n').map((line) => ({ text: line.trim(), offset: 0 })));
const fields = (text: string) => ({ ...fieldsOf(piecesOf(text)) });

describe('commands', () => {
  test.each([
    ['@cmdarg{"a":1}', { cmdarg: { a: 1 } }],
    ['\\cmdarg {"a":1}', { cmdarg: { a: 1 } }],
    ['@cmdarg\n{"a":\n1}', { cmdarg: { a: 1 } }],
    ['@cmdarg {"a": "x\ny"}', { cmdarg: { a: 'x y' } }],
    ['@cmdarg {"a": 1,\n\n"b": "}"}', { cmdarg: { a: 1, b: '}' } }],
    ['@cmdarg {"a": "@b"} tail\n@flag x', { cmdarg: { a: '@b' }, description: 'tail', flag: 'x' }],
    ['@cmdarg {broken @flag x', { cmdarg: '{broken', flag: 'x' }],
    ['@cmdarg {"a": 1\n\n@flag x', { cmdarg: '{"a": 1', flag: 'x' }],
    ['@list [1, {"a": []}] rest', { list: [1, { a: [] }], description: 'rest' }],
    ['@n 5\n@t true\n@z null\n@s "quoted"\n@w words here', { n: 5, t: true, z: null, s: 'quoted', w: 'words here' }],
    ['@n 5 apples', { n: '5 apples' }],
    ['@flag', {}],
    ['@brief', { brief: '' }],
    ['@brief {"a": 1}', { brief: '{"a": 1}' }],
    ['@brief one\n  two\n\nthree', { brief: 'one two', description: 'three' }],
    ['@detail x', { details: 'x' }],
    ['@a 1\n@a 2', { a: 2 }],
    ['@constructor x\n@toString y', { constructor: 'x', toString: 'y' }],
    ['@1x @-y a@b.c', { description: '@1x @-y a@b.c' }],
    ['C:\\foo mail@host <b>x</b>', { description: 'C:\\foo mail@host <b>x</b>' }],
  ])('%j give %j', (text, expected) => expect(fields(text)).toEqual(expected));

  test.each([
    ['text\n@param a first\nsecond line\n@return zero', { description: 'text', return: 'zero' }],
    ['@name other\ntext', { description: 'text' }],
    ['@code\n@cmdarg {"a": 1}\n\nmore\n@endcode\ntext', { description: 'text' }],
    ['@verbatim never closed', {}],
  ])('that say nothing about the entry are dropped: %j gives %j', (text, expected) =>
    expect(fields(text)).toEqual(expected),
  );
});

describe('descriptions', () => {
  test.each([
    ['one\ntwo\n\n\nthree', 'one two\n\nthree'],
    ['one\n@flag x\n\ntwo', 'one\n\ntwo'],
    ['one\n@cmdarg {} two', 'one two'],
    ['one\n\n@description two\n\nthree', 'one\n\ntwo\n\nthree'],
    ['@description first\n@description second', 'second'],
    ['42', '42'],
    ['@description 42', '42'],
    ['@description [0, 1]', '[0, 1]'],
    ['@description "quoted"', 'quoted'],
  ])('%j is %j', (text, expected) => expect(fields(text).description).toBe(expected));
});

describe('prose', () => {
  test.each([
    ['one\ntwo\n\nthree', 'one two\n\nthree'],
    ['@brief One.\n@details Two.\nthree', 'One.\n\nTwo. three'],
    ['@export\nan event', 'an event'],
    ['@export', undefined],
    ['in ns @unit ns\n@deprecated use y\n@see z', 'in ns\n\n@deprecated use y\n\n@see z'],
    ['@brief One.\n@cmdarg {} two', 'One. two'],
  ])('%j is %j', (text, expected) => expect(proseOf(piecesOf(text))).toBe(expected));
});

test('pieces know where they stand', () => {
  const [first, second] = readPieces([
    { text: 'é @flag x', offset: 10 },
    { text: '@n 1', offset: 40 },
  ]).filter(({ command }) => command !== undefined);
  expect(first!.offset).toBe(13);
  expect(second!.offset).toBe(40);
});
