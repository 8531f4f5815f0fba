/** Telling whether a file is still the one that it was, without reading it. */
import { statSync } from 'node:fs';

/**
 * Changes whenever a file is written or replaced; `undefined` when there is none.
 * @param before  milliseconds since 1970: a file that was changed later than that has no stamp either
 */
export function stampOf(file: string, before = Number.POSITIVE_INFINITY): string | undefined {
  try {
    const info = statSync(file, { throwIfNoEntry: false });
    if (info !== undefined && Math.max(info.mtimeMs, info.ctimeMs) > before) return undefined;
    return info?.isFile() === true ? `${info.ino} ${info.size} ${info.mtimeMs} ${info.ctimeMs}` : undefined;
  } catch {
    return undefined;
  }
}
