/** A table that knows where its names occur gives the same headers, and the same answers, as one that has to look. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { findNames } from '../btf/declare/name-marks.ts';
import { indexOccurrences } from '../btf/occurrences.ts';
import { Btf } from '../btf/table.ts';
import { listKernels, readKernelBtf } from './data.ts';
import { makeHeader } from './make-header.ts';
import { scanSource } from './scan/scan-source.ts';

const fixtures = path.join(import.meta.dirname, '../../fixtures');
const scans = readdirSync(fixtures, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.bpf.c'))
  .map((name) => {
    const source = path.join(fixtures, name);
    const includePaths = [{ path: '/usr/include', system: true }];
    return scanSource({ source, text: readFileSync(source, 'utf8'), includePaths });
  });

function indexed(btf: Btf): Btf {
  const { words, offsets, strings, firstOwnId, firstOwnString, littleEndian } = btf;
  const occurrences = indexOccurrences(btf);
  return new Btf({ words, offsets, strings, firstOwnId, firstOwnString, littleEndian, occurrences });
}

describe.each(listKernels())('$arch $version', ({ arch, version }) => {
  test('headers of all fixtures', async () => {
    const plain = await readKernelBtf(arch, version);
    const btf = indexed(plain);
    const different = scans.filter((scan) => makeHeader(btf, scan).text !== makeHeader(plain, scan).text);
    expect(scans.length).toBeGreaterThan(20);
    expect(different.length).toBe(0);
  });

  test('every name is found where it is, and nothing else', async () => {
    const plain = await readKernelBtf(arch, version);
    const btf = indexed(plain);
    const names = new Set<string>();
    for (const id of plain.ids()) if (id % 97 === 0) names.add(plain.name(id));
    names.delete('');
    for (const stranger of ['no_such_name', 'task_struc', 'ask_struct', 'x'.repeat(5000)]) names.add(stranger);
    const found = findNames(btf, names);
    const wanted = findNames(plain, names);
    // the index has names of types, members and enumerators; parameters' it has not
    for (const [name, offsets] of found) expect(wanted.get(name)).toEqual(offsets);
    const typeNames = new Set<number>();
    for (const id of plain.ids()) typeNames.add(plain.nameOff(id));
    for (const [name, [at]] of wanted) if (typeNames.has(at!)) expect(found.get(name)).toEqual([at]);
  });
});

test('the copy in the cache is such a table', async () => {
  const { testDirectory } = await import('../../test/support/temporary.ts');
  const cacheDirectory = testDirectory();
  const { arch } = listKernels()[0]!;
  const waiting: (() => void)[] = [];
  const first = await readKernelBtf(arch, undefined, { cacheDirectory, whenIdle: (work) => waiting.push(work) });
  expect(readdirSync(cacheDirectory)).toEqual([]);
  for (const work of waiting) work();
  const start = performance.now();
  while (!readdirSync(cacheDirectory).some((name) => /-v\d+$/.test(name))) {
    if (performance.now() - start > 10_000) throw new Error('no copy');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const [file] = readdirSync(cacheDirectory);
  expect(statSync(path.join(cacheDirectory, file!)).size % 4).toBe(0);
  const second = await readKernelBtf(arch, undefined, { cacheDirectory });
  expect(first.occurrences).toBeUndefined();
  expect(second.occurrences).toBeDefined();
  expect(Buffer.from(second.strings).equals(Buffer.from(first.strings))).toBe(true);
  expect(second.words).toEqual(first.words);
  expect(second.offsets).toEqual(first.offsets);
  expect(second.named('task_struct')).toEqual(first.named('task_struct'));
});
