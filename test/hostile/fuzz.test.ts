/** A short piece of the long run (`npm run fuzz`), the same every time. docs/reliability.md has the long one's numbers. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Inputs, makeInputs } from './inputs.ts';

/** Numbers that once showed a defect, with what it was. */
const FOUND: readonly (readonly [number: number, what: string])[] = [
  [4779, 'a section of 2^53 bytes of zeros'],
  [15_419, 'a section of 824 GB of zeros'],
  [33_214, 'a section of 70 TB of zeros'],
];
const FIRST = 5_000_000;
const COUNT = 3000;

let inputs: Inputs;
beforeAll(async () => {
  inputs = await makeInputs();
});

async function outcomeOf(number: number): Promise<string> {
  const input = inputs.get(number);
  try {
    return await input.run();
  } catch (error) {
    throw new Error(`input ${number}, ${input.kind}`, { cause: error });
  }
}

describe('inputs from anybody', () => {
  afterAll(() => {
    expect(Object.keys(Object.prototype)).toEqual([]);
    expect(Object.keys(Array.prototype)).toEqual([]);
  });

  test(`${COUNT} of them give a value or an error that says why`, async () => {
    const outcomes = new Map<string, Set<string>>();
    for (let number = FIRST; number < FIRST + COUNT; number++) {
      const { kind } = inputs.get(number);
      const known = outcomes.get(kind) ?? new Set();
      outcomes.set(kind, known.add(await outcomeOf(number)));
    }
    expect([...outcomes.keys()].sort()).toEqual([...inputs.kinds].sort());
    // an input that is always refused, or never, tests nothing
    for (const [kind, codes] of outcomes) {
      if (kind !== 'package JSON, bytes damaged') expect(codes.has('value'), kind).toBe(true);
      expect(codes.size, kind).toBeGreaterThan(1);
    }
  });

  test.each(FOUND)('%i: %s', async (number) => {
    expect(await outcomeOf(number)).toMatch(/^(value|[A-Z_]+)$/);
  });
});
