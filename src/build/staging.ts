/**
 * Where half-written files lie until they are whole: a directory of ours on the file system of the target where there is one, else the
 * target's own. What a killed build left there, the next one that comes by removes: a name tells the process, and the machine
 * on which it counts.
 *
 * A file keeps the group and the access list that it got where it was made. Where the target's directory gives its files others (set-group-ID,
 * a default ACL), the staging file is made there, empty, and moved away at once.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, renameSync, type Stats } from 'node:fs';
import { access, type FileHandle, open, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { makeDirectory } from '../core/make-directory.ts';
import { isRunning, machineId } from '../core/processes.ts';

/** A file without a name; not among Node's constants. The number is that of all architectures that Node runs on. */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;

/** Makes staging files; looks for the place for a directory of targets once. */
export class Staging {
  readonly #candidates: readonly string[];
  readonly #machine = machineId();
  readonly #found = new Map<string, Promise<string>>();
  readonly #given = new Map<string, Stats | undefined>();
  readonly #names: string[] = [];

  /** @param candidates  directories that may hold staging files, most wanted first; made when missing */
  constructor(candidates: readonly string[]) {
    this.#candidates = candidates;
  }

  /**
   * Makes an empty file on the file system of `target`, whose directory exists, with owner, group, mode and access list as if it were
   * made there.
   * @param mode  before the umask
   */
  async create(target: string, mode: number): Promise<{ readonly path: string; readonly handle: FileHandle }> {
    const own = path.dirname(target);
    let directory = this.#found.get(own);
    if (directory === undefined) {
      directory = this.#choose(own);
      this.#found.set(own, directory);
    }
    const name = `.ecc-${this.#machine}-${process.pid}-${randomBytes(6).toString('hex')}.tmp`;
    const [near, away] = [path.join(own, name), path.join(await directory, name)];
    this.#names.push(away);
    const handle = await open(away, 'wx', mode);
    try {
      if (near === away || isAlike(await handle.stat(), this.#givenBy(own, mode))) return { path: away, handle };
    } catch (error) {
      await handle.close();
      throw error;
    }
    await handle.close();
    await rm(away);
    const file = await this.#createNear(near, away, mode);
    return { path: file, handle: await open(file, 'r+') };
  }

  /** Removes what was made and not moved to its target. */
  async clear(): Promise<void> {
    await Promise.all(this.#names.splice(0).map((file) => rm(file, { force: true })));
  }

  /** What a file in a directory is given; unknown where the file system makes no files without a name. */
  #givenBy(directory: string, mode: number): Stats | undefined {
    const key = `${mode} ${directory}`;
    if (!this.#given.has(key)) this.#given.set(key, probe(directory, mode));
    return this.#given.get(key);
  }

  /** Nothing comes between the two calls but the end of the process; what that leaves is empty, and swept up by the next build. */
  async #createNear(near: string, away: string, mode: number): Promise<string> {
    await this.#sweep(path.dirname(near));
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

  async #choose(own: string): Promise<string> {
    const { dev } = await stat(own);
    let chosen = own;
    for (const directory of this.#candidates) {
      // a rename is atomic within one file system only
      if (await isUsable(directory, dev)) {
        chosen = directory;
        break;
      }
    }
    await this.#sweep(chosen);
    return chosen;
  }

  async #sweep(directory: string): Promise<void> {
    for (const name of await readdir(directory).catch(() => [])) {
      const [, machine, pid] = /^\.ecc-([0-9a-f]+)-(\d+)-[0-9a-f]+\.tmp$/.exec(name) ?? [];
      if (machine === this.#machine && !isRunning(Number(pid))) await rm(path.join(directory, name), { force: true });
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

async function isUsable(directory: string, dev: number): Promise<boolean> {
  try {
    makeDirectory(directory);
    await access(directory, constants.W_OK | constants.X_OK);
    return (await stat(directory)).dev === dev;
  } catch {
    return false;
  }
}
