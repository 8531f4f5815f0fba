/**
 * Artefacts appear whole or not at all. Each is written to a staging file, synced, and renamed into place when all of them are
 * ready.
 */
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { IoError, UsageError } from '../core/errors.ts';
import { makeDirectory } from '../core/make-directory.ts';
import { reasonOf } from '../core/system-error.ts';
import type { Artefact } from './plan.ts';
import { Staging } from './staging.ts';

export interface WrittenFile {
  readonly artefact: Pick<Artefact, 'path'>;
  readonly content: Uint8Array | string;
  /** Set for programs. */
  readonly executable?: boolean;
}

export interface WriteOptions {
  /** Directories that may hold staging files, most wanted first; the target's own directory is the last resort. */
  readonly staging?: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes all files or none.
 * @throws {IoError} `IO_WRITE_FAILED` naming the file and the reason; what was there before is untouched.
 */
export function writeFiles(files: readonly WrittenFile[], options: WriteOptions = {}): void {
  const staging = new Staging(options.staging ?? [os.tmpdir()]);
  const staged: { readonly fd: number; readonly from: string; readonly to: string; readonly mode: number }[] = [];
  try {
    for (const directory of new Set(files.map(({ artefact }) => path.dirname(artefact.path)))) {
      named(directory, () => makeDirectory(directory));
    }
    options.signal?.throwIfAborted();
    for (const { artefact, content, executable } of files) {
      named(artefact.path, () => {
        const mode = executable ? 0o777 : 0o666;
        const { path: from, fd } = staging.create(artefact.path, mode);
        staged.push({ fd, from, to: artefact.path, mode });
        writeFileSync(fd, content);
      });
    }
    // when all are written: what brings the first to the disk mostly takes the others along
    for (const { fd, to } of staged) named(to, () => sync(fd));
    for (const { to } of staged) named(to, () => refuseDirectory(to));
    for (const { from, to, mode } of staged) named(to, () => place(from, to, mode));
  } catch (error) {
    staging.clear();
    throw error;
  } finally {
    for (const { fd } of staged) closeSync(fd);
  }
}

/** Renaming would find that out too, but after other files were replaced. */
function refuseDirectory(file: string): void {
  let found: Stats | undefined;
  try {
    found = statSync(file);
  } catch (error) {
    // the staging file has a shorter name
    if ((error as NodeJS.ErrnoException).code === 'ENAMETOOLONG') throw error;
  }
  if (found?.isDirectory()) throw Object.assign(new Error(file), { code: 'EISDIR' });
}

/** Node that was started with permissions takes a file descriptor's for none: what is written is as whole, only not yet on the disk. */
function sync(fd: number): void {
  try {
    fsyncSync(fd);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_ACCESS_DENIED') throw error;
  }
}

/** Renames; where two mounts of one file system forbid that (containers have such), by way of a copy beside the target. */
function place(from: string, to: string, mode: number): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    const near = path.join(path.dirname(to), path.basename(from));
    try {
      const fd = openSync(near, 'wx', mode);
      try {
        writeFileSync(fd, readFileSync(from));
        sync(fd);
      } finally {
        closeSync(fd);
      }
      renameSync(near, to);
    } finally {
      for (const file of [near, from]) rmSync(file, { force: true });
    }
  }
}

function named(file: string, body: () => void): void {
  try {
    body();
  } catch (error) {
    throw writeError(file, error);
  }
}

function writeError(file: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) return error;
  return new IoError('IO_WRITE_FAILED', `cannot be written: ${reasonOf(code)}`, {
    details: { errno: code },
    hint:
      code === 'ENOSPC' || code === 'EDQUOT'
        ? 'nothing was changed; free some space'
        : 'nothing was changed; use -o DIR to write somewhere else',
    cause: error,
  }).in(file);
}

/**
 * Nothing that a build reads may be replaced by what it writes: a header that the source includes is known only when the source was read.
 * @param inputs  the user's files that go into the build
 * @throws {UsageError} `USAGE_COLLISION`
 */
export function protectInputs(artefacts: readonly Artefact[], inputs: readonly string[]): void {
  for (const { kind, path: file } of artefacts) {
    const name = path.basename(file);
    const place = realDirectory(file);
    const input = inputs.find((other) => path.basename(other) === name && realDirectory(other) === place);
    if (input === undefined) continue;
    throw new UsageError('USAGE_COLLISION', `${file}: the ${kind} would replace ${input}, which the source includes`, {
      hint: 'write somewhere else with -o DIR, or choose another name',
    });
  }
}

function realDirectory(file: string): string {
  const directory = path.dirname(path.resolve(file));
  try {
    return realpathSync(directory);
  } catch {
    return directory;
  }
}

/**
 * `package.json` is also npm's file name: a package of ours may be replaced, anything else may not.
 * @throws {UsageError} `USAGE_FOREIGN_PACKAGE`
 */
export function protectForeignPackages(artefacts: readonly Artefact[], force: boolean): void {
  if (force) return;
  for (const { kind, path: file } of artefacts) {
    if (kind !== 'package') continue;
    const text = textOf(file);
    if (text === undefined || /"bpf_object"|^bpf_object:/m.test(text)) continue;
    throw new UsageError(
      'USAGE_FOREIGN_PACKAGE',
      'exists and is not an eBPF package (no bpf_object key); it is left alone',
      {
        hint: 'write elsewhere with -o DIR, choose another name with --package-name NAME, or replace it with --force',
      },
    ).in(file);
  }
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
