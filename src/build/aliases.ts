/** Links with names that clang can map, for directories with `=` in theirs, while clang runs. */
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { temporaryPrefix } from '../core/processes.ts';
import { renameDirectories, unmappableDirectories } from '../toolchain/aliases.ts';
import type { CompileJob } from '../toolchain/clang.ts';

/** Where links can be made when `TMPDIR` itself has such a name. */
const PLACES = ['/tmp', '/var/tmp', '/dev/shm'];

export interface AliasedJob {
  readonly job: CompileJob;
  /** What clang printed, with the names that the user gave. */
  readonly restore: (text: string) => string;
}

/** Calls `body` with a job whose directories can all be mapped, or, where no link can be made, with the job as it is. */
export async function withAliases<T>(
  job: CompileJob,
  workDirectory: string,
  body: (aliased: AliasedJob) => Promise<T>,
): Promise<T> {
  const directories = unmappableDirectories(job);
  const place = directories.length === 0 ? undefined : await linkDirectory(workDirectory);
  if (place === undefined) return body({ job, restore: (text) => text });
  try {
    const names = new Map(directories.map((directory, index) => [directory, path.join(place, `directory${index}`)]));
    for (const [directory, name] of names) await symlink(path.resolve(directory), name);
    const restore = (text: string) => {
      let restored = text;
      for (const [directory, name] of names) restored = restored.replaceAll(`${name}/`, `${directory}/`);
      return restored;
    };
    return await body({ job: renameDirectories(job, names), restore });
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

async function linkDirectory(workDirectory: string): Promise<string | undefined> {
  if (!workDirectory.includes('=')) {
    const directory = path.join(workDirectory, 'links');
    await mkdir(directory);
    return directory;
  }
  for (const place of PLACES) {
    const made = await mkdtemp(path.join(place, temporaryPrefix())).catch(() => undefined);
    if (made !== undefined) return made;
  }
  return undefined;
}
