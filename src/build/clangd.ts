/**
 * What an editor needs to understand eBPF sources: a compilation database with our flags, and a kernel header on disk. The header holds all
 * types, so that what is typed next is known too, and lies in the cache directory, not beside the sources.
 */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { UsageError } from '../core/errors.ts';
import { sha256 } from '../core/hash.ts';
import { makeDirectory } from '../core/make-directory.ts';
import { cacheDirectory, templateDirectory } from '../core/paths.ts';
import { Trace } from '../core/trace.ts';
import { makeFullHeader } from '../headers/make-header.ts';
import { ARCH_FACTS, type Arch } from '../toolchain/arch.ts';
import { checkUserFlags, editorArgs } from '../toolchain/clang.ts';
import { findKernelTypes } from './kernel-types.ts';
import { readSource } from './source.ts';
import { writeFiles } from './write.ts';

export interface EditorSetup {
  readonly sources: readonly string[];
  /** Where `compile_commands.json` goes. */
  readonly directory: string;
  readonly cflags: readonly string[];
  readonly arch: Arch;
  /** Replace a file that cannot be read as a compilation database. */
  readonly force: boolean;
}

/** An entry of a compilation database. */
interface Entry {
  readonly directory: string;
  readonly file: string;
  readonly arguments?: readonly string[];
}

/**
 * Entries of other files that are there already stay.
 * @returns the files that were written
 * @throws {UsageError} `USAGE_EXISTS` when a file of that name is no compilation database.
 */
export async function writeEditorSetup(setup: EditorSetup): Promise<string[]> {
  checkUserFlags(setup.cflags);
  for (const source of setup.sources) await readSource(source);
  const includeDirectory = await writeHeader(setup.arch);
  const templates = templateDirectory();
  const entries = setup.sources.map((source): Entry => {
    const file = path.resolve(source);
    const job = {
      source: file,
      arch: setup.arch,
      ourIncludes: [includeDirectory, path.join(templates, 'include')],
      lastIncludes: [path.join(templates, 'include-last')],
      forcedIncludes: [],
      userFlags: setup.cflags,
      mappedDirectories: [],
    };
    return { directory: process.cwd(), file, arguments: ['clang', ...editorArgs(job)] };
  });
  const database = path.join(setup.directory, 'compile_commands.json');
  const others = (await readDatabase(database, setup.force)).filter(
    ({ file }) => !entries.some((entry) => entry.file === file),
  );
  const text = `${JSON.stringify([...others, ...entries], null, 2)}\n`;
  writeFiles([{ artefact: { path: database }, content: text }]);
  return [database, path.join(includeDirectory, 'vmlinux.h')];
}

async function writeHeader(arch: Arch): Promise<string> {
  const cacheDir = cacheDirectory();
  const { btf, title } = await findKernelTypes({ arch, cacheDir, trace: new Trace() });
  const { text } = makeFullHeader(await btf(), { origin: title });
  const directory = path.join(cacheDir, 'clangd', `${ARCH_FACTS[arch].target}-${arch}-${sha256(text).slice(0, 16)}`);
  const file = path.join(directory, 'vmlinux.h');
  makeDirectory(directory);
  await writeFile(file, text);
  return directory;
}

async function readDatabase(file: string, force: boolean): Promise<Entry[]> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined || force) return [];
  try {
    const entries = JSON.parse(text) as unknown;
    if (Array.isArray(entries) && entries.every((entry) => typeof entry?.file === 'string')) return entries as Entry[];
  } catch {
    // told below
  }
  throw new UsageError('USAGE_EXISTS', 'exists and is no compilation database; it is left alone', {
    hint: 'write elsewhere with -o DIR, or replace it with --force',
  }).in(file);
}
