/**
 * One source into an object with its metadata, all in memory. Nothing outside of a temporary directory is written.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { chosenCache, isCacheInUse } from '../core/paths.ts';
import { Trace } from '../core/trace.ts';
import { ScanCache } from '../headers/scan/scan-source.ts';
import { type Arch, hostArch } from '../toolchain/arch.ts';
import { checkUserFlags, searchPath, userIncludes } from '../toolchain/clang.ts';
import type { RunOptions } from '../toolchain/run.ts';
import { readVersion, type ToolVersion } from '../toolchain/version.ts';
import { type BuildInputs, collectInputs } from './cache/inputs.ts';
import { type CompilerOutput, type CompilerRun, runCompilers } from './compilers.ts';
import { explainFailure, explainObject } from './explain-failure.ts';
import { NO_FACTS, readAst, readTexts, type SourceFacts } from './facts.ts';
import { InputFiles } from './input-files.ts';
import { findKernelTypes, type KernelChoice, type KernelTypes } from './kernel-types.ts';
import { type Metadata, makeMetadata } from './metadata.ts';
import { compileMoreTypes, type MoreTypes, missingTypes } from './more-types.ts';
import { objectName } from './plan.ts';
import { type Project, prepareJob, prepareProject } from './project.ts';
import { readSource } from './source.ts';
import { getStrip, locateToolchain, type ToolChoice } from './toolchain.ts';
import { withWorkDirectory } from './work-directory.ts';

export interface CompileOptions extends ToolChoice {
  /** Header whose structs are exported. */
  readonly exportHeader?: string | undefined;
  /** Default: that of this machine. */
  readonly arch?: Arch | undefined;
  /** More flags for clang, one a word. */
  readonly cflags?: readonly string[];
  /** Kernel types: a version that ships, `host`, or a file (C header, BTF). Default: the newest that ships. */
  readonly vmlinux?: string | undefined;
  /** `full`: all of the kernel's types instead of those that the source can reach. Default `small`. */
  readonly headerMode?: 'small' | 'full';
  /** The source is a header: an object of just its types. */
  readonly headerOnly?: boolean;
  /** Whether {@link emitTypes} is going to be asked: some types that only TypeScript can use take a compile of their own. */
  readonly typescript?: boolean;
  /** Milliseconds that one tool may take. */
  readonly timeoutMs?: number | undefined;
  /** Diagnostics of clang in colour. */
  readonly colour?: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly trace?: Trace | undefined;
  /** Told each command line before it runs. */
  readonly onCommand?: ((command: string) => void) | undefined;
  /** Called when the object is there and the metadata is about to be made. */
  readonly onObject?: (() => void) | undefined;
  /** Told, before anything is compiled, which files of the user's the source reads and where others were looked for. */
  readonly onInputs?: ((inputs: UserInputs) => void) | undefined;
  /** What the compiles of several sources share. */
  readonly shared?: SharedInputs | undefined;
}

/** Files of the user's that matter to a source: a change of one asks for a new build. */
export interface UserInputs {
  readonly files: readonly string[];
  /** Where an included file was looked for and not found. */
  readonly absent: readonly string[];
}

/** Everything that is read once for all sources of a process. */
export interface SharedInputs {
  /** The cache directory, unless nothing has been kept there yet: for what only makes later builds faster. */
  readonly usedCache: string | undefined;
  readonly files: InputFiles;
  readonly scans: ScanCache;
  readonly kernels: Map<string, Promise<KernelTypes>>;
  /** What can wait until the compiler is running. */
  readonly idleWork: (() => void)[];
}

export function shareInputs(cacheDir: string | undefined): SharedInputs {
  const usedCache = cacheDir !== undefined && isCacheInUse(cacheDir) ? cacheDir : undefined;
  return { usedCache, files: new InputFiles(), scans: new ScanCache(), kernels: new Map(), idleWork: [] };
}

