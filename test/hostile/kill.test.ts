/** A few builds killed at random moments; docs/reliability.md has the numbers of the long run. */
import { expect, test } from 'vitest';
import { ECC } from '../support/cli.ts';
import { testDirectory } from '../support/temporary.ts';
import { killBuilds } from './kill.ts';

const MOMENTS = process.env.ECC_LONG_TESTS ? 500 : 8;

test(`${MOMENTS} killed builds leave what was there or what was to be`, { timeout: MOMENTS * 30_000 }, async () => {
  const directory = testDirectory();
  const result = await killBuilds({ ecc: [process.execPath, ECC], directory, moments: MOMENTS, seed: 11 });
  expect(result.problems).toEqual([]);
  expect(result.moments).toBe(MOMENTS);
});
