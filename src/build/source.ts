/** Reading the source: what can be wrong with it before a compiler is asked. */
import { accessSync, constants, statSync } from 'node:fs';
import { UsageError } from '../core/errors.ts';
import { inputError, readInput } from '../core/read-input.ts';

/**
 * The bytes of a source or header. They need not be UTF-8: comments in Latin-1 are fine.
 * @throws {UsageError} `USAGE_NO_FILE`, or `USAGE_EMPTY` for a file without anything in it.
 * @throws {IoError} `IO_READ_FAILED`
 */
export async function readSource(file: string): Promise<Buffer> {
  const bytes = await readInput(file);
  if (bytes.length === 0)
    throw new UsageError('USAGE_EMPTY', 'the file is empty', {
      hint: 'a C source with at least one eBPF program or map is expected',
    }).in(file);
  return bytes;
}

/**
 * Refuses what cannot be compiled before anything else is said about the build: what is missing, and pipes and devices, which can be read
 * only once.
 * @throws {UsageError} `USAGE_NO_FILE` @throws {IoError} `IO_READ_FAILED`
 */
export function checkReadable(file: string): void {
  if (file === '-') throw noRegularFile('standard input cannot be compiled');
  try {
    accessSync(file, constants.R_OK);
  } catch (error) {
    throw inputError(file, error);
  }
  const info = statSync(file);
  if (!info.isFile() && !info.isDirectory()) throw noRegularFile('is a pipe or a device, a file is expected').in(file);
}

function noRegularFile(message: string): UsageError {
  return new UsageError('USAGE_NO_FILE', message, {
    hint: 'put it into a file: what is written for it is named after it, and goes into its directory',
  });
}
