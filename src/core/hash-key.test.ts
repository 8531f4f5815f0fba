import { describe, expect, test } from 'vitest';
import { HashKey } from './hash-key.ts';

const SLOTS = 256;
/** Numbers that a table with that key puts into one slot. */
function colliding(hashOf: (number: number) => number, count: number): number[] {
  const found: number[] = [];
  for (let number = 1; found.length < count; number++) if ((hashOf(number) & (SLOTS - 1)) === 7) found.push(number);
  return found;
}
const slotsOf = (numbers: readonly number[], hashOf: (number: number) => number): number =>
  new Set(numbers.map((number) => hashOf(number) & (SLOTS - 1))).size;

describe('what falls into one slot with one key does not with another', () => {
  test('words', () => {
    const [one, other] = [new HashKey(), new HashKey()];
    const numbers = colliding((number) => one.word(0, number), 1000);
    expect(slotsOf(numbers, (number) => one.word(0, number))).toBe(1);
    expect(slotsOf(numbers, (number) => other.word(0, number))).toBeGreaterThan(SLOTS / 4);
  });

  test('bytes', () => {
    const [one, other] = [new HashKey(), new HashKey()];
    const hashOf = (key: HashKey) => (number: number) => {
      const bytes = Buffer.from(`name_${number}`);
      return key.bytes(bytes, 0, bytes.length);
    };
    const numbers = colliding(hashOf(one), 1000);
    expect(slotsOf(numbers, hashOf(one))).toBe(1);
    expect(slotsOf(numbers, hashOf(other))).toBeGreaterThan(SLOTS / 4);
  });
});

test('differences in one word are not taken back by the next one', () => {
  // multiplication leaves the highest bit alone, so that these are all the same to hashes that only multiply, whatever the factor
  const key = new HashKey();
  const hashes = new Set<number>();
  for (let choice = 0; choice < 1024; choice++) {
    let hash = 0;
    for (let pair = 0; pair < 10; pair++) {
      const isFlipped = ((choice >> pair) & 1) === 1;
      hash = key.word(key.word(hash, isFlipped ? 0x80000000 : 0), isFlipped ? 0x80008000 : 0);
    }
    hashes.add(hash);
  }
  expect(hashes.size).toBeGreaterThan(1000);
});

test('bytes count from where they start to where they end', () => {
  const key = new HashKey();
  const hash = key.bytes(Buffer.from('name'), 0, 4);
  expect(key.bytes(Buffer.from('a name!'), 2, 6)).toBe(hash);
  expect(key.bytes(Buffer.from('names'), 0, 5)).not.toBe(hash);
});
