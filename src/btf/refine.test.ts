import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { refineCircles } from './circles.ts';
import type { Classes } from './classes.ts';
import { refine } from './refine.ts';
import type { TypeGraph } from './words.ts';

/** A graph by its lists of references, and which types are the same at first, by label; type 0 is void. */
interface Labelled {
  readonly refs: readonly (readonly number[])[];
  readonly labels: readonly number[];
  readonly leafLabels: readonly number[];
}

/** What {@link refine} is given: types of one label that have as many references are the same at first. */
function prepare({ refs, labels, leafLabels }: Labelled): { graph: TypeGraph; start: Classes; leaves: Uint8Array } {
  const starts = new Uint32Array(refs.length + 1);
  refs.forEach((list, id) => {
    starts[id + 1] = starts[id]! + list.length;
  });
  const known = new Map<string, number>();
  const start = Uint32Array.from(refs, (list, id) => {
    const key = id === 0 ? 'void' : `${labels[id]} ${list.length}`;
    if (!known.has(key)) known.set(key, id);
    return known.get(key)!;
  });
  const leaves = Uint8Array.from(labels, (label, id) => Number(id > 0 && leafLabels.includes(label)));
  return { graph: { starts, refs: Uint32Array.from(refs.flat()) }, start, leaves };
}

/** The definition: all are looked at again and again, until nothing is split any more. */
function refineNaively({ refs, labels, leafLabels }: Labelled): number[] {
  const { start } = prepare({ refs, labels, leafLabels });
  let classes = [...start];
  for (;;) {
    const known = new Map<string, number>();
    const next = classes.map((own, id) => {
      const isLeaf = id === 0 || leafLabels.includes(labels[id]!);
      const key = `${own}: ${isLeaf ? '' : refs[id]!.map((ref) => classes[ref])}`;
      if (!known.has(key)) known.set(key, id);
      return known.get(key)!;
    });
    if (next.every((found, id) => found === classes[id])) return next;
    classes = next;
  }
}

const refined = (given: Labelled): number[] => {
  const { graph, start, leaves } = prepare(given);
  return [...refine(graph, start, leaves)];
};
const chainTo = (length: number, ends: readonly number[][]): Labelled => ({
  refs: [[], ...Array.from({ length }, (_, i) => [i + 2]), ...ends],
  labels: new Array(1 + length + ends.length).fill(0),
  leafLabels: [],
});

describe('property: the classes are those of the definition', () => {
  const check = (shape: fc.Arbitrary<Labelled>, numRuns: number): void => {
    fc.assert(
      fc.property(shape, (given) => {
        expect(refined(given)).toEqual(refineNaively(given));
      }),
      { numRuns },
    );
  };

  test('for any graph, of types that are much alike', () => {
    const shape = fc.integer({ min: 2, max: 24 }).chain((count) =>
      fc.record({
        refs: fc
          .array(fc.array(fc.nat(count - 1), { maxLength: 3 }), { minLength: count - 1, maxLength: count - 1 })
          .map((lists) => [[], ...lists]),
        labels: fc.array(fc.nat(2), { minLength: count, maxLength: count }),
        leafLabels: fc.constantFrom([], [], [2]),
      }),
    );
    check(shape, 2000);
  });

  test('for graphs in which each type has one reference: circles, and trees that lead to them', () => {
    const shape = fc.integer({ min: 2, max: 40 }).chain((count) =>
      fc.record({
        refs: fc
          .array(fc.integer({ min: 1, max: count - 1 }), { minLength: count - 1, maxLength: count - 1 })
          .map((list) => [[], ...list.map((ref) => [ref])]),
        labels: fc.array(fc.constantFrom(0, 0, 0, 1), { minLength: count, maxLength: count }),
        leafLabels: fc.constant([]),
      }),
    );
    check(shape, 1000);
  });

  test('for circles side by side, of which some go round in others', () => {
    // the same few words again and again, so that circles of different lengths are the same
    const word = fc.constantFrom([0], [0, 1], [0, 0, 1]);
    const circle = fc
      .tuple(word, fc.integer({ min: 1, max: 4 }))
      .map(([letters, times]) => Array.from({ length: times }, () => letters).flat());
    const shape = fc.array(circle, { minLength: 1, maxLength: 5 }).map((circles) => {
      const refs: number[][] = [[]];
      for (const letters of circles) {
        const first = refs.length;
        letters.forEach((_, i) => {
          refs.push([first + ((i + 1) % letters.length)]);
        });
      }
      return { refs, labels: [0, ...circles.flat()], leafLabels: [] };
    });
    check(shape, 500);
  });
});

test('property: what refers to types in circles only, without a look at what is near', () => {
  const shape = fc.integer({ min: 2, max: 30 }).chain((count) => {
    const ref = fc.integer({ min: 1, max: count - 1 });
    const lists = fc.oneof(
      fc.array(fc.tuple(ref), { minLength: count - 1, maxLength: count - 1 }),
      fc.array(fc.tuple(ref, ref), { minLength: count - 1, maxLength: count - 1 }),
    );
    return fc.record({
      refs: lists.map((given) => [[], ...given]),
      labels: fc.array(fc.constantFrom(0, 0, 0, 1), { minLength: count, maxLength: count }),
      leafLabels: fc.constant([]),
    });
  });
  fc.assert(
    fc.property(shape, (given) => {
      const { graph, start } = prepare(given);
      const open = Uint32Array.from(given.refs.keys()).subarray(1);
      const refined = refineCircles(graph, open, start.subarray(1));
      const lowest = [...refined].map((id) => refined.indexOf(id) + 1);
      expect([0, ...lowest]).toEqual(refineNaively(given));
    }),
    { numRuns: 1000 },
  );
});

describe('far apart', () => {
  test('a chain of types that differ in nothing but how far it is to its end', () => {
    const chain = chainTo(2000, [[]]);
    expect(new Set(refined(chain)).size).toBe(2002);
  });

  test('a chain that leads back into itself is one type', () => {
    expect(new Set(refined(chainTo(2000, [[1000]])))).toEqual(new Set([0, 1]));
  });
});
