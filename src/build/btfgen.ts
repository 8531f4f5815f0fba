/**
 * The BTF that kernels without their own need for one object: of each kernel in an archive only the types that the object's CO-RE
 * relocations name, a few hundred bytes instead of some megabytes. The archive is only read.
 *
 * @see https://github.com/aquasecurity/btfhub-archive, whose layout it is: DISTRO/VERSION/ARCH/RELEASE.btf[.tar.xz]
 */
import { accessSync, constants } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { type EccError, IoError, isEccError, MalformedError, ToolError, UsageError } from '../core/errors.ts';
import { makeDirectory } from '../core/make-directory.ts';
import { mapParallel } from '../core/parallel.ts';
import { cacheDirectory } from '../core/paths.ts';
import { reasonOf } from '../core/system-error.ts';
import { type ArchiveEntry, packTar, readTar } from '../package/archive.ts';
import { ARCH_FACTS, type Arch } from '../toolchain/arch.ts';
import { type RunOptions, runTool } from '../toolchain/run.ts';
import { getTool, type Tool } from '../toolchain/tools.ts';
import { withWorkDirectory } from './work-directory.ts';

const ARCHIVE_URL = 'https://github.com/aquasecurity/btfhub-archive';
/** In the package: where the loader looks for `DISTRO/VERSION/MACHINE/RELEASE.btf`. */
const PACKED_DIRECTORY = 'btfhub-archive';
const SUFFIX = /\.btf(\.tar\.xz)?$/;

type ToolOptions = Pick<RunOptions, 'signal' | 'timeoutMs' | 'onCommand'>;

export interface BtfgenOptions extends ToolOptions {
  /** Only the kernels of this architecture can run the object. */
  readonly arch: Arch;
  /** Root of the archive; see {@link findBtfArchive}. */
  readonly archive: string;
  /** From the command line; found otherwise. */
  readonly bpftool?: string | undefined;
  /** A `bin/` that is searched before all others. */
  readonly firstDirectory?: string | undefined;
  /** Called after each kernel, `name` being the one that is done. */
  readonly onProgress?: ((done: number, total: number, name: string) => void) | undefined;
}

export interface BtfgenInput {
  /** As in {@link import('./compile.ts').CompiledSource}. */
  readonly objName: string;
  readonly object: Uint8Array;
  /** The text of `package.json`. */
  readonly packageText: string;
}

export interface BtfgenResult {
  /** The tar: `package.json`, the object, a small BTF for each kernel. The same for the same archive, wherever it is made. */
  readonly tar: Buffer;
  readonly kernels: number;
  /** Kernels that are not in the tar, each error with its file, in the archive's order. */
  readonly failures: readonly EccError[];
}

/** One kernel of the archive. */
interface ArchivedKernel {
  readonly file: string;
  readonly distribution: string;
  readonly version: string;
  readonly release: string;
}

/**
 * @throws {ToolError} `TOOL_MISSING` without bpftool, or without xz where the archive needs it
 * @throws {UsageError} `USAGE_BTF_ARCHIVE` for a directory that is no such archive or has no kernel of the architecture
 */
export async function makeBtfPackage(input: BtfgenInput, options: BtfgenOptions): Promise<BtfgenResult> {
  const bpftool = getTool('bpftool', { explicit: options.bpftool, firstDirectory: options.firstDirectory });
  const kernels = await listKernels(options.archive, options.arch);
  const xz = kernels.some(({ file }) => file.endsWith('.xz')) ? getPlainTool('xz', 'xz-utils') : undefined;
  return withWorkDirectory(async (directory) => {
    const object = path.join(directory, 'object.bpf.o');
    await writeFile(object, input.object);
    let done = 0;
    const made = await mapParallel(kernels, os.availableParallelism(), async (kernel, index) => {
      const scratch = path.join(directory, String(index));
      await mkdir(scratch);
      const result = await shrink(kernel, { bpftool, xz, object, scratch, run: options }).catch((error: unknown) => {
        if (isEccError(error)) return error.in(kernel.file);
        throw error;
      });
      await rm(scratch, { recursive: true });
      options.onProgress?.(++done, kernels.length, `${kernel.distribution}/${kernel.version}/${kernel.release}`);
      return result;
    });
    const entries: ArchiveEntry[] = [
      { path: 'package.json', content: Buffer.from(input.packageText) },
      { path: `${input.objName}.bpf.o`, content: input.object },
    ];
    const failures: EccError[] = [];
    made.forEach((result, index) => {
      if (isEccError(result)) failures.push(result);
      else entries.push({ path: packedPath(kernels[index]!, options.arch), content: result });
    });
    return { tar: await packTar(entries), kernels: kernels.length, failures };
  });
}

