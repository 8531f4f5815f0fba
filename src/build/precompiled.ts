/**
 * The user's own `vmlinux.h` precompiled: reading it takes clang several times as long as all the rest of a program. Kept in the cache
 * directory by content, flags and compiler; made, like all that makes later builds faster, by the second build that uses the directory.
 *
 * A precompiled header stands before everything else, so it is used only where the source includes the header first of all; and only when
 * clang had nothing to say about the header, since it would not be said again. Whether a compile with it fails does not matter: it is
 * done again without.
 */
import { existsSync, readdirSync, renameSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { removeFile } from '../core/directory.ts';
import { sha256List } from '../core/hash.ts';
import { makeDirectory } from '../core/make-directory.ts';
import { type CompileJob, precompileArgs, userForcedIncludes } from '../toolchain/clang.ts';
import { toolIdentity } from '../toolchain/identity.ts';
import { type RunOptions, runTool } from '../toolchain/run.ts';
import type { Tool } from '../toolchain/tools.ts';
import type { InputFiles } from './input-files.ts';

/** Smaller headers are read in a moment. */
const MIN_HEADER_BYTES = 256 * 1024;
/** Each has some 15 MB. */
const MOST_KEPT = 6;

export interface PrecompiledHeader {
  /** Where it is kept. */
  readonly file: string;
  /** What it is made of. */
  readonly header: string;
}

export interface PrecompileRequest {
  /** Path of the header, if it is the user's. */
  readonly header: string;
  /** Of the source. */
  readonly text: string;
  readonly job: CompileJob;
  readonly clang: Tool;
  readonly cacheDir: string | undefined;
  readonly files: InputFiles;
}

/** Where the header would be kept, if it can stand before the source, there is a cache, and the compiler is known. */
export function planPrecompiled(request: PrecompileRequest): PrecompiledHeader | undefined {
  const { text, job, clang, cacheDir, files } = request;
  const header = path.resolve(request.header);
  if (cacheDir === undefined || !includesFirst(text, 'vmlinux.h')) return undefined;
  // read before the source as well, and `=` makes another name of a path each time
  if (userForcedIncludes(job.userFlags).length > 0 || header.includes('=')) return undefined;
  const bytes = files.readBytes(header);
  const identity = toolIdentity(clang);
  if (bytes === undefined || bytes.length < MIN_HEADER_BYTES || identity === undefined) return undefined;
  // what it includes may change
  if (bytes.includes('#include')) return undefined;
  const args = precompileArgs(job, header, '');
  const key = sha256List([identity, files.steadyDigest(header) ?? '', clang.realPath, ...args]).slice(0, 32);
  return { file: path.join(cacheDir, 'headers', `${key}.pch`), header };
}

/** True when it is there and of use; marks it as used. */
export function isPrecompiled({ file }: PrecompiledHeader): boolean {
  try {
    // nothing in it: clang had warnings, or could not do it
    if (statSync(file).size === 0) return false;
    const now = Date.now() / 1000;
    utimesSync(file, now, now);
    return true;
  } catch {
    return false;
  }
}

/** Makes it, or notes that it is of no use. Never fails. */
export async function precompile(
  { file, header }: PrecompiledHeader,
  job: CompileJob,
  clang: Tool,
  options: RunOptions,
): Promise<void> {
  if (existsSync(file)) return;
  const temporary = `${file}.${process.pid}`;
  try {
    makeDirectory(path.dirname(file));
    const { exitCode, stderr } = await runTool(clang, precompileArgs(job, header, temporary), {
      ...options,
      isUrgent: true,
    });
    if (exitCode !== 0 || stderr !== '') writeFileSync(temporary, '');
    renameSync(temporary, file);
    removeOldest(path.dirname(file));
  } catch {
    removeFile(temporary);
  }
}

function removeOldest(directory: string): void {
  const files = readdirSync(directory)
    .filter((name) => name.endsWith('.pch'))
    .map((name) => path.join(directory, name))
    .map((file) => ({ file, usedMs: statSync(file).mtimeMs }))
    .sort((a, b) => b.usedMs - a.usedMs);
  for (const { file } of files.slice(MOST_KEPT)) removeFile(file);
}

/** True when the first thing in a text that is no comment includes a file of that name. */
export function includesFirst(text: string, name: string): boolean {
  const start = /^(?:\s|\/\/[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*/.exec(text)![0].length;
  const file = /^#[ \t]*include[ \t]*["<]([^">\n]+)[">]/.exec(text.slice(start))?.[1];
  return file !== undefined && path.basename(file) === name;
}
