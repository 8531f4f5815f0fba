import { expect, test } from 'vitest';
import { mapParallel } from './parallel.ts';

const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test('results in the order of the items, no more than the limit at once', async () => {
  let running = 0;
  let most = 0;
  const results = await mapParallel([30, 1, 20, 5, 0], 2, async (ms, index) => {
    most = Math.max(most, ++running);
    await later(ms);
    running--;
    return `${index}:${ms}`;
  });
  expect(results).toEqual(['0:30', '1:1', '2:20', '3:5', '4:0']);
  expect(most).toBe(2);
});

test('the first failure, after what was under way, and nothing new', async () => {
  const begun: number[] = [];
  const done: number[] = [];
  const work = mapParallel([1, 2, 3, 4], 2, async (item) => {
    begun.push(item);
    await later(item === 2 ? 1 : 20);
    if (item === 2) throw new Error('two');
    done.push(item);
  });
  await expect(work).rejects.toThrow('two');
  expect(begun).toEqual([1, 2]);
  expect(done).toEqual([1]);
});

test('nothing to do', async () => {
  expect(await mapParallel([], 4, async () => 1)).toEqual([]);
});
