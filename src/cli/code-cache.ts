/**
 * The larger part of the bundle, with the bytecode that V8 made of it in an earlier run: compiling it takes as long as reading a kernel's
 * types. Node 22 and later do this by themselves when asked; for Node 20 it is done here.
 *
 * Bytecode is code: it is taken only from files that are ours and that nobody else can write.
 */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import nodeModule from 'node:module';
import path from 'node:path';
import { Script } from 'node:vm';
import { isCacheInUse } from '../core/paths.ts';

const DIGEST_SIZE = 32;
const OTHERS_MAY_WRITE = 0o022;

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
export function openCodeCache(directory: string, id: string, load: NodeRequire): CodeCache {
  const place = path.join(directory, 'code');
  const { enableCompileCache } = nodeModule as { enableCompileCache?: (directory: string) => unknown };
  const isInUse = isCacheInUse(directory);
  if (enableCompileCache !== undefined) {
    if (isInUse) enableCompileCache(place);
    return { load, keep: () => {} };
  }
  const made: (() => void)[] = [];
  return {
    load: (file) => loadWithBytecode(file, path.join(place, `${id}-${process.version}-${process.arch}`), made),
    keep: () => {
      if (isInUse) for (const keep of made) keep();
    },
  };
}

function loadWithBytecode(file: string, stem: string, made: (() => void)[]): unknown {
  const cacheFile = `${stem}-${path.basename(file)}`;
  const cachedData = readOwn(cacheFile);
  const script = new Script(nodeModule.wrap(readFileSync(file, 'utf8')), {
    filename: file,
    ...(cachedData && { cachedData }),
  });
  if (cachedData === undefined || script.cachedDataRejected)
    made.push(() => keepOwn(cacheFile, script.createCachedData()));
  const loaded = { exports: {} as unknown };
  const run = script.runInThisContext() as (...context: unknown[]) => void;
  run.call(loaded.exports, loaded.exports, nodeModule.createRequire(file), loaded, file, path.dirname(file));
  return loaded.exports;
}

/** Bytes behind their digest; `undefined` for anything but a whole file of ours. */
function readOwn(file: string): Buffer | undefined {
  let handle: number | undefined;
  try {
    handle = openSync(file, 'r');
    const { uid, mode } = fstatSync(handle);
    if (uid !== process.getuid?.() || (mode & OTHERS_MAY_WRITE) !== 0) return undefined;
    const bytes = readFileSync(handle);
    const data = bytes.subarray(DIGEST_SIZE);
    return digest(data).equals(bytes.subarray(0, DIGEST_SIZE)) ? data : undefined;
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
