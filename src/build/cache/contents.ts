/** What is in the cache directory, by what it is for, and removing it. Only what we put there is touched: the directory can be anybody's. */
import { lstatSync, rmSync } from 'node:fs';
import path from 'node:path';
import { namesIn } from '../../core/directory.ts';

export interface CachePart {
  readonly name: string;
  readonly files: number;
  readonly bytes: number;
}

interface PartDescription {
  readonly name: string;
  /** Which entries of the directory belong to it. */
  readonly entries: RegExp;
  /** Can be made again in a moment. What was downloaded, or what an editor is using, is not removed unasked. */
  readonly isCheap: boolean;
}

const PARTS: readonly PartDescription[] = [
  { name: 'finished builds', entries: /^builds$/, isCheap: true },
  { name: 'kernel types', entries: /^kernel-/, isCheap: true },
  { name: 'small headers', entries: /^vmlinux$/, isCheap: true },
  { name: 'precompiled headers', entries: /^headers$/, isCheap: true },
  { name: 'compiled code', entries: /^code$/, isCheap: true },
  { name: 'answers of tools', entries: /^tools$/, isCheap: true },
  { name: 'files being written', entries: /^staging$/, isCheap: true },
  { name: 'headers for editors', entries: /^clangd$/, isCheap: false },
  { name: 'BTF archive', entries: /^btfhub-archive/, isCheap: false },
];

/** In a fixed order, also those that are empty. */
export function cacheContents(directory: string): CachePart[] {
  const entries = namesIn(directory);
  return PARTS.map(({ name, entries: pattern }) => {
    const sizes = entries
      .filter((entry) => pattern.test(entry))
      .flatMap((entry) => sizesOf(path.join(directory, entry)));
    return { name, files: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
  });
}

/**
 * Removes everything that can be made again in a moment.
 * @param all  also what was downloaded and what editors use
 * @returns what was removed
 * @throws {NodeJS.ErrnoException} something cannot be removed
 */
export function clearCache(directory: string, all: boolean): CachePart[] {
  const before = cacheContents(directory);
  const entries = namesIn(directory);
  return PARTS.flatMap(({ entries: pattern, isCheap }, index) => {
    if (!isCheap && !all) return [];
    for (const entry of entries.filter((name) => pattern.test(name)))
      rmSync(path.join(directory, entry), { recursive: true, force: true, maxRetries: 3 });
    return before[index]!.files > 0 ? [before[index]!] : [];
  });
}

function sizesOf(file: string): number[] {
  const info = lstatSync(file, { throwIfNoEntry: false });
  if (info === undefined) return [];
  return info.isDirectory() ? namesIn(file).flatMap((entry) => sizesOf(path.join(file, entry))) : [info.size];
}
