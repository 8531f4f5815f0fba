/**
 * What clang is to be run on: the token scan of the source, the kernel header that follows from it, the include directories and forced
 * includes of both runs.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { templateDirectory } from '../core/paths.ts';
import { makeHeader } from '../headers/make-header.ts';
import { type ScanCache, type SourceScan, scanSource } from '../headers/scan/scan-source.ts';
import { HeaderSession } from '../headers/session.ts';
import type { Arch } from '../toolchain/arch.ts';
import {
  type CompileJob,
  namesAbsolutePaths,
  searchPath,
  sourceArgument,
  systemIncludes,
  userDefines,
  userForcedIncludes,
} from '../toolchain/clang.ts';
import type { Tool } from '../toolchain/tools.ts';
import type { ToolVersion } from '../toolchain/version.ts';
import type { CompilerRun } from './compilers.ts';
import { HEADER_ONLY_FLAGS } from './header-only.ts';
import type { InputFiles } from './input-files.ts';
import type { KernelTypes } from './kernel-types.ts';
import { planPrecompiled } from './precompiled.ts';
import { readSource } from './source.ts';

export interface ProjectRequest {
  readonly source: string;
  readonly text: Buffer;
  readonly arch: Arch;
  readonly cflags: readonly string[];
  /** Directory whose `include/` and `include/vmlinux/ARCH/` are used instead of ours. */
  readonly workspace: string | undefined;
  readonly headerMode: 'small' | 'full';
  /** The source is a header. */
  readonly headerOnly: boolean;
  readonly workDirectory: string;
  readonly kernel: Promise<KernelTypes>;
  /** Of clang. */
  readonly version: () => Promise<ToolVersion>;
  readonly clang: Tool;
  readonly cacheDir: string | undefined;
  readonly files: InputFiles;
  readonly scans: ScanCache;
}

export interface Project {
  readonly compilers: Pick<
    CompilerRun,
    'codegen' | 'precompiled' | 'ast' | 'astFallback' | 'session' | 'headerFile' | 'markersFile' | 'tags'
  >;
  /** The source and the headers of the user's, as paths; the source first. */
  readonly userFiles: readonly string[];
  /** Where such a header was looked for and not found, as paths. */
  readonly absentUserFiles: readonly string[];
  readonly scan: SourceScan;
  /** True when the kernel's types come from a header of the user's. */
  readonly ownHeader: boolean;
}

/** The names that a header for a source is made for, with the default flags. */
export async function scanForHeader(source: string, arch: Arch): Promise<SourceScan> {
  const text = (await readSource(source)).toString('utf8');
  const ourIncludes = [path.join(templateDirectory(), 'include')];
  return scanSource({ source, text, includePaths: searchPath({ arch, ourIncludes, userFlags: [] }) });
}

export async function prepareProject(request: ProjectRequest): Promise<Project> {
  const { source, workDirectory, cflags } = request;
  const includeDirectory = path.join(workDirectory, 'include');
  mkdirSync(includeDirectory);
  const files = {
    headerFile: path.join(includeDirectory, 'vmlinux.h'),
    markersFile: path.join(workDirectory, 'ecc-exports.h'),
  };
  const job = baseJob(request, includeDirectory);
  const scan = scanSource({
    source: sourceArgument(source),
    text: request.text.toString('utf8'),
    includePaths: searchPath(job),
    defines: userDefines(cflags),
    forcedIncludes: userForcedIncludes(cflags),
    readText: (file) => request.files.readText(file),
    cache: request.scans,
  });
  const clangMajor = namesAbsolutePaths(job) ? (await request.version()).major : 0;
  const codegen = { ...job, clangMajor, forcedIncludes: [files.markersFile] };
  const common = { ...files, codegen, tags: scan.structTags.map(({ tag }) => tag) };
  const rest = {
    scan,
    userFiles: scan.files.filter(({ system }) => !system).map((file) => file.path),
    absentUserFiles: scan.missing.filter((file) => isUsers(file, job)),
  };
  if (!scan.includesVmlinux) {
    return {
      ...rest,
      ownHeader: false,
      compilers: { ...common, precompiled: undefined, ast: job, astFallback: undefined, session: undefined },
    };
  }
  const kernel = await request.kernel;
  const own = kernel.header ?? scan.ownVmlinux;
  if (own === undefined) {
    const session = new HeaderSession({
      btf: kernel.btf,
      identifiers: scan.identifiers,
      declaredFunctions: scan.declaredFunctions,
      own: scan.own,
      origin: kernel.origin,
      older: kernel.older,
      full: request.headerMode === 'full',
    });
    return {
      ...rest,
      ownHeader: false,
      compilers: { ...common, precompiled: undefined, ast: job, astFallback: undefined, session },
    };
  }
  if (kernel.header !== undefined) writeFileSync(files.headerFile, `#include "${path.resolve(kernel.header)}"\n`);
  const { clang, cacheDir } = request;
  const precompiled = planPrecompiled({
    header: own,
    text: request.text.toString('utf8'),
    job: codegen,
    clang,
    cacheDir,
    files: request.files,
  });
  const standIn = writeStandIn(own, kernel, scan, request);
  const ast = standIn === undefined ? job : { ...job, forcedIncludes: [standIn] };
  return {
    ...rest,
    ownHeader: true,
    compilers: {
      ...common,
      precompiled,
      ast,
      astFallback: standIn === undefined ? undefined : job,
      session: undefined,
    },
  };
}

/** Neither ours nor the system's. */
function isUsers(file: string, job: CompileJob): boolean {
  const others = [...job.ourIncludes, ...job.lastIncludes, ...systemIncludes(job.arch)];
  return !others.some((directory) => path.resolve(file).startsWith(path.resolve(directory) + path.sep));
}

function baseJob(
  { source, arch, cflags, workspace, workDirectory, headerOnly }: ProjectRequest,
  includeDirectory: string,
): CompileJob {
  const templates = templateDirectory();
  const ours =
    workspace === undefined
      ? [includeDirectory, path.join(templates, 'include')]
      : [path.join(workspace, 'include'), path.join(workspace, 'include/vmlinux', arch)];
  const lastIncludes = [path.join(templates, 'include-last')];
  return {
    source: sourceArgument(source),
    arch,
    ourIncludes: ours,
    lastIncludes,
    forcedIncludes: [],
    userFlags: cflags,
    inputFlags: headerOnly ? HEADER_ONLY_FLAGS : [],
    mappedDirectories: [
      { directory: workDirectory, name: 'ecc' },
      { directory: templates, name: 'ecc' },
      ...(workspace === undefined ? [] : [{ directory: workspace, name: 'workspace' }]),
    ],
  };
}

/**
 * The AST of a full `vmlinux.h` has 170 MB. A small header that is read first and sets the guard of the user's header keeps clang out of
 * that; `undefined` when the user's header has no guard that can be set.
 */
function writeStandIn(
  own: string,
  kernel: KernelTypes,
  scan: SourceScan,
  { files, workDirectory }: ProjectRequest,
): string | undefined {
  const start = (files.readText(own) ?? '').slice(0, 8192);
  const guard = /^[ \t]*#[ \t]*ifndef[ \t]+(\w+)[ \t]*\r?\n[ \t]*#[ \t]*define[ \t]+\1\b/m.exec(start)?.[1];
  if (guard === undefined) return undefined;
  const { text } = makeHeader(kernel.btf, scan);
  const file = path.join(workDirectory, 'ast-vmlinux.h');
  writeFileSync(file, `${text}\n#ifndef ${guard}\n#define ${guard}\n#endif\n`);
  return file;
}
