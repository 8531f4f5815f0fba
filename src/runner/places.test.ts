/** The search for the symbol that an address follows. */
import { expect, test } from 'vitest';
import { findPlace } from './places.ts';

test('the greatest place that is not above, of equal ones the first', () => {
  const places = Float64Array.of(10, 20, 20, 20, 30);
  expect([9, 10, 19, 20, 29, 30, 99].map((wanted) => findPlace(places, wanted))).toEqual([-1, 0, 0, 1, 1, 4, 4]);
  expect(findPlace(new Float64Array(0), 1)).toBe(-1);
});
