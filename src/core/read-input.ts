/** Reading a file that the user named, `-` for standard input, with errors that say what is wrong with it. */
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { IoError, UsageError } from './errors.ts';
import { reasonOf } from './system-error.ts';

/**
 * @throws {UsageError} `USAGE_NO_FILE` when it does not exist or is a directory.
 * @throws {IoError} `IO_READ_FAILED` for everything else.
 */
export async function readInput(file: string): Promise<Buffer> {
  try {
    return file === '-' ? await buffer(process.stdin) : await readFile(file);
  } catch (error) {
    throw inputError(file, error);
  }
}

/** What a file is called in messages. */
export function inputName(file: string): string {
  return file === '-' ? 'standard input' : file;
}

/** Why a file that the user named cannot be read. */
export function inputError(file: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) return error;
  if (code === 'ENOENT') return new UsageError('USAGE_NO_FILE', 'no such file', { cause: error }).in(file);
  if (code === 'ENOTDIR')
    return new UsageError('USAGE_NO_FILE', 'no such file: a part of the path is not a directory', { cause: error }).in(
      file,
    );
  if (code === 'EISDIR')
    return new UsageError('USAGE_NO_FILE', 'is a directory, a file is expected', { cause: error }).in(file);
  return new IoError('IO_READ_FAILED', `cannot be read: ${reasonOf(code)}`, {
    details: { errno: code },
    cause: error,
  }).in(file);
}
