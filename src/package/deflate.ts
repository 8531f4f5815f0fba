/**
 * zlib's format (RFC 1950 and 1951), written for one use: an object of some kilobytes, compressed once by a process that has just started. What a
 * compressor costs there is V8 interpreting it, so this is a few short loops over typed arrays; and unlike Node's own zlib, which picks its matches
 * by what the processor can do, it gives the same bytes on every machine.
 */
import { codeLengths, codesOf } from './huffman.ts';

const MIN_MATCH = 3;
const MAX_MATCH = 258;
const MAX_DISTANCE = 1 << 15;
const HASH_BITS = 13;
/** How many earlier places are tried for a match, and the length that is good enough. */
const MAX_CHAIN = 24;
const GOOD_MATCH = 48;
/** A match of three bytes from farther away than this is longer than the bytes. */
const FAR = 4096;
/** Symbols of one block: instructions, types and strings each want a code of their own. */
const BLOCK_SYMBOLS = 1 << 11;

const END_OF_BLOCK = 256;
const FIRST_LENGTH = 257;
const LITERAL_CODES = 286;
const DISTANCE_CODES = 30;
const MAX_BITS = 15;
const MAX_LENGTH_BITS = 7;
/** The order in which the lengths of the codes for lengths are written: RFC 1951, 3.2.7. */
const LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** @returns a whole zlib stream */
export function deflate(input: Uint8Array): Uint8Array {
  const output = new BitWriter(input.length);
  output.bits(0x9c78, 16);
  const blocks = findMatches(input);
  for (const block of blocks) writeBlock(output, block, block === blocks.at(-1));
  output.align();
  const checksum = adler32(input);
  for (const shift of [24, 16, 8, 0]) output.bits((checksum >>> shift) & 0xff, 8);
  return output.result();
}

/** Literals as themselves; a match as its length, times 65536, and its distance less one. */
type Symbols = Int32Array;

/** At each place the longest match with what stands before; put off by a byte where the next place has a longer one. */
function findMatches(input: Uint8Array): Symbols[] {
  const blocks: Symbols[] = [];
  const { length } = input;
  const heads = new Int32Array(1 << HASH_BITS);
  // both count from 1: 0 is nowhere
  const earlier = new Int32Array(length + 1);
  let symbols = new Int32Array(Math.min(length + 1, BLOCK_SYMBOLS));
  let count = 0;
  let known = 0;
  let isPending = false;
  let pending = 0;
  let pendingDistance = 0;
  for (let at = 0; at <= length; ) {
    let best = pending < MIN_MATCH ? MIN_MATCH - 1 : pending;
    let distance = 0;
    const most = length - at < MAX_MATCH ? length - at : MAX_MATCH;
    if (most >= MIN_MATCH) {
      for (; known <= at; known++) {
        const word = input[known]! | (input[known + 1]! << 8) | (input[known + 2]! << 16);
        const slot = Math.imul(word, 0x9e3779b1) >>> (32 - HASH_BITS);
        earlier[known + 1] = heads[slot]!;
        heads[slot] = known + 1;
      }
      if (best < GOOD_MATCH && best < most) {
        let other = earlier[at + 1]! - 1;
        for (let chain = MAX_CHAIN; other >= 0 && at - other <= MAX_DISTANCE && chain > 0; chain--) {
          if (input[other + best] === input[at + best]) {
            let size = 0;
            while (size < most && input[other + size] === input[at + size]) size++;
            if (size > best && (size > MIN_MATCH || at - other <= FAR)) {
              best = size;
              distance = at - other;
              if (size >= GOOD_MATCH || size === most) break;
            }
          }
          other = earlier[other + 1]! - 1;
        }
      }
    }
    if (distance === 0 && pending >= MIN_MATCH) {
      symbols[count++] = (pending << 16) | (pendingDistance - 1);
      at += pending - 1;
      isPending = false;
      pending = 0;
    } else {
      if (isPending) symbols[count++] = input[at - 1]!;
      isPending = true;
      pending = distance === 0 ? 0 : best;
      pendingDistance = distance;
      at++;
    }
    if (count === BLOCK_SYMBOLS) {
      blocks.push(symbols);
      symbols = new Int32Array(BLOCK_SYMBOLS);
      count = 0;
    }
  }
  blocks.push(symbols.subarray(0, count));
  return blocks;
}

function writeBlock(output: BitWriter, symbols: Symbols, isLast: boolean): void {
  const literalCounts = new Uint32Array(LITERAL_CODES);
  const distanceCounts = new Uint32Array(DISTANCE_CODES);
  literalCounts[END_OF_BLOCK] = 1;
  for (let index = 0; index < symbols.length; index++) {
    const symbol = symbols[index]!;
    if (symbol < 256) {
      literalCounts[symbol]!++;
    } else {
      literalCounts[LENGTH_CODE[symbol >> 16]!]!++;
      distanceCounts[distanceCode(symbol & 0xffff)]!++;
    }
  }
  const literalLengths = codeLengths(literalCounts, MAX_BITS);
  const distanceLengths = codeLengths(distanceCounts, MAX_BITS);
  output.bits(isLast ? 5 : 4, 3);
  writeCodes(output, literalLengths, distanceLengths);
  const literals = codesOf(literalLengths);
  const distances = codesOf(distanceLengths);
  for (let index = 0; index < symbols.length; index++) {
    const symbol = symbols[index]!;
    if (symbol < 256) {
      output.bits(literals[symbol]!, literalLengths[symbol]!);
      continue;
    }
    const length = symbol >> 16;
    const code = LENGTH_CODE[length]!;
    output.bits(literals[code]!, literalLengths[code]!);
    output.bits(length - LENGTH_BASE[code - FIRST_LENGTH]!, LENGTH_EXTRA[code - FIRST_LENGTH]!);
    const distance = symbol & 0xffff;
    const far = distanceCode(distance);
    output.bits(distances[far]!, distanceLengths[far]!);
    output.bits(distance - DISTANCE_BASE[far]!, DISTANCE_EXTRA[far]!);
  }
  output.bits(literals[END_OF_BLOCK]!, literalLengths[END_OF_BLOCK]!);
}

