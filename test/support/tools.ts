/** Where programs are. */
import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';

/** bpftool is not on a normal user's PATH in Debian. */
const SEARCHED = [...(process.env.PATH ?? '').split(':'), '/usr/local/sbin', '/usr/sbin', '/sbin'].filter(
  path.isAbsolute,
);

/** Path of a program: PATH, then the directories of system tools. */
export function findTool(name: string): string | undefined {
  return SEARCHED.map((directory) => path.join(directory, name)).find((file) => existsSync(file));
}

/** The clangs of this machine, `clang` first, none twice under two names. */
export function installedClangs(): string[] {
  const byFile = new Map<string, string>();
  for (const name of ['clang', 'clang-14', 'clang-16', 'clang-19']) {
    const found = findTool(name);
    if (found !== undefined && !byFile.has(realpathSync(found))) byFile.set(realpathSync(found), name);
  }
  return [...byFile.values()];
}
