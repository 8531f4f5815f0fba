/** Reading the source: what can be wrong with it before a compiler is asked. */
import { accessSync, constants } from 'node:fs';
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

/** Refuses a missing file before anything else is said about the build. */
export function checkReadable(file: string): void {
  try {
    accessSync(file, constants.R_OK);
  } catch (error) {
    throw inputError(file, error);
  }
}
