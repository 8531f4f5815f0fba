/**
 * The files that builds read, as they were when they were read. A source that somebody saves while it is being compiled must not be taken
 * for the one that was compiled: at the end each file is looked at again. Builds of several sources share what they read.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { sha256 } from '../core/hash.ts';
import { stampOf } from '../core/stamp.ts';

interface Snapshot {
  readonly bytes: Buffer;
  readonly stamp: string;
  text?: string;
  digest?: string;
}

export class InputFiles {
  readonly #files = new Map<string, Snapshot>();

  /** Bytes of a regular file; `undefined` when there is none that can be read. */
  readBytes(file: string): Buffer | undefined {
    return this.#snapshot(file)?.bytes;
  }

  /** The same as text; every call for one file gives the same string. */
  readText(file: string): string | undefined {
    const snapshot = this.#snapshot(file);
    if (snapshot === undefined) return undefined;
    snapshot.text ??= snapshot.bytes.toString('utf8');
    return snapshot.text;
  }

  /** Digest of a file's content. */
  digest(file: string): string | undefined {
    const snapshot = this.#snapshot(file);
    if (snapshot === undefined) return undefined;
    snapshot.digest ??= sha256(snapshot.bytes);
    return snapshot.digest;
  }

  /** The same; `undefined` when the file is not what it was when it was first read. */
  steadyDigest(file: string): string | undefined {
    const digest = this.digest(file);
    return this.isSteady(file) ? digest : undefined;
  }

  /** True for a file that was read and is what it was then. */
  isSteady(file: string): boolean {
    const known = this.#files.get(path.resolve(file));
    return known !== undefined && known.stamp === stampOf(file);
  }

  /** True when every file that was read still is what it was. */
  areSteady(): boolean {
    return [...this.#files].every(([file, { stamp }]) => stampOf(file) === stamp);
  }

  #snapshot(file: string): Snapshot | undefined {
    const key = path.resolve(file);
    const known = this.#files.get(key);
    if (known !== undefined) return known;
    const stamp = stampOf(key);
    if (stamp === undefined) return undefined;
    try {
      const snapshot: Snapshot = { bytes: readFileSync(key), stamp };
      this.#files.set(key, snapshot);
      return snapshot;
    } catch {
      return undefined;
    }
  }
}
