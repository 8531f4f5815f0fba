/**
 * Where half-written files lie until they are whole: a directory of ours on the file system of the target where there is one, else the
 * target's own. What a killed build left there, the next one that comes by removes: a name tells the process, and the machine
 * on which it counts.
 */
import { randomBytes } from 'node:crypto';
import { access, constants, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { makeDirectory } from '../core/make-directory.ts';
import { isRunning, machineId } from '../core/processes.ts';

/** Gives names; looks for the place for a directory of targets once. */
export class Staging {
  readonly #candidates: readonly string[];
  readonly #machine = machineId();
  readonly #found = new Map<string, Promise<string>>();

  /** @param candidates  directories that may hold staging files, most wanted first; made when missing */
  constructor(candidates: readonly string[]) {
    this.#candidates = candidates;
  }

  /** A name that nobody has, on the file system of `target`, whose directory exists. */
  async nameFor(target: string): Promise<string> {
    const own = path.dirname(target);
    let directory = this.#found.get(own);
    if (directory === undefined) {
      directory = this.#choose(own);
      this.#found.set(own, directory);
    }
    return path.join(await directory, `.ecc-${this.#machine}-${process.pid}-${randomBytes(6).toString('hex')}.tmp`);
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

async function isUsable(directory: string, dev: number): Promise<boolean> {
  try {
    makeDirectory(directory);
    await access(directory, constants.W_OK | constants.X_OK);
    return (await stat(directory)).dev === dev;
  } catch {
    return false;
  }
}
