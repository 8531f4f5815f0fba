/** Many builds at once in one directory, of the same and of different sources: each result is right. docs/reliability.md: 50 of each. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { readPackage } from '../../src/package/unpack.ts';
import { ecc, TINY } from '../support/cli.ts';
import { testDirectory } from '../support/temporary.ts';

const COUNT = process.env.ECC_LONG_TESTS ? 50 : 8;
const source = (number: number) => TINY.replace('kill by', `program ${number} kill by`);

test(`${COUNT} builds of one source`, { timeout: 600_000 }, async () => {
  const directory = testDirectory();
  writeFileSync(path.join(directory, 'a.bpf.c'), TINY);
  const env = { ECC_CACHE_DIR: path.join(directory, 'cache'), ECC_CACHE_SIZE: '64' };
  const results = await Promise.all(
    Array.from({ length: COUNT }, () => ecc(['a.bpf.c'], { cwd: directory, env, timeoutMs: 500_000 })),
  );
  for (const result of results) expect(result).toMatchObject({ status: 0 });
  expect(readdirSync(directory).sort()).toEqual(['a.bpf.c', 'a.bpf.o', 'a.skel.json', 'cache', 'package.json']);
  const made = readFileSync(path.join(directory, 'package.json'));
  mkdirSync(path.join(directory, 'alone'));
  await ecc(['a.bpf.c', '-o', 'alone', '--no-cache'], { cwd: directory });
  expect(readFileSync(path.join(directory, 'alone', 'package.json'))).toEqual(made);
});

test(`${COUNT} builds of different sources, each twice`, { timeout: 600_000 }, async () => {
  const directory = testDirectory();
  const env = { ECC_CACHE_DIR: path.join(directory, 'cache'), ECC_CACHE_SIZE: '64' };
  const names = Array.from({ length: COUNT / 2 }, (_, i) => `p${i}`);
  for (const [i, name] of names.entries()) writeFileSync(path.join(directory, `${name}.bpf.c`), source(i));
  const builds = [...names, ...names].map((name) =>
    ecc([`${name}.bpf.c`, '--package-name', `${name}.json`], { cwd: directory, env, timeoutMs: 500_000 }),
  );
  for (const result of await Promise.all(builds)) expect(result).toMatchObject({ status: 0 });
  const expected = names.flatMap((name) => [`${name}.bpf.c`, `${name}.bpf.o`, `${name}.skel.json`, `${name}.json`]);
  expect(readdirSync(directory).sort()).toEqual([...expected, 'cache'].sort());
  for (const [i, name] of names.entries()) {
    const { object, meta } = await readPackage(readFileSync(path.join(directory, `${name}.json`)));
    expect(meta.bpf_skel.obj_name).toBe(`${name}_bpf`);
    expect(Buffer.from(object).equals(readFileSync(path.join(directory, `${name}.bpf.o`)))).toBe(true);
    expect(Buffer.from(object).toString('latin1')).toContain(`program ${i} kill by`);
  }
});
