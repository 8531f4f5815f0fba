/**
 * Files in the cache directory: blobs under the digest of their content, small records and notes under a key. Writers put whole files in place by
 * renaming, so any number of processes can share the directory; a blob is checked against its name when it is read, and what is broken
 * counts as absent. The directory is bounded: what was not used for longest goes first.
 */
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { removeFile } from '../../core/directory.ts';
import { sha256 } from '../../core/hash.ts';
import { makeDirectory } from '../../core/make-directory.ts';
import { type Shelf, shelfFile, storeDirectory } from './shelves.ts';

const MEGABYTE = 1024 * 1024;
const DEFAULT_MAX_BYTES = 512 * MEGABYTE;
/** After a removal there is room for a while. */
const TRIM_TO = 0.8;
/** What is in the directory is counted along as it is written, and measured when the count says it is full, or is this old. */
const MEASURE_AFTER_MS = 24 * 3600 * 1000;
const COUNT = 'count';
/** What a writer that was killed left is of no use; writing takes a moment. */
const HALF_WRITTEN = /\.\d+\.[0-9a-f]{8}$/;
const STALE_AFTER_MS = 3600 * 1000;

export class CacheStore {
  /** The cache directory, which holds other things too. */
  readonly root: string;
  readonly directory: string;
  readonly maxBytes: number;
  #written = 0;

  /** Nothing is made until something is stored. */
  constructor(root: string, maxBytes: number = maxBytesOf(process.env.ECC_CACHE_SIZE)) {
    this.root = root;
    this.directory = storeDirectory(root);
    this.maxBytes = maxBytes;
  }

  /** A blob by its digest; `undefined` when it is not there or not what its name says. */
  readBlob(digest: string): Buffer | undefined {
    const bytes = this.#read('blobs', digest);
    if (bytes === undefined || sha256(bytes) === digest) return bytes;
    removeFile(this.#file('blobs', digest));
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

  /** Call it after the blobs that the record names: a crash in between leaves blobs that nobody asks for. */
  writeRecord(key: string, content: string): void {
    this.#write('records', key, content);
    this.#count();
  }

  /** Something small that is lost without harm; who reads it checks its content. */
  writeNote(name: string, content: string): void {
    this.#write('notes', name, content);
  }

  /** Blobs that are as good as read. */
  used(digests: readonly string[]): void {
    for (const digest of digests) this.#touch('blobs', digest);
  }

  /** Removes what was never finished, then what was used least recently until the rest fits. */
  trim(maxBytes: number = this.maxBytes): void {
    const files = this.#list().filter(({ file, usedMs }) => {
      const isStale = HALF_WRITTEN.test(file) && Date.now() - usedMs > STALE_AFTER_MS;
      if (isStale) removeFile(file);
      return !isStale;
    });
    let bytes = files.reduce((sum, { size }) => sum + size, 0);
    if (bytes > maxBytes) {
      files.sort((a, b) => a.usedMs - b.usedMs);
      for (const { file, size } of files) {
        if (bytes <= maxBytes * TRIM_TO) break;
        removeFile(file);
        bytes -= size;
      }
    }
    this.#put(path.join(this.directory, COUNT), String(bytes));
  }

  #count(): void {
    const file = path.join(this.directory, COUNT);
    const known = readCount(file);
    const bytes = (known?.bytes ?? Number.NaN) + this.#written;
    this.#written = 0;
    const isGood = known !== undefined && bytes <= this.maxBytes && Date.now() - known.measuredMs < MEASURE_AFTER_MS;
    if (isGood) this.#put(file, String(bytes), known.measuredMs);
    else this.trim();
  }

  #file(shelf: Shelf, name: string): string {
    return shelfFile(this.root, shelf, name);
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

  #write(shelf: Shelf, name: string, content: Uint8Array | string): void {
    const file = this.#file(shelf, name);
    if (this.#put(file, content)) this.#written += Buffer.byteLength(content);
  }

  /** A cache that cannot be written costs time, nothing else. */
  #put(file: string, content: Uint8Array | string, modifiedMs?: number): boolean {
    const temporary = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
    try {
      makeDirectory(path.dirname(file));
      writeFileSync(temporary, content);
      if (modifiedMs !== undefined) utimesSync(temporary, modifiedMs / 1000, modifiedMs / 1000);
      renameSync(temporary, file);
      return true;
    } catch {
      removeFile(temporary);
      return false;
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
      if (name === COUNT) continue;
      const file = path.join(this.directory, name);
      const info = statSync(file, { throwIfNoEntry: false });
      if (info?.isFile()) found.push({ file, size: info.size, usedMs: info.mtimeMs });
    }
    return found;
  }
}

/** The modification time is that of the last measurement. */
function readCount(file: string): { readonly bytes: number; readonly measuredMs: number } | undefined {
  try {
    return { bytes: Number(readFileSync(file, 'utf8')), measuredMs: statSync(file).mtimeMs };
  } catch {
    return undefined;
  }
}

/** `$ECC_CACHE_SIZE` in megabytes; 0 for nothing at all, the default for what is no number. */
function maxBytesOf(text: string | undefined): number {
  const megabytes = text === undefined || text.trim() === '' ? Number.NaN : Number(text);
  return megabytes >= 0 ? megabytes * MEGABYTE : DEFAULT_MAX_BYTES;
}
