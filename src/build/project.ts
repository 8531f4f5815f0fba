/**
 * What clang is to be run on: the token scan of the source, the kernel header that follows from it, the include directories and forced
 * includes of both runs.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { templateDirectory } from '../core/paths.ts';
import { hasDocsOrEvents } from '../doc/relevance.ts';
import { KeptHeaders } from '../headers/kept.ts';
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
import type { AstJobs } from './clang-runs.ts';
import type { CompilerRun } from './compilers.ts';
import type { FactsRequest } from './facts.ts';
import { HEADER_ONLY_FLAGS } from './header-only.ts';
import type { InputFiles } from './input-files.ts';
import type { KernelTypes } from './kernel-types.ts';
import { planPrecompiled } from './precompiled.ts';
import { readSource } from './source.ts';

/** What clang's flags follow from. */
export interface JobRequest {
  readonly source: string;
  readonly arch: Arch;
  readonly cflags: readonly string[];
  /** Directory whose `include/` and `include/vmlinux/ARCH/` are used instead of ours. */
  readonly workspace: string | undefined;
  /** The source is a header. */
  readonly headerOnly: boolean;
  readonly workDirectory: string;
  /** Of clang. */
  readonly version: () => Promise<ToolVersion>;
}

/** How clang is run on a source, and where what it reads is going to be. */
export interface PreparedJob {
  /** For the AST. */
  readonly job: CompileJob;
  readonly codegen: CompileJob;
  /** Where the kernel header and the export markers are written. */
  readonly headerFile: string;
  readonly markersFile: string;
}

/** Makes the directories that the flags name; known before anything of the source is. */
export async function prepareJob(request: JobRequest): Promise<PreparedJob> {
  const { workDirectory } = request;
  const includeDirectory = path.join(workDirectory, 'include');
  mkdirSync(includeDirectory);
  const markersFile = path.join(workDirectory, 'ecc-exports.h');
  const job = baseJob(request, includeDirectory);
  const clangMajor = namesAbsolutePaths(job) ? (await request.version()).major : 0;
  return {
    job,
    codegen: { ...job, clangMajor, forcedIncludes: [markersFile] },
    headerFile: path.join(includeDirectory, 'vmlinux.h'),
    markersFile,
  };
}

export interface ProjectRequest {
  readonly text: Buffer;
  readonly cflags: readonly string[];
  /** Header whose structs are exported. */
  readonly exportHeader: string | undefined;
  readonly headerMode: 'small' | 'full';
  readonly workDirectory: string;
  readonly prepared: PreparedJob;
  readonly kernel: KernelTypes;
  readonly clang: Tool;
  readonly cacheDir: string | undefined;
  readonly files: InputFiles;
  readonly scans: ScanCache;
  /** Told what can wait until the compiler is running. */
  readonly whenIdle: (work: () => void) => void;
}

export interface Project {
  readonly compilers: PreparedJob & Pick<CompilerRun, 'precompiled' | 'ast' | 'openSession' | 'tags'>;
  /** Whether there are doc comments, events or an export header to be looked at. */
  readonly mayHaveFacts: boolean;
  /** For looking at them. */
  readonly facts: FactsRequest;
  /** The source and the headers of the user's, as paths; the source first. */
  readonly userFiles: readonly string[];
  /** Where such a header was looked for and not found, as paths. */
  readonly absentUserFiles: readonly string[];
  readonly scan: SourceScan;
  /** Where the kernel's types come from: nowhere, from a header of the user's, from one that is made for the source. */
  readonly kernelHeader: 'none' | 'own' | 'made';
}

/** The names that a header for a source is made for, with the default flags. */
export async function scanForHeader(source: string, arch: Arch): Promise<SourceScan> {
  const text = (await readSource(source)).toString('utf8');
  const ourIncludes = [path.join(templateDirectory(), 'include')];
  return scanSource({ source, text, includePaths: searchPath({ arch, ourIncludes, userFlags: [] }) });
}

