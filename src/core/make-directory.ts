/** Making a directory with its parents. Node's own way of doing that never returns where the kernel says ENOENT though the parent is there: `/proc`. */
import { mkdirSync, statSync } from 'node:fs';
import path from 'node:path';

/** @throws {Error} with the `code` of the system's error, `EEXIST` for something that is no directory */
export function makeDirectory(directory: string): void {
  try {
    makeOne(directory);
  } catch (error) {
    const parent = path.dirname(directory);
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === directory) throw error;
    makeDirectory(parent);
    makeOne(directory);
  }
}

function makeOne(directory: string): void {
  try {
    mkdirSync(directory);
  } catch (error) {
    const exists = (error as NodeJS.ErrnoException).code === 'EEXIST';
    if (!exists || statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) throw error;
  }
}
