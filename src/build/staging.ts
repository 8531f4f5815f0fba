/**
 * Where half-written files lie until they are whole: a directory of ours on the file system of the target where there is one, else the
 * target's own. What a killed build left there, the next one that comes by removes: a name tells the process, and the machine
 * on which it counts.
 *
 * A file keeps the group and the access list that it got where it was made. Where the target's directory gives its files others (set-group-ID,
 * a default ACL), the staging file is made there, empty, and moved away at once.
 */
import {
  accessSync,
  closeSync,
  constants,
  fstatSync,
  openSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
} from 'node:fs';
import path from 'node:path';
import { namesIn, removeFile } from '../core/directory.ts';
import { makeDirectory } from '../core/make-directory.ts';
import { isRunning, machineId } from '../core/processes.ts';

/** A file without a name; not among Node's constants. The number is that of all architectures that Node runs on. */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;

/** Makes staging files; looks for the place for a directory of targets once. */
export class Staging {
  readonly #candidates: readonly string[];
  readonly #machine = machineId();
  readonly #found = new Map<string, string>();
  readonly #given = new Map<string, Stats | undefined>();
  readonly #names: string[] = [];
  /** With it and a count, names are unique: no two processes of one number run at the same time. */
  readonly #time = Date.now();

  /** @param candidates  directories that may hold staging files, most wanted first; made when missing */
  constructor(candidates: readonly string[]) {
    this.#candidates = candidates;
  }

  /**
   * Makes an empty file on the file system of `target`, whose directory exists, with owner, group, mode and access list as if it were
   * made there.
   * @param mode  before the umask
   */
  create(target: string, mode: number): { readonly path: string; readonly fd: number } {
    const own = path.dirname(target);
    let directory = this.#found.get(own);
    if (directory === undefined) {
      directory = this.#choose(own);
      this.#found.set(own, directory);
    }
    const name = `.ecc-${this.#machine}-${process.pid}-${this.#uniqueHex()}.tmp`;
    const [near, away] = [path.join(own, name), path.join(directory, name)];
    this.#names.push(away);
    const fd = openSync(away, 'wx', mode);
    try {
      if (near === away || isAlike(fstatSync(fd), this.#givenBy(own, mode))) return { path: away, fd };
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    closeSync(fd);
    rmSync(away);
    const file = this.#createNear(near, away, mode);
    return { path: file, fd: openSync(file, 'r+') };
  }

  /** Removes what was made and not moved to its target. */
  clear(): void {
    for (const file of this.#names.splice(0)) removeFile(file);
  }

  #uniqueHex(): string {
    return `${this.#time.toString(16)}${this.#names.length.toString(16).padStart(4, '0')}`;
  }

  /** What a file in a directory is given; unknown where the file system makes no files without a name. */
  #givenBy(directory: string, mode: number): Stats | undefined {
    const key = `${mode} ${directory}`;
    if (!this.#given.has(key)) this.#given.set(key, probe(directory, mode));
    return this.#given.get(key);
  }

  /** Nothing comes between the two calls but the end of the process; what that leaves is empty, and swept up by the next build. */
  #createNear(near: string, away: string, mode: number): string {
    this.#sweep(path.dirname(near));
    this.#names.push(near);
    closeSync(openSync(near, 'wx', mode));
    try {
      renameSync(near, away);
      return away;
    } catch {
      // mounts and encryption may forbid it
      return near;
    }
  }

  #choose(own: string): string {
    const { dev } = statSync(own);
    let chosen = own;
    for (const directory of this.#candidates) {
      // a rename is atomic within one file system only
      if (isUsable(directory, dev)) {
        chosen = directory;
        break;
      }
    }
    this.#sweep(chosen);
    return chosen;
  }

  #sweep(directory: string): void {
    for (const name of namesIn(directory)) {
      const [, machine, pid] = /^\.ecc-([0-9a-f]+)-(\d+)-[0-9a-f]+\.tmp$/.exec(name) ?? [];
      if (machine === this.#machine && !isRunning(Number(pid))) removeFile(path.join(directory, name));
    }
  }
}

function probe(directory: string, mode: number): Stats | undefined {
  try {
    const fd = openSync(directory, O_TMPFILE | constants.O_RDWR, mode);
    try {
      return fstatSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}

/**
 * Whether a file made elsewhere is as one made in the directory. Node cannot read access lists. A default one takes the umask's place, which
 * mostly shows in the mode; where the group may do no more than others, one that does not show has nothing to grant.
 */
function isAlike(made: Stats, given: Stats | undefined): boolean {
  if (given === undefined) return false;
  const { uid, gid, mode } = made;
  return uid === given.uid && gid === given.gid && mode === given.mode && ((mode >> 3) & 7) === (mode & 7);
}

function isUsable(directory: string, dev: number): boolean {
  try {
    makeDirectory(directory);
    accessSync(directory, constants.W_OK | constants.X_OK);
    return statSync(directory).dev === dev;
  } catch {
    return false;
  }
}
