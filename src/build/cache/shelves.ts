/** Where files lie in the cache directory: apart from what reads and writes them, since an unchanged build looks at one and is done. */
import path from 'node:path';

/** Contents under their digest; what builds read and wrote, under a key; small texts that are lost without harm. */
export type Shelf = 'blobs' | 'records' | 'notes';

/** @param root  the cache directory, which holds other things too */
export function storeDirectory(root: string): string {
  return path.join(root, 'builds');
}

export function shelfFile(root: string, shelf: Shelf, name: string): string {
  return path.join(storeDirectory(root), shelf, name.slice(0, 2), name.slice(2));
}
