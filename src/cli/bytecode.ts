/**
 * Pieces of the bundle with the bytecode that V8 made of them: compiling takes longer than all else that a short command does. Bytecode for the
 * Node that made the bundle lies beside it; ./code-cache.ts keeps that for another one.
 *
 * Bytecode is code: it is taken only from files that belong to the user or to whom the bundle belongs, and that nobody else can write.
 */
import { closeSync, fstatSync, openSync, readFileSync, statSync } from 'node:fs';
import nodeModule from 'node:module';
import path from 'node:path';
import { Script } from 'node:vm';
import { BUILD_ID, VERSION } from '../core/version.ts';

const OTHERS_MAY_WRITE = 0o022;
/** Beside the pieces. */
const MADE_WITH_BUNDLE = 'bytecode';

/** A CommonJS file; compiled, as far as it is not in the bytecode, when its functions run. */
export function loadPiece(file: string): unknown {
  return runPiece(file, bundledBytecode(file)).exports;
}

/** The name of a piece's bytecode, which is good for one bundle and one Node. */
export function bytecodeName(file: string): string {
  return `${BUILD_ID ?? VERSION}-${process.version}-${process.arch}-${path.basename(file)}`;
}

/** As whole as the bundle itself: checking it would take node:crypto, before anything else has begun. */
export function bundledBytecode(file: string): Buffer | undefined {
  return readTrusted(path.join(path.dirname(file), MADE_WITH_BUNDLE, bytecodeName(file)), file);
}

/** @returns `undefined` for anything but a file of the user's or of whom that other file belongs to, which nobody else can write */
export function readTrusted(file: string, ofSameOwner: string): Buffer | undefined {
  let handle: number | undefined;
  try {
    handle = openSync(file, 'r');
    const { uid, mode } = fstatSync(handle);
    const isOurs = uid === statSync(ofSameOwner).uid || uid === process.getuid?.();
    return isOurs && (mode & OTHERS_MAY_WRITE) === 0 ? readFileSync(handle) : undefined;
  } catch {
    return undefined;
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}

export interface RunningPiece {
  readonly exports: unknown;
  readonly script: Script;
}

export function runPiece(file: string, cachedData: Buffer | undefined): RunningPiece {
  const source = nodeModule.wrap(readFileSync(file, 'utf8'));
  const script = new Script(source, { filename: file, ...(cachedData && { cachedData }) });
  const loaded = { exports: {} as unknown };
  const run = script.runInThisContext() as (...context: unknown[]) => void;
  run.call(loaded.exports, loaded.exports, nodeModule.createRequire(file), loaded, file, path.dirname(file));
  return { exports: loaded.exports, script };
}
