/** Bytecode of the bundle's larger pieces, kept in the cache directory for a Node that did not make the bundle: see ./bytecode.ts. */
import { createHash } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isCacheInUse } from '../core/paths.ts';
import { bundledBytecode, bytecodeName, readTrusted, runPiece } from './bytecode.ts';

const DIGEST_SIZE = 32;

export interface CodeCache {
  /** Of a CommonJS file. */
  load(file: string): unknown;
  /** Keeps the bytecode of what was loaded, functions that have run included. Call it when the work is done. */
  keep(): void;
}

/** @param directory  of the cache; bytecode goes into `code/` there, once the directory is in use */
export function openCodeCache(directory: string): CodeCache {
  const isInUse = isCacheInUse(directory);
  const made: (() => void)[] = [];
  return {
    load(file) {
      const cacheFile = path.join(directory, 'code', bytecodeName(file));
      const bundled = bundledBytecode(file);
      const bytecode = bundled ?? keptBytecode(cacheFile, file);
      const { exports, script } = runPiece(file, bytecode);
      // what the bundle has is only refused for flags of the engine, and those are no reason to keep another
      if (bundled === undefined && (bytecode === undefined || script.cachedDataRejected))
        made.push(() => keepBytecode(cacheFile, script.createCachedData()));
      return exports;
    },
    keep() {
      if (isInUse) for (const keep of made) keep();
    },
  };
}

/** The bytes behind their digest. */
function keptBytecode(cacheFile: string, piece: string): Buffer | undefined {
  const kept = readTrusted(cacheFile, piece);
  const data = kept?.subarray(DIGEST_SIZE);
  return data !== undefined && digest(data).equals(kept!.subarray(0, DIGEST_SIZE)) ? data : undefined;
}

function keepBytecode(file: string, data: Buffer): void {
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
