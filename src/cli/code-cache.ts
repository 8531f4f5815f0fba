/**
 * The larger part of the bundle, with the bytecode that V8 made of it in an earlier run: compiling it takes as long as reading a kernel's
 * types. It is made with the bundle, for the Node that makes it; for another one it is kept in the cache directory.
 *
 * Bytecode is code: it is taken only from files that belong to the user or to whom the bundle belongs, and that nobody else can write.
 */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import nodeModule from 'node:module';
import path from 'node:path';
import { Script } from 'node:vm';
import { isCacheInUse } from '../core/paths.ts';

const DIGEST_SIZE = 32;
const OTHERS_MAY_WRITE = 0o022;
/** Beside the bundle. */
const MADE_WITH_BUNDLE = 'bytecode';

export interface CodeCache {
  /** Of a CommonJS file. */
  load(file: string): unknown;
  /** Keeps the bytecode of what was loaded, functions that have run included. Call it when the work is done. */
  keep(): void;
}

/**
 * @param directory  of the cache; bytecode goes into `code/` there, once the directory is in use
 * @param id  tells one bundle from another
 */
export function openCodeCache(directory: string, id: string): CodeCache {
  const isInUse = isCacheInUse(directory);
  const prefix = `${id}-${process.version}-${process.arch}`;
  const made: (() => void)[] = [];
  return {
    load(file) {
      const name = `${prefix}-${path.basename(file)}`;
      const cacheFile = path.join(directory, 'code', name);
      const places = [
        // as whole as the bundle itself; checking it would take node:crypto, before anything else has begun
        { file: path.join(path.dirname(file), MADE_WITH_BUNDLE, name), isChecked: false },
        { file: cacheFile, isChecked: true },
      ];
      return loadWithBytecode(file, places, (script) => made.push(() => keepOwn(cacheFile, script.createCachedData())));
    },
    keep() {
      if (isInUse) for (const keep of made) keep();
    },
  };
}

interface Place {
  readonly file: string;
  /** Whether its digest has to be right. */
  readonly isChecked: boolean;
}

/** @param onCompiled  told when there was no bytecode for it */
function loadWithBytecode(file: string, places: readonly Place[], onCompiled: (script: Script) => void): unknown {
  const { uid } = statSync(file);
  const cachedData = firstOf(places, (place) => readTrusted(place, [uid, process.getuid?.()]));
  const script = new Script(nodeModule.wrap(readFileSync(file, 'utf8')), {
    filename: file,
    ...(cachedData && { cachedData }),
  });
  if (cachedData === undefined || script.cachedDataRejected) onCompiled(script);
  const loaded = { exports: {} as unknown };
  const run = script.runInThisContext() as (...context: unknown[]) => void;
  run.call(loaded.exports, loaded.exports, nodeModule.createRequire(file), loaded, file, path.dirname(file));
  return loaded.exports;
}

function firstOf<T>(places: readonly Place[], read: (place: Place) => T | undefined): T | undefined {
  for (const place of places) {
    const found = read(place);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Bytes behind their digest; `undefined` for anything but a file of somebody who is trusted, and a whole one if that is checked. */
function readTrusted({ file, isChecked }: Place, owners: readonly (number | undefined)[]): Buffer | undefined {
  let handle: number | undefined;
  try {
    handle = openSync(file, 'r');
    const { uid, mode } = fstatSync(handle);
    if (!owners.includes(uid) || (mode & OTHERS_MAY_WRITE) !== 0) return undefined;
    const bytes = readFileSync(handle);
    const data = bytes.subarray(DIGEST_SIZE);
    return !isChecked || digest(data).equals(bytes.subarray(0, DIGEST_SIZE)) ? data : undefined;
  } catch {
    return undefined;
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}

function keepOwn(file: string, data: Buffer): void {
  try {
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    const temporary = `${file}.${process.pid}`;
    writeFileSync(temporary, Buffer.concat([digest(data), data]), { mode: 0o600 });
    renameSync(temporary, file);
  } catch {
    // it only costs time
  }
}

function digest(data: Uint8Array): Buffer {
  return createHash('sha256').update(data).digest();
}
