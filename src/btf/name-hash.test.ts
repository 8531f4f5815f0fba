import { expect, test } from 'vitest';
import { hashName, makeNameKey } from './name-hash.ts';

const hash = (text: string, start = 0, key = { first: 0x2545f491, second: 0x1b873593 }) => {
  const bytes = Buffer.from(text);
  return hashName(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), start, key);
};

test('a name has the same hash wherever it lies, and however close to the end', () => {
  for (let length = 0; length < 12; length++) {
    const name = 'abcdefghijkl'.slice(0, length);
    const alone = hash(`${name}\0`);
    for (let before = 0; before < 5; before++) {
      for (const behind of ['', 'x', 'xy\0', 'wxyz\0\0more'])
        expect(hash(`${'-'.repeat(before)}${name}\0${behind}`, before)).toBe(alone);
    }
  }
});

test('names that differ in a byte, or in length, differ', () => {
  const names = [
    '',
    'a',
    'b',
    'ab',
    'ba',
    'abc',
    'abcd',
    'abcde',
    'abcdf',
    'xbcde',
    'abcdefgh',
    'abcd\x01',
    'abc\x80',
    'abc\xff',
  ];
  expect(new Set(names.map((name) => hash(`${name}\0`))).size).toBe(names.length);
});

test('bytes with the highest bit, which a product moves to where the next word can take it back, do not give collisions', () => {
  // behind a first word that differs in that bit only
  const pairs = Array.from({ length: 32 }, (_, bit) => {
    const first = Buffer.from('abcdefgh\0');
    const second = Buffer.from(first);
    second[3]! ^= 0x80;
    second.writeInt32LE(second.readInt32LE(4) ^ (1 << bit) ^ (1 << 31), 4);
    return [first, second] as const;
  });
  const key = makeNameKey();
  const of = (bytes: Buffer) => hashName(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, key);
  expect(pairs.filter(([first, second]) => of(first) === of(second))).toEqual([]);
});

test('what is behind 256 bytes does not count', () => {
  const start = 'x'.repeat(256);
  expect(hash(`${start}a\0`)).toBe(hash(`${start}b\0`));
  expect(hash(`${start.slice(1)}a\0`)).not.toBe(hash(`${start.slice(1)}b\0`));
});
