/** A directory for what the tools exchange, removed when the work is done, whatever happens. */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { IoError } from '../core/errors.ts';

/** @throws {IoError} `IO_NO_TEMP` when there is no place for temporary files. */
export async function withWorkDirectory<T>(body: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'ecc-')).catch((error: NodeJS.ErrnoException) => {
    throw new IoError('IO_NO_TEMP', `no directory for temporary files can be made in ${os.tmpdir()}: ${error.code}`, {
      hint: 'set TMPDIR to a directory that can be written',
      cause: error,
    });
  });
  try {
    return await body(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
