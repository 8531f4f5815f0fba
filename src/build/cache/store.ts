/**
 * Files in the cache directory: blobs under the digest of their content, small records under a key. Writers put whole files in place by
 * renaming, so any number of processes can share the directory; a blob is checked against its name when it is read, and what is broken
 * counts as absent. The directory is bounded: what was not used for longest goes first.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { sha256 } from '../../core/hash.ts';

const DEFAULT_MAX_BYTES = 512 * 1024 * 1024;
/** After a removal there is room for a while. */
const TRIM_TO = 0.8;
/** One store in so many looks at the size of the whole directory. */
const TRIM_EVERY = 16;

export type Shelf = 'blobs' | 'records';

export interface CacheStats {
  readonly files: number;
  readonly bytes: number;
}

export class CacheStore {
  readonly directory: string;
  readonly maxBytes: number;

  /** Nothing is made until something is stored. */
  constructor(directory: string, maxBytes: number = maxBytesOf(process.env.ECC_CACHE_SIZE)) {
    this.directory = path.join(directory, 'builds');
    this.maxBytes = maxBytes;
  }

  /** A blob by its digest; `undefined` when it is not there or not what its name says. */
  readBlob(digest: string): Buffer | undefined {
    const bytes = this.#read('blobs', digest);
    if (bytes === undefined || sha256(bytes) === digest) return bytes;
    rmSync(this.#file('blobs', digest), { force: true });
    return undefined;
  }

  /** @returns the digest */
  writeBlob(content: Uint8Array | string): string {
    const digest = sha256(content);
    if (!this.#touch('blobs', digest)) this.#write('blobs', digest, content);
    return digest;
  }

  readRecord(key: string): Buffer | undefined {
    return this.#read('records', key);
  }

  writeRecord(key: string, content: string): void {
    this.#write('records', key, content);
    if (randomBytes(1)[0]! % TRIM_EVERY === 0) this.trim();
  }

  stats(): CacheStats {
    const files = this.#list();
    return { files: files.length, bytes: files.reduce((sum, { size }) => sum + size, 0) };
  }

  /** Removes what was used least recently until the rest fits. */
  trim(maxBytes: number = this.maxBytes): void {
    const files = this.#list();
    let bytes = files.reduce((sum, { size }) => sum + size, 0);
    if (bytes <= maxBytes) return;
    files.sort((a, b) => a.usedMs - b.usedMs);
    for (const { file, size } of files) {
      if (bytes <= maxBytes * TRIM_TO) return;
      rmSync(file, { force: true });
      bytes -= size;
    }
  }

  clear(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  #file(shelf: Shelf, name: string): string {
    return path.join(this.directory, shelf, name.slice(0, 2), name.slice(2));
  }

  #read(shelf: Shelf, name: string): Buffer | undefined {
    try {
      const bytes = readFileSync(this.#file(shelf, name));
      this.#touch(shelf, name);
      return bytes;
    } catch {
      return undefined;
    }
  }

  /** Marks a file as used now; false when it is not there. */
  #touch(shelf: Shelf, name: string): boolean {
    try {
      const now = Date.now() / 1000;
      utimesSync(this.#file(shelf, name), now, now);
      return true;
    } catch {
      return false;
    }
  }

  /** A cache that cannot be written costs time, nothing else. */
  #write(shelf: Shelf, name: string, content: Uint8Array | string): void {
    const file = this.#file(shelf, name);
    const temporary = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
    try {
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(temporary, content);
      renameSync(temporary, file);
    } catch {
      rmSync(temporary, { force: true });
    }
  }

  #list(): { readonly file: string; readonly size: number; readonly usedMs: number }[] {
    const found: { file: string; size: number; usedMs: number }[] = [];
    let names: string[];
    try {
      names = readdirSync(this.directory, { recursive: true, encoding: 'utf8' });
    } catch {
      return found;
    }
    for (const name of names) {
      const file = path.join(this.directory, name);
      const info = statSync(file, { throwIfNoEntry: false });
      if (info?.isFile()) found.push({ file, size: info.size, usedMs: info.mtimeMs });
    }
    return found;
  }
}

/** `$ECC_CACHE_SIZE` in megabytes. */
function maxBytesOf(text: string | undefined): number {
  const megabytes = Number(text);
  return text !== undefined && megabytes > 0 ? megabytes * 1024 * 1024 : DEFAULT_MAX_BYTES;
}