/** What clang made of a source. */
export interface CompiledObject {
  /** As it was given. */
  readonly source: string;
  /** File name without suffix: what artefacts are named after. */
  readonly objName: string;
  /** The stripped ELF object. */
  readonly object: Uint8Array;
  /** Clang's warnings as it printed them; empty when there were none. */
  readonly diagnostics: string;
  /** The user's files that went into it, as paths; the source first. */
  readonly dependencies: readonly string[];
  /** All files that went into it and all places where one was looked for, or why that cannot be said. */
  readonly inputs: () => BuildInputs | { readonly obstacle: string };
}

/** An object with its metadata: all that artefacts are made from. */
export interface CompiledSource extends CompiledObject, Metadata {
  /** What the AST told. */
  readonly facts: SourceFacts;
  /** Types for TypeScript that the object does not have. */
  readonly moreTypes: MoreTypes | undefined;
}

/**
 * Compiles one source and makes its metadata.
 * @param source  path of a `.bpf.c`
 * @throws those of {@link compileObject}
 * @throws {UsageError} an export header that the source does not include
 * @throws {MalformedError} what clang made is no object that libbpf would open
 */
export async function compile(source: string, options: CompileOptions = {}): Promise<CompiledSource> {
  const trace = options.trace ?? new Trace();
  return withCompilers(source, options, trace, true, async ({ compiled, project, output, context, run, facts }) => {
    const { exportHeader } = options;
    const clang = output.producer ?? (await context.version()).text;
    const metadata = trace.span('metadata', () => {
      try {
        return makeMetadata({ ...context, ...compiled, exportHeader, project, output, facts, clang });
      } catch (error) {
        throw explainObject(error, output.diagnostics, searchPath(project.compilers.codegen));
      }
    });
    const missing = options.typescript === true && metadata.model.btf ? missingTypes(metadata.model.btf, facts) : [];
    const moreTypes =
      missing.length === 0
        ? undefined
        : await trace.span('clang: types for TypeScript', () => compileMoreTypes(run, missing));
    return { ...compiled, ...metadata, facts, moreTypes };
  });
}

/**
 * Compiles one source to an object only. It may refer to what other objects define, to be linked with `bpftool gen object`.
 * @throws {UsageError} no such file, a refused flag
 * @throws {ToolError} a tool is missing or broke down
 * @throws {CompileError} `COMPILE_FAILED` with clang's diagnostics in `message` and `details.diagnostics`
 */
export async function compileObject(source: string, options: CompileOptions = {}): Promise<CompiledObject> {
  return withCompilers(source, options, options.trace ?? new Trace(), false, async ({ compiled }) => compiled);
}

/** What both runs of clang came to, and what they were run with. */
interface Compilation {
  readonly compiled: CompiledObject;
  readonly project: Project;
  readonly output: CompilerOutput;
  readonly run: CompilerRun;
  /** None unless they were asked for. */
  readonly facts: SourceFacts;
  readonly context: {
    readonly arch: Arch;
    readonly cflags: readonly string[];
    /** Where the kernel's types come from. */
    readonly kernelOrigin: string;
    readonly version: () => Promise<ToolVersion>;
    readonly files: InputFiles;
  };
}

