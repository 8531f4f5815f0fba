/** Directories and files of which nobody minds that they are not there. */
import { readdirSync, rmSync } from 'node:fs';

/** Sorted; none of a directory that cannot be read. */
export function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch {
    return [];
  }
}

/** Removes a file if it is there and that is allowed. */
export function removeFile(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    // it stays; what needs the place will say why it cannot have it
  }
}
