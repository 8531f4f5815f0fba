/** A table that knows where its names occur gives the same headers, and the same answers, as one that has to look. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { findNames } from '../btf/declare/name-marks.ts';
import { isComposite, isEnum, Kind } from '../btf/kinds.ts';
import { indexOccurrences, packOccurrences, unpackOccurrences } from '../btf/occurrences.ts';
import { Btf } from '../btf/table.ts';
import { sha256 } from '../core/hash.ts';
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

/** The same table, which does not know where its names are. */
function plainOf({ words, offsets, strings, firstOwnId, firstOwnString, littleEndian }: Btf): Btf {
  return new Btf({ words, offsets, strings, firstOwnId, firstOwnString, littleEndian });
}

describe.each(listKernels())('$arch $version', ({ arch, version }) => {
  test('headers of all fixtures', async () => {
    const btf = await readKernelBtf(arch, version);
    const plain = plainOf(btf);
    const different = scans.filter((scan) => makeHeader(btf, scan).text !== makeHeader(plain, scan).text);
    expect(scans.length).toBeGreaterThan(20);
    expect(different.length).toBe(0);
  });

  test('every name is found where it is, and nothing else', async () => {
    const btf = await readKernelBtf(arch, version);
    const plain = plainOf(btf);
    const names = new Set<string>();
    for (const id of plain.ids()) {
      if (id % 97 !== 0) continue;
      names.add(plain.name(id));
      if (isComposite(plain.kind(id)) && plain.vlen(id) > 0) names.add(plain.memberName(id, 0));
      if (isEnum(plain.kind(id))) for (let i = 0; i < plain.vlen(id); i++) names.add(plain.enumeratorName(id, i));
    }
    names.delete('');
    for (const stranger of ['no_such_name', 'task_struc', 'ask_struct', 'x'.repeat(5000)]) names.add(stranger);
    const found = findNames(btf, names);
    const wanted = findNames(plain, names);
    for (const [name, offsets] of found) expect(wanted.get(name)).toEqual(offsets);
    // names of members and parameters, and of what is no name in C, it has not
    const typeNames = new Set<number>();
    for (const id of plain.ids()) {
      const kind = plain.kind(id);
      if (kind !== Kind.int && kind !== Kind.float && kind !== Kind.typeTag) typeNames.add(plain.nameOff(id));
      if (!isEnum(kind)) continue;
      const step = kind === Kind.enum ? 2 : 3;
      for (let i = 0; i < plain.vlen(id); i++) typeNames.add(plain.words[plain.offsets[id]! + 3 + i * step]!);
    }
    expect(found.size).toBeGreaterThan(100);
    for (const [name, [at]] of wanted) expect(found.get(name)).toEqual(typeNames.has(at!) ? [at] : undefined);
  });

  test('the index that ships is the one of its types, and names lead to all that bear them', async () => {
    const btf = await readKernelBtf(arch, version);
    const { arrays } = btf.occurrences!;
    const made = indexOccurrences(btf);
    expect(Buffer.compare(Buffer.from(packOccurrences(arrays)), Buffer.from(packOccurrences(made)))).toBe(0);
    for (const name of ['task_struct', 'list_head', 'bpf_kfunc', 'PIDTYPE_PID', 'bool']) {
      const bearers = [...btf.ids()].filter((id) => {
        const values = isEnum(btf.kind(id)) ? btf.vlen(id) : 0;
        const names = Array.from({ length: values }, (_, index) => btf.enumeratorName(id, index));
        return btf.name(id) === name || names.includes(name);
      });
      const at = btf.occurrences!.find(name);
      expect(at === 0 ? [] : btf.occurrences!.bearers(at)).toEqual(bearers);
    }
  });
});

test('bytes that are no index are told from one', () => {
  const good = { starts: Uint32Array.of(0, 2, 2), ids: Uint16Array.of(1, 3) };
  const packed = packOccurrences(good);
  expect(unpackOccurrences(packed)).toEqual(good);
  expect(unpackOccurrences(packed.slice(0, -2))).toBeUndefined();
  expect(unpackOccurrences(new Uint8Array())).toBeUndefined();
  expect(unpackOccurrences(Uint8Array.of(255, 255, ...packed.slice(2)))).toBeUndefined();
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
  const partsOf = ({ words, offsets, strings, occurrences }: Btf) =>
    [words, offsets, strings, occurrences!.arrays.starts, occurrences!.arrays.ids].map((part) => sha256(bytesOf(part)));
  expect(partsOf(second)).toEqual(partsOf(first));
  expect(second.named('task_struct')).toEqual(first.named('task_struct'));
});

function bytesOf({ buffer, byteOffset, byteLength }: NodeJS.TypedArray): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
