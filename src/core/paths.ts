/** Where our own files are, and where the user's cache is. */
import { existsSync, readdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The directory of this package: the nearest one above the running file that holds `data/` and `templates/`. Works from source and
 * from the bundle in `dist/`.
 */
export function packageRoot(): string {
  let directory = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(directory, 'templates')) || !existsSync(path.join(directory, 'package.json'))) {
    const parent = path.dirname(directory);
    if (parent === directory) throw new Error('the files of ebpf-ecc are not beside its code');
    directory = parent;
  }
  return directory;
}

/** Kernel BTF that ships with us. */
export function dataDirectory(): string {
  return path.join(packageRoot(), 'data');
}

/** Text that generators fill, and headers that programs include. */
export function templateDirectory(): string {
  return path.join(packageRoot(), 'templates');
}

/**
 * The cache: `$ECC_CACHE_DIR`, else `ecc` in `$XDG_CACHE_HOME`, else in `~/.cache`. Not made here, and nothing depends on its
 * being writable.
 */
export function cacheDirectory(env: Readonly<Record<string, string | undefined>> = process.env): string {
  if (env.ECC_CACHE_DIR) return env.ECC_CACHE_DIR;
  return path.join(env.XDG_CACHE_HOME || path.join(env.HOME || os.homedir(), '.cache'), 'ecc');
}

/** False where nothing has been kept yet. A first build may well be the only one: what only makes later ones faster, it does not make. */
export function isCacheInUse(directory: string): boolean {
  try {
    return readdirSync(directory).length > 0;
  } catch {
    return false;
  }
}

/** The cache as an option names it: `false` for none, `undefined` for the user's. */
export function chosenCache(option: string | false | undefined): string | undefined {
  return option === false ? undefined : (option ?? cacheDirectory());
}
