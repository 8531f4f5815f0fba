/** A directory for what the tools exchange, removed when the work is done; when the process is killed, by a later build. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { IoError } from '../core/errors.ts';
import { temporaryPrefix } from '../core/processes.ts';
import { isSystemError, reasonOf } from '../core/system-error.ts';

const WRITING = new Set(['write', 'mkdir', 'open', 'fsync', 'close', 'rename', 'copyfile']);

/** @throws {IoError} `IO_NO_TEMP` when there is no place for temporary files, `IO_WRITE_FAILED` when they cannot be written. */
export async function withWorkDirectory<T>(body: (directory: string) => Promise<T>): Promise<T> {
  const directory = makeWorkDirectory();
  try {
    return await body(directory);
  } catch (error) {
    throw isSystemError(error) && WRITING.has(error.syscall!) ? writingError(directory, error) : error;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function makeWorkDirectory(): string {
  try {
    return mkdtempSync(path.join(os.tmpdir(), temporaryPrefix()));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new IoError('IO_NO_TEMP', `no directory for temporary files can be made in ${os.tmpdir()}: ${code}`, {
      hint: 'set TMPDIR to a directory that can be written',
      cause: error,
    });
  }
}

function writingError(directory: string, error: NodeJS.ErrnoException & { readonly code: string }): IoError {
  return new IoError('IO_WRITE_FAILED', `temporary files cannot be written: ${reasonOf(error.code)}`, {
    details: { errno: error.code, syscall: error.syscall },
    hint: 'free some space there, or set TMPDIR to another directory',
    cause: error,
  }).in(path.dirname(directory));
}
