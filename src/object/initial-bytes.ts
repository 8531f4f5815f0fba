/** What a data section holds when the object is loaded. */
import { UnsupportedError } from '../core/errors.ts';
import type { DataSection } from './model.ts';

/** A section without contents may say that it has any size, and a few bytes of file would ask for gigabytes of memory. */
const MAX_ZEROS = 64 * 1024 * 1024;

/**
 * `size` bytes: a view into the object, or zeros.
 * @throws {UnsupportedError} `UNSUP_SECTION_SIZE` for more than 64 MB of zeros
 */
export function initialBytes({ name, size, data }: DataSection): Uint8Array {
  if (data !== undefined) return data;
  if (size <= MAX_ZEROS) return new Uint8Array(size);
  throw new UnsupportedError(
    'UNSUP_SECTION_SIZE',
    `${name}: ${size} bytes of zeros, more than ${MAX_ZEROS} are not handled`,
    {
      details: { section: name, size, limit: MAX_ZEROS },
      hint: 'keep data of that size in a map',
    },
  );
}