async function withCompilers<T>(
  source: string,
  options: CompileOptions,
  trace: Trace,
  withFacts: boolean,
  use: (compilation: Compilation) => Promise<T>,
): Promise<T> {
  const cflags = options.cflags ?? [];
  checkUserFlags(cflags);
  const arch = options.arch ?? hostArch();
  const cacheDir = chosenCache(options.cacheDir);
  const shared = options.shared ?? shareInputs(cacheDir);
  const run: RunOptions = { signal: options.signal, timeoutMs: options.timeoutMs, onCommand: options.onCommand };

  const whenIdle = (work: () => void) => void shared.idleWork.push(work);
  const kernel = sharedKernel(shared, {
    arch,
    vmlinux: options.vmlinux,
    cacheDir: shared.usedCache,
    trace,
    whenIdle,
  });
  // from the second build on the header may be there already, made for the last build of the source
  if (shared.usedCache === undefined && !findsVmlinux(source, cflags)) readAhead(kernel);
  const known = shared.files.readBytes(source);
  const text = known === undefined || known.length === 0 ? await readSource(source) : known;
  if (options.exportHeader !== undefined) await readSource(options.exportHeader);
  const tools = await trace.span('find tools', () => locateToolchain(options));
  let asked: Promise<ToolVersion> | undefined;
  const version = () => {
    asked ??= trace.span('tool versions', () => readVersion(tools.clang, cacheDir, run));
    return asked;
  };

  return withWorkDirectory(async (workDirectory) => {
    const prepared = await prepareJob({
      source,
      arch,
      cflags,
      workspace: options.workspace,
      headerOnly: options.headerOnly === true,
      workDirectory,
      version,
    });
    const kernelTypes = await kernel;
    const project = trace.span('scan', () =>
      prepareProject({
        text,
        cflags,
        exportHeader: options.exportHeader,
        headerMode: options.headerMode ?? 'small',
        workDirectory,
        prepared,
        kernel: kernelTypes,
        clang: tools.clang,
        cacheDir: shared.usedCache,
        files: shared.files,
        scans: shared.scans,
        whenIdle,
      }),
    );
    options.onInputs?.({ files: project.userFiles, absent: project.absentUserFiles });
    const wanted = withFacts && project.mayHaveFacts;
    let facts = wanted ? undefined : NO_FACTS;
    const compilerRun: CompilerRun = {
      ...project.compilers,
      clang: tools.clang,
      workDirectory,
      colour: options.colour === true,
      run,
      trace,
      strip: tools.strip,
      getStrip: () => getStrip(options, tools.clang),
      needsAst: () => {
        facts ??= trace.span('read doc comments and events', () => readTexts(project.facts));
        return facts === undefined;
      },
      onWaiting: () => {
        // what the package says of them
        if (withFacts) for (const file of project.userFiles) shared.files.digest(file);
        for (const work of shared.idleWork.splice(0)) work();
      },
      onObject: options.onObject ?? (() => {}),
    };
    const output = await runCompilers(compilerRun).catch(async (error: unknown) => {
      throw await explainFailure(error, {
        source,
        tools,
        version,
        headerOnly: options.headerOnly === true,
        userFiles: project.userFiles,
        arch,
        cacheDir,
        kernelHeader: project.kernelHeader,
        includes: searchPath(prepared.codegen),
        workspace: options.workspace,
      });
    });
    const compiled: CompiledObject = {
      source,
      objName: objectName(source),
      object: output.object,
      diagnostics: output.diagnostics,
      dependencies: project.userFiles,
      inputs: () =>
        collectInputs({
          project,
          dependencies: output.dependencies,
          workDirectory,
          files: shared.files,
          clang: tools.clang,
          arch,
          vmlinux: options.vmlinux,
        }),
    };
    const { ast } = output;
    return use({
      compiled,
      project,
      output,
      facts: ast === undefined ? (facts ?? NO_FACTS) : trace.span('read AST', () => readAst(ast, project.facts)),
      run: compilerRun,
      context: { arch, cflags, kernelOrigin: kernelTypes.origin(), version, files: shared.files },
    });
  });
}

function sharedKernel({ kernels }: SharedInputs, choice: KernelChoice): Promise<KernelTypes> {
  const key = JSON.stringify([choice.arch, choice.vmlinux]);
  const known = kernels.get(key);
  if (known !== undefined) return known;
  const kernel = findKernelTypes(choice);
  // awaited later; a failure before that must not end the process
  kernel.catch(() => undefined);
  kernels.set(key, kernel);
  return kernel;
}

/** What ships is unpacked while the source is looked at. */
function readAhead(kernel: Promise<KernelTypes>): void {
  kernel.then(({ header, btf }) => (header === undefined ? btf() : undefined)).catch(() => undefined);
}

/** True when a `vmlinux.h` lies where the source is likely to find it. */
function findsVmlinux(source: string, cflags: readonly string[]): boolean {
  return [path.dirname(source), ...userIncludes(cflags)].some((directory) =>
    existsSync(path.join(directory, 'vmlinux.h')),
  );
}
