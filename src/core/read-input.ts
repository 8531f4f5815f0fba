/** Reading a file that the user named, `-` for standard input, with errors that say what is wrong with it. */
import { readFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { IoError, UsageError } from './errors.ts';
import { reasonOf } from './system-error.ts';

/**
 * A file is read at once: in pieces, over other threads, the 5 MB of a kernel's types take as long as to open them, and many times that
 * from sysfs, which gives a page a time.
 * @throws {UsageError} `USAGE_NO_FILE` when it does not exist or is a directory.
 * @throws {IoError} `IO_READ_FAILED` for everything else.
 */
export async function readInput(file: string): Promise<Buffer> {
  try {
    return file === '-' ? await buffer(process.stdin) : readFileSync(file);
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