export function prepareProject(request: ProjectRequest): Project {
  const { cflags, prepared, kernel } = request;
  const { job, headerFile } = prepared;
  const scan = scanSource({
    source: job.source,
    text: request.text.toString('utf8'),
    includePaths: searchPath(job),
    defines: userDefines(cflags),
    forcedIncludes: userForcedIncludes(cflags),
    readText: (file) => request.files.readText(file),
    cache: request.scans,
  });
  const mayHaveFacts = request.exportHeader !== undefined || hasDocsOrEvents(scan.userTexts, scan.identifiers);
  // one of the kernel's own can only be exported because it is sent; naming it for nothing makes clang describe half of the kernel
  const tags = scan.structTags.flatMap(({ tag }) => (mayHaveFacts || scan.own.tags.has(tag) ? tag : []));
  const common = { ...prepared, precompiled: undefined, tags };
  const userFiles = scan.files.filter(({ system }) => !system);
  const rest = {
    scan,
    facts: {
      source: job.source,
      exportHeader: request.exportHeader,
      files: userFiles,
      systemTexts: () =>
        scan.files.flatMap(({ path: file, system, isScanned }) =>
          system && isScanned ? (request.files.readText(file) ?? []) : [],
        ),
      defined: userDefines(cflags).map((define) => define.replace(/\W.*/s, '')),
      readBytes: (file: string) => request.files.readBytes(file),
    },
    mayHaveFacts,
    userFiles: userFiles.map((file) => file.path),
    absentUserFiles: scan.missing.filter((file) => isUsers(file, job)),
  };
  const ast = async () => ({ job, fallback: undefined });
  if (!scan.includesVmlinux)
    return { ...rest, kernelHeader: 'none', compilers: { ...common, ast, openSession: undefined } };
  const own = kernel.header ?? scan.ownVmlinux;
  if (own === undefined) {
    const kept =
      request.cacheDir === undefined || kernel.identity === undefined
        ? undefined
        : new KeptHeaders(path.join(request.cacheDir, 'vmlinux'), kernel.identity);
    const openSession = () =>
      new HeaderSession({
        btf: kernel.btf,
        kept,
        whenIdle: request.whenIdle,
        identifiers: scan.identifiers,
        declaredFunctions: scan.declaredFunctions,
        own: scan.own,
        origin: kernel.title,
        older: kernel.older,
        full: request.headerMode === 'full',
      });
    return { ...rest, kernelHeader: 'made', compilers: { ...common, ast, openSession } };
  }
  if (kernel.header !== undefined) writeFileSync(headerFile, `#include "${path.resolve(kernel.header)}"\n`);
  return {
    ...rest,
    kernelHeader: 'own',
    compilers: {
      ...common,
      precompiled: planPrecompiled({
        ...request,
        header: own,
        text: request.text.toString('utf8'),
        job: prepared.codegen,
      }),
      ast: () => standInFor(own, scan, request),
      openSession: undefined,
    },
  };
}

/** Neither ours nor the system's. */
function isUsers(file: string, job: CompileJob): boolean {
  const others = [...job.ourIncludes, ...job.lastIncludes, ...systemIncludes(job.arch)];
  return !others.some((directory) => path.resolve(file).startsWith(path.resolve(directory) + path.sep));
}

function baseJob(
  { source, arch, cflags, workspace, workDirectory, headerOnly }: JobRequest,
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
 * that, unless the user's header has no guard that can be set.
 */
async function standInFor(
  own: string,
  scan: SourceScan,
  { files, kernel, workDirectory, prepared: { job } }: ProjectRequest,
): Promise<AstJobs> {
  const start = (files.readText(own) ?? '').slice(0, 8192);
  const guard = /^[ \t]*#[ \t]*ifndef[ \t]+(\w+)[ \t]*\r?\n[ \t]*#[ \t]*define[ \t]+\1\b/m.exec(start)?.[1];
  if (guard === undefined) return { job, fallback: undefined };
  const { text } = makeHeader(await kernel.btf(), scan);
  const file = path.join(workDirectory, 'ast-vmlinux.h');
  writeFileSync(file, `${text}\n#ifndef ${guard}\n#define ${guard}\n#endif\n`);
  return { job: { ...job, forcedIncludes: [file] }, fallback: job };
}
