/** Whatever is compressed, Node's zlib gives back; and it takes little more room than zlib would. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { deflateSync, inflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deflate } from './deflate.ts';
import { codeLengths, codesOf } from './huffman.ts';

function roundTrip(input: Uint8Array): void {
  expect(inflateSync(deflate(input)).equals(input)).toBe(true);
}

describe('what is deflated inflates to the same', () => {
  test('nothing, a byte, a run, all bytes', () => {
    for (const input of [[], [0], [255], new Array(1000).fill(7), Array.from({ length: 256 }, (_, byte) => byte)])
      roundTrip(Uint8Array.from(input));
  });

  test('bytes of few and of many kinds, with and without repetitions', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 400 }),
      fc.uint8Array({ maxLength: 2000, max: 3 }),
      fc
        .tuple(fc.uint8Array({ minLength: 1, maxLength: 80 }), fc.array(fc.nat({ max: 79 }), { maxLength: 200 }))
        .map(([text, places]) => Uint8Array.from(places.flatMap((at) => [...text.subarray(at % text.length), at]))),
    );
    fc.assert(fc.property(bytes, roundTrip), { numRuns: 400 });
  });

  test('matches from as far away as there are, and farther, over many blocks', () => {
    const noise = pseudoRandom(40_000);
    for (const gap of [32_700, 32_768, 32_769, 33_000, 39_000])
      roundTrip(Buffer.concat([noise.subarray(0, 300), noise.subarray(300, gap), noise.subarray(0, 300)]));
    roundTrip(Buffer.concat(Array.from({ length: 60 }, (_, at) => noise.subarray(at * 100, at * 100 + 8000))));
  });

  test('symbols so unlike in number that words would be longer than there may be', () => {
    const counts = [1, 1];
    while (counts.length < 17) counts.push(counts.at(-1)! + counts.at(-2)!);
    const shuffled = counts.flatMap((count, symbol) => new Array<number>(count).fill(symbol * 7));
    const order = pseudoRandom(shuffled.length * 4);
    const keyed = shuffled.map((symbol, at) => ({ symbol, key: order.readUInt32LE(at * 4) }));
    roundTrip(Uint8Array.from(keyed.sort((a, b) => a.key - b.key).map(({ symbol }) => symbol)));
  });
});

test('takes at most a twentieth more than zlib for text', () => {
  const text = readFileSync(path.join(import.meta.dirname, 'deflate.ts'));
  expect(deflate(text).length).toBeLessThan(deflateSync(text).length * 1.05);
});

describe('codes', () => {
  const counts = fc.oneof(
    fc.array(fc.nat({ max: 50 }), { minLength: 1, maxLength: 286 }),
    fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 30 }).map((bits) => bits.map((n) => 2 ** n)),
  );

  test('no word is longer than allowed, none begins another, and together they leave nothing over', () => {
    fc.assert(
      fc.property(counts, fc.constantFrom(9, 15), (list, maxBits) => {
        const lengths = codeLengths(Uint32Array.from(list), maxBits);
        const used = [...lengths].filter((length) => length > 0);
        expect(used).toHaveLength(list.filter((count) => count > 0).length);
        if (used.length < 2) return;
        expect(Math.max(...used)).toBeLessThanOrEqual(maxBits);
        expect(used.reduce((sum, length) => sum + 2 ** -length, 0)).toBe(1);
        const words = [...codesOf(lengths)].flatMap((word, symbol) => bitsOf(word, lengths[symbol]!));
        for (const word of words) expect(words.filter((other) => other.startsWith(word))).toEqual([word]);
      }),
    );
  });

  test('what is frequent has no longer a word than what is rare', () => {
    fc.assert(
      fc.property(counts, (list) => {
        const lengths = codeLengths(Uint32Array.from(list), 15);
        for (const [a, first] of list.entries())
          for (const [b, second] of list.entries())
            if (first > second && second > 0) expect(lengths[a]).toBeLessThanOrEqual(lengths[b]!);
      }),
      { numRuns: 30 },
    );
  });
});

/** First bit first; nothing for a symbol without a word. */
function bitsOf(word: number, length: number): string[] {
  return length === 0 ? [] : [[...word.toString(2).padStart(length, '0')].reverse().join('')];
}

/** Bytes that do not repeat, the same in every run. */
function pseudoRandom(length: number): Buffer {
  let state = 1;
  return Buffer.from(
    Array.from({ length }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state >>> 24;
    }),
  );
}