/** The error that ends a build whose archive is written but lacks kernels. */
export function incompleteArchive(archive: string, { failures, kernels }: BtfgenResult): MalformedError {
  return new MalformedError(
    'BTF_ARCHIVE_INCOMPLETE',
    `${failures.length} of ${kernels} kernels of the archive could not be used; the package has the others`,
    { details: { failed: failures.map((failure) => failure.toJSON()) } },
  ).in(archive);
}

/** The loader asks the kernel what machine it is; archives say `arm64` where it says `aarch64`. */
function packedPath({ distribution, version, release }: ArchivedKernel, arch: Arch): string {
  return path.posix.join(PACKED_DIRECTORY, distribution, version, ARCH_FACTS[arch].machines[0]!, `${release}.btf`);
}

/** By distribution, version and release. */
async function listKernels(archive: string, arch: Arch): Promise<ArchivedKernel[]> {
  const machines = new Set<string>([arch, ...ARCH_FACTS[arch].machines]);
  const kernels = new Map<string, ArchivedKernel>();
  for (const distribution of await directories(archive)) {
    for (const version of await directories(path.join(archive, distribution))) {
      for (const machine of await directories(path.join(archive, distribution, version))) {
        if (!machines.has(machine)) continue;
        const directory = path.join(archive, distribution, version, machine);
        // an unpacked file sorts before its archive
        for (const name of (await readdir(directory)).sort()) {
          if (!SUFFIX.test(name)) continue;
          const release = name.replace(SUFFIX, '');
          const key = [distribution, version, release].join('/');
          if (!kernels.has(key)) kernels.set(key, { file: path.join(directory, name), distribution, version, release });
        }
      }
    }
  }
  if (kernels.size > 0) return [...kernels.values()];
  throw new UsageError('USAGE_BTF_ARCHIVE', `holds no BTF of ${arch} kernels`, {
    hint: `its layout has to be DISTRO/VERSION/${ARCH_FACTS[arch].machines[0]}/RELEASE.btf or .btf.tar.xz, as in ${ARCHIVE_URL}`,
  }).in(archive);
}

async function directories(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError('USAGE_BTF_ARCHIVE', `the BTF archive cannot be read: ${reasonOf(error.code ?? 'unknown')}`, {
      cause: error,
    }).in(directory);
  });
  const names: string[] = [];
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    const isDirectory = entry.isSymbolicLink()
      ? (await stat(path.join(directory, entry.name)).catch(() => undefined))?.isDirectory()
      : entry.isDirectory();
    if (isDirectory) names.push(entry.name);
  }
  return names.sort();
}

interface Shrinking {
  readonly bpftool: Tool;
  readonly xz: PlainTool | undefined;
  readonly object: string;
  readonly scratch: string;
  readonly run: ToolOptions;
}

/** The BTF of one kernel without what the object does not need. */
async function shrink(
  { file, release }: ArchivedKernel,
  { bpftool, xz, object, scratch, run }: Shrinking,
): Promise<Uint8Array> {
  let full = path.resolve(file);
  if (file.endsWith('.xz')) {
    full = path.join(scratch, 'full.btf');
    await writeFile(full, await unpack(file, release, xz!, run));
  } else {
    await stat(file).catch((error: NodeJS.ErrnoException) => {
      throw new IoError('IO_READ_FAILED', `cannot be read: ${reasonOf(error.code ?? 'unknown')}`, { cause: error });
    });
  }
  const small = path.join(scratch, 'small.btf');
  const { exitCode, stderr } = await runTool(bpftool, ['gen', 'min_core_btf', full, small, object], toolOptions(run));
  if (exitCode === 0) return readFile(small);
  throw new MalformedError('BTF_ARCHIVE_KERNEL', `bpftool cannot use it: ${lastLine(stderr)}`, {
    details: { diagnostics: stderr },
  });
}

