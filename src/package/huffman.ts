/** Prefix codes as deflate wants them: lengths out of counts, words out of lengths (RFC 1951, 3.2.2). */

/**
 * The lengths of the words of a code that is short for what is frequent; 0 for what does not occur. A code of one word has length 1.
 * @param maxBits  no word is longer
 */
export function codeLengths(counts: Uint32Array, maxBits: number): Uint8Array {
  const lengths = new Uint8Array(counts.length);
  const used: number[] = [];
  for (let symbol = 0; symbol < counts.length; symbol++) if (counts[symbol]! > 0) used.push(symbol);
  if (used.length === 0) return lengths;
  used.sort((a, b) => counts[a]! - counts[b]! || a - b);
  const atLength = wordsPerLength(
    used.map((symbol) => counts[symbol]!),
    maxBits,
  );
  // the longest words for what is rarest
  let next = 0;
  for (let bits = maxBits; bits > 0; bits--)
    for (let left = atLength[bits]!; left > 0; left--) lengths[used[next++]!] = bits;
  return lengths;
}

/**
 * How many words of each length the best code has.
 * @param weights  ascending
 */
function wordsPerLength(weights: readonly number[], maxBits: number): number[] {
  const atLength = new Array<number>(maxBits + 1).fill(0);
  const leaves = weights.length;
  if (leaves === 1) {
    atLength[1] = 1;
    return atLength;
  }
  // a tree is put together from its lightest nodes; inner nodes come about in ascending order, so that two queues are enough
  const sums: number[] = [];
  const parents: number[] = new Array<number>(2 * leaves - 1).fill(0);
  let leaf = 0;
  let inner = 0;
  const lightest = () =>
    leaf < leaves && (inner >= sums.length || weights[leaf]! <= sums[inner]!) ? leaf++ : leaves + inner++;
  const weightOf = (node: number) => (node < leaves ? weights[node]! : sums[node - leaves]!);
  for (let node = leaves; node < 2 * leaves - 1; node++) {
    const first = lightest();
    const second = lightest();
    parents[first] = node;
    parents[second] = node;
    sums.push(weightOf(first) + weightOf(second));
  }
  const depths = new Uint8Array(2 * leaves - 1);
  for (let node = 2 * leaves - 3; node >= 0; node--) {
    depths[node] = Math.min(depths[parents[node]!]! + 1, 255);
    if (node < leaves) atLength[Math.min(depths[node]!, maxBits)]!++;
  }
  return withinLimit(atLength, maxBits);
}

/** Words that were cut to the limit take the place of others: a shorter one is made longer for each two too many. */
function withinLimit(atLength: number[], maxBits: number): number[] {
  let taken = atLength.reduce((sum, count, bits) => sum + count * 2 ** (maxBits - bits), 0);
  for (; taken > 2 ** maxBits; taken--) {
    let bits = maxBits - 1;
    while (atLength[bits] === 0) bits--;
    atLength[bits]!--;
    atLength[bits + 1]! += 2;
    atLength[maxBits]!--;
  }
  return atLength;
}

/** The words of a code, first bit lowest. */
export function codesOf(lengths: Uint8Array): Uint16Array {
  const starts = new Uint32Array(17);
  for (const length of lengths) if (length > 0) starts[length + 1]!++;
  for (let bits = 1; bits < starts.length; bits++) starts[bits] = (starts[bits - 1]! + starts[bits]!) << 1;
  return Uint16Array.from(lengths, (length) => (length === 0 ? 0 : reversed(starts[length]!++, length)));
}

function reversed(word: number, length: number): number {
  let result = 0;
  for (let bit = 0; bit < length; bit++) result |= ((word >> bit) & 1) << (length - 1 - bit);
  return result;
}