/** The two codes themselves, as the lengths of their words, in runs: RFC 1951, 3.2.7. */
function writeCodes(output: BitWriter, literals: Uint8Array, distances: Uint8Array): void {
  const literalCount = lastUsed(literals, FIRST_LENGTH);
  const distanceCount = lastUsed(distances, 1);
  const lengths = [...literals.subarray(0, literalCount), ...distances.subarray(0, distanceCount)];
  const runs: [code: number, extra: number, bits: number][] = [];
  for (let at = 0; at < lengths.length; ) {
    const length = lengths[at]!;
    let end = at + 1;
    while (end < lengths.length && lengths[end] === length) end++;
    if (length !== 0) {
      runs.push([length, 0, 0]);
      at++;
    }
    for (; end - at >= 3; ) {
      const most = length !== 0 ? 6 : 138;
      const size = Math.min(end - at, most);
      if (length !== 0) runs.push([16, size - 3, 2]);
      else if (size < 11) runs.push([17, size - 3, 3]);
      else runs.push([18, size - 11, 7]);
      at += size;
    }
    for (; at < end; at++) runs.push([length, 0, 0]);
  }
  const counts = new Uint32Array(LENGTH_ORDER.length);
  for (const [code] of runs) counts[code]!++;
  const wordLengths = codeLengths(counts, MAX_LENGTH_BITS);
  const words = codesOf(wordLengths);
  let written = LENGTH_ORDER.length;
  while (written > 4 && wordLengths[LENGTH_ORDER[written - 1]!] === 0) written--;
  output.bits(literalCount - FIRST_LENGTH, 5);
  output.bits(distanceCount - 1, 5);
  output.bits(written - 4, 4);
  for (let index = 0; index < written; index++) output.bits(wordLengths[LENGTH_ORDER[index]!]!, 3);
  for (const [code, extra, bits] of runs) {
    output.bits(words[code]!, wordLengths[code]!);
    output.bits(extra, bits);
  }
}

function lastUsed(lengths: Uint8Array, least: number): number {
  let count = lengths.length;
  while (count > least && lengths[count - 1] === 0) count--;
  return count;
}

const LENGTH_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const LENGTH_BASE = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
];
/** By the length of a match. */
const LENGTH_CODE = lengthCodes();

function lengthCodes(): Uint16Array {
  const codes = new Uint16Array(MAX_MATCH + 1);
  let code = 0;
  for (let length = MIN_MATCH; length <= MAX_MATCH; length++) {
    while (code + 1 < LENGTH_BASE.length && LENGTH_BASE[code + 1]! <= length) code++;
    codes[length] = FIRST_LENGTH + code;
  }
  return codes;
}

/** Both by the code, for distances less one: from 4 on, each power of two has two codes. */
const DISTANCE_EXTRA = Array.from({ length: DISTANCE_CODES }, (_, code) => (code < 4 ? 0 : (code >> 1) - 1));
const DISTANCE_BASE = DISTANCE_EXTRA.map((extra, code) => (code < 4 ? code : (2 + (code & 1)) << extra));

function distanceCode(distance: number): number {
  if (distance < 4) return distance;
  const extra = 30 - Math.clz32(distance);
  return 2 * extra + 2 + ((distance >> extra) & 1);
}

function adler32(bytes: Uint8Array): number {
  let low = 1;
  let high = 0;
  for (let at = 0; at < bytes.length; ) {
    // as many as fit into 32 bits before the remainder has to be taken
    const end = Math.min(at + 3800, bytes.length);
    for (; at < end; at++) {
      low += bytes[at]!;
      high += low;
    }
    low %= 65521;
    high %= 65521;
  }
  return ((high << 16) | low) >>> 0;
}

/** Bits from the lowest of each byte on. */
class BitWriter {
  #bytes: Uint8Array;
  #length = 0;
  #word = 0;
  #filled = 0;

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity + 512);
  }

  /** @param count  up to 16 */
  bits(value: number, count: number): void {
    this.#word |= value << this.#filled;
    this.#filled += count;
    while (this.#filled >= 8) {
      if (this.#length === this.#bytes.length) this.#grow();
      this.#bytes[this.#length++] = this.#word;
      this.#word >>>= 8;
      this.#filled -= 8;
    }
  }

  /** Fills the last byte up. */
  align(): void {
    if (this.#filled > 0) this.bits(0, 8 - this.#filled);
  }

  result(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #grow(): void {
    const larger = new Uint8Array(2 * this.#bytes.length);
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}
