/**
 * What builds that were killed left behind: work directories among the temporary files, and half-written files in the cache. Looked for while
 * the compiler runs, and by `ecc cache clear`. Removed is only what bears a name of ours and belongs to this user, and whose process is gone:
 * one of this machine as soon as it is, what others left (containers may share a directory) when no build takes that long.
 */
import { lstatSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { namesIn } from '../core/directory.ts';
import { isRunning, machineId } from '../core/processes.ts';

const MINUTE = 60_000;
/** Compilers may outlive the process that started them. */
const DEAD_AFTER_MS = MINUTE;
/** Writing a file of the cache takes a moment. */
const STALE_AFTER_MS = 60 * MINUTE;
const FOREIGN_AFTER_MS = 24 * 60 * MINUTE;

interface Place {
  readonly directory: string;
  /** How old a thing of that name must be; `undefined`: it is none of ours, or in use. */
  readonly removeAfterMs: (name: string) => number | undefined;
}

function placesOf(cacheDir: string | undefined): Place[] {
  const machine = machineId();
  const temporary: Place = {
    directory: os.tmpdir(),
    removeAfterMs(name) {
      // as temporaryPrefix() names them
      const [, owner, pid] = /^ecc-([0-9a-f]{8})-(\d+)-\w{6}$/.exec(name) ?? [];
      if (owner === undefined) return undefined;
      if (owner !== machine) return FOREIGN_AFTER_MS;
      return isRunning(Number(pid)) ? undefined : DEAD_AFTER_MS;
    },
  };
  if (cacheDir === undefined) return [temporary];
  const stale = (pattern: RegExp, afterMs: number) => (name: string) => (pattern.test(name) ? afterMs : undefined);
  return [
    temporary,
    { directory: cacheDir, removeAfterMs: stale(/^kernel-[\w-]+\.[0-9a-f]{12}$/, STALE_AFTER_MS) },
    { directory: cacheDir, removeAfterMs: stale(/^btfhub-archive\.\d+$/, FOREIGN_AFTER_MS) },
    ...['tools', 'code', 'headers', 'vmlinux'].map((part) => ({
      directory: path.join(cacheDir, part),
      removeAfterMs: stale(/\.\d+$/, STALE_AFTER_MS),
    })),
  ];
}

/** Never fails: what cannot be removed stays. @returns what was removed */
export function removeLeftovers(cacheDir: string | undefined): string[] {
  return placesOf(cacheDir).flatMap(clean);
}

function clean({ directory, removeAfterMs }: Place): string[] {
  return namesIn(directory).flatMap((name) => {
    const afterMs = removeAfterMs(name);
    if (afterMs === undefined) return [];
    const file = path.join(directory, name);
    try {
      const { uid, mtimeMs } = lstatSync(file);
      if (uid !== process.getuid?.() || Date.now() - mtimeMs < afterMs) return [];
      rmSync(file, { recursive: true, force: true });
      return file;
    } catch {
      return [];
    }
  });
}
