import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sha256 } from '../../core/hash.ts';
import { cacheContents, clearCache } from './contents.ts';
import { CacheStore } from './store.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(os.tmpdir(), 'ecc-test-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const key = (text: string) => sha256(text);

/** All files below the store, with their sizes. */
function files(): Map<string, number> {
  const found = new Map<string, number>();
  for (const entry of readdirSync(path.join(root, 'builds'), { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (entry.isFile()) found.set(file, statSync(file).size);
  }
  return found;
}

/** Makes a blob one that was used long ago. */
function age(digest: string, seconds: number): void {
  const time = Date.now() / 1000 - seconds;
  utimesSync(path.join(root, 'builds', 'blobs', digest.slice(0, 2), digest.slice(2)), time, time);
}

describe('blobs', () => {
  test('come back as they were', () => {
    const store = new CacheStore(root);
    const digest = store.writeBlob('content');
    expect(digest).toBe(sha256('content'));
    expect(new CacheStore(root).readBlob(digest)?.toString()).toBe('content');
    expect(store.readBlob(key('other'))).toBeUndefined();
  });

  test('that are not what their name says are removed', () => {
    const store = new CacheStore(root);
    const digest = store.writeBlob('content');
    const file = path.join(root, 'builds', 'blobs', digest.slice(0, 2), digest.slice(2));
    writeFileSync(file, 'c0ntent');
    expect(store.readBlob(digest)).toBeUndefined();
    expect(store.writeBlob('content')).toBe(digest);
    expect(readFileSync(file, 'utf8')).toBe('content');
  });
});

describe('the bound', () => {
  test('what was not used for longest goes first', () => {
    const store = new CacheStore(root, 10_000);
    const digests = Array.from({ length: 9 }, (_, index) => store.writeBlob(String(index).repeat(1000)));
    for (const [index, digest] of digests.entries()) age(digest, 1000 - index);
    store.readBlob(digests[0]!);
    store.used([digests[1]!]);
    store.writeRecord(key('a'), 'x'.repeat(2000));
    const kept = digests.map((digest) => store.readBlob(digest) !== undefined);
    // 11,000 bytes become at most 8,000: the three that were not used for longest are gone
    expect(kept).toEqual([true, true, false, false, false, true, true, true, true]);
    expect(store.readRecord(key('a'))?.length).toBe(2000);
  });

  test('holds however much is written, also with the count gone or wrong', () => {
    for (let round = 0; round < 60; round++) {
      const store = new CacheStore(root, 50_000);
      store.writeBlob(`${round}`.padEnd(3000, '.'));
      store.writeRecord(key(`${round}`), `${round}`.padEnd(500, '.'));
      const count = path.join(root, 'builds', 'count');
      if (round % 7 === 3) rmSync(count);
      if (round % 7 === 5) writeFileSync(count, 'NaN');
      const bytes = [...files().values()].reduce((sum, size) => sum + size, 0);
      expect(bytes).toBeLessThan(60_000);
    }
    // the newest is never the victim
    expect(new CacheStore(root, 50_000).readRecord(key('59'))).toBeDefined();
  });

  test.each([
    ['7', 7 * 1024 * 1024],
    ['0', 0],
    ['0.5', 512 * 1024],
    ['many', 512 * 1024 * 1024],
    ['', 512 * 1024 * 1024],
    ['-3', 512 * 1024 * 1024],
  ])('ECC_CACHE_SIZE=%s', (text, bytes) => {
    process.env.ECC_CACHE_SIZE = text;
    try {
      expect(new CacheStore(root).maxBytes).toBe(bytes);
    } finally {
      delete process.env.ECC_CACHE_SIZE;
    }
  });
});

test('clearing removes what is ours and can be made again, and nothing else', () => {
  new CacheStore(root).writeBlob('content');
  writeFileSync(path.join(root, 'kernel-abc-v1'), 'k'.repeat(100));
  mkdirSync(path.join(root, 'clangd/x'), { recursive: true });
  writeFileSync(path.join(root, 'clangd/x/vmlinux.h'), '');
  writeFileSync(path.join(root, 'precious.txt'), 'not ours');
  const sizes = new Map(cacheContents(root).map(({ name, bytes }) => [name, bytes]));
  expect(sizes.get('finished builds')).toBe(7);
  expect(sizes.get('kernel types')).toBe(100);
  expect(clearCache(root, false).map(({ name }) => name)).toEqual(['finished builds', 'kernel types']);
  expect(readdirSync(root).sort()).toEqual(['clangd', 'precious.txt']);
  clearCache(root, true);
  expect(readdirSync(root)).toEqual(['precious.txt']);
});