async function unpack(file: string, release: string, xz: PlainTool, run: ToolOptions): Promise<Uint8Array> {
  const { exitCode, stdout, stderr } = await runTool(xz, ['-dc', '--', path.resolve(file)], toolOptions(run));
  if (exitCode !== 0) throw new MalformedError('BTF_ARCHIVE_KERNEL', `cannot be decompressed: ${lastLine(stderr)}`);
  const entries = await readTar(stdout);
  const found = entries.find(({ path: name }) => path.posix.basename(name) === `${release}.btf`);
  if (found !== undefined) return found.content;
  throw new MalformedError('BTF_ARCHIVE_KERNEL', `holds no ${release}.btf`, {
    details: { entries: entries.map(({ path: name }) => name) },
  });
}

function toolOptions({ signal, timeoutMs, onCommand }: ToolOptions): ToolOptions {
  return { signal, timeoutMs, onCommand };
}

function lastLine(text: string): string {
  return text.trimEnd().split('\n').at(-1) ?? '';
}

interface PlainTool {
  readonly name: string;
  readonly path: string;
}

/** A tool that only this needs and that every system has under one name. */
function getPlainTool(name: string, debianPackage: string): PlainTool {
  for (const directory of [...(process.env.PATH ?? '').split(path.delimiter), '/usr/bin', '/bin']) {
    const file = path.join(directory, name);
    try {
      if (directory === '') continue;
      accessSync(file, constants.X_OK);
      return { name, path: file };
    } catch {
      // the next directory
    }
  }
  throw new ToolError('TOOL_MISSING', `${name} not found on PATH`, {
    details: { tool: name },
    hint: `apt install ${debianPackage}`,
  });
}

/**
 * Where the archive is: the given directory, or the one in the cache, which is cloned when it is not there. It is large (some
 * gigabytes), so that is said beforehand.
 * @throws {UsageError} `USAGE_BTF_ARCHIVE` when the given directory is none
 * @throws {ToolError} `TOOL_GIT_FAILED` when it cannot be cloned: offline, no space
 */
export async function findBtfArchive(
  given: string | undefined,
  options: ToolOptions & {
    readonly onProgress?: (line: string) => void;
    readonly env?: Readonly<Record<string, string | undefined>>;
  } = {},
): Promise<string> {
  const { env = process.env } = options;
  if (given !== undefined) {
    const found = await stat(given).catch(() => undefined);
    if (found?.isDirectory()) return given;
    throw new UsageError('USAGE_BTF_ARCHIVE', found === undefined ? 'no such directory' : 'is not a directory').in(
      given,
    );
  }
  const archive = path.join(cacheDirectory(env), 'btfhub-archive');
  if ((await stat(archive).catch(() => undefined))?.isDirectory()) return archive;
  const git = getPlainTool('git', 'git');
  options.onProgress?.(`Cloning ${ARCHIVE_URL} to ${archive} (some gigabytes)...`);
  const partial = `${archive}.${process.pid}`;
  makeDirectory(path.dirname(archive));
  try {
    const { exitCode, stderr } = await runTool(git, ['clone', '--quiet', '--depth', '1', ARCHIVE_URL, partial], {
      ...toolOptions(options),
      env: { ...env, GIT_TERMINAL_PROMPT: '0' },
    });
    if (exitCode !== 0) {
      throw new ToolError(
        'TOOL_GIT_FAILED',
        `the BTF archive cannot be cloned from ${ARCHIVE_URL}: ${lastLine(stderr)}`,
        {
          details: { diagnostics: stderr },
          hint: 'give a local copy with --btfhub-archive DIR',
        },
      );
    }
    await rename(partial, archive);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  return archive;
}
