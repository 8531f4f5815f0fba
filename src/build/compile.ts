/**
 * One source into an object with its metadata, all in memory. Nothing outside of a temporary directory is written.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { inFile, UsageError } from '../core/errors.ts';
import { sha256 } from '../core/hash.ts';
import { cacheDirectory } from '../core/paths.ts';
import { Trace } from '../core/trace.ts';
import { REFERENCE_VERSION, VERSION } from '../core/version.ts';
import type { Warning } from '../core/warning.ts';
import type { BpfObject } from '../object/model.ts';
import { openObject } from '../object/open.ts';
import type { BuildInfo, PackageMeta } from '../package/schema.ts';
import { documentSkeleton } from '../skeleton/documented.ts';
import { makeSkeleton } from '../skeleton/skeleton.ts';
import { type Arch, hostArch } from '../toolchain/arch.ts';
import { checkUserFlags } from '../toolchain/clang.ts';
import type { RunOptions } from '../toolchain/run.ts';
import { readVersion } from '../toolchain/version.ts';
import { type AstFacts, readAst } from './ast.ts';
import { type CompilerOutput, runCompilers } from './compilers.ts';
import { chooseExports } from './exports.ts';
import { type KernelTypes, loadKernelTypes } from './kernel-types.ts';
import { loaderWarnings } from './loader-warnings.ts';
import { objectName } from './plan.ts';
import { type Project, prepareProject } from './project.ts';
import { readSource } from './source.ts';
import { locateToolchain, type ToolChoice } from './toolchain.ts';
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
  /** Where answers of tools and unpacked kernel types are kept; `false`: nowhere. Default: the user's cache. */
  readonly cacheDir?: string | false | undefined;
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
}

/** What a source became. */
export interface CompiledSource {
  /** As it was given. */
  readonly source: string;
  /** File name without suffix: what artefacts are named after. */
  readonly objName: string;
  /** The stripped ELF object. */
  readonly object: Uint8Array;
  readonly model: BpfObject;
  /** Skeleton with doc comments, and export types. */
  readonly meta: PackageMeta;
  readonly buildInfo: BuildInfo;
  /** What the AST told. */
  readonly facts: AstFacts;
  readonly warnings: readonly Warning[];
  /** Clang's warnings as it printed them; empty when there were none. */
  readonly diagnostics: string;
  /** The user's files that went into it, as paths; the source first. */
  readonly dependencies: readonly string[];
}

/**
 * Compiles one source.
 * @param source  path of a `.bpf.c`
 * @throws {UsageError} no such file, a refused flag, an export header that the source does not include
 * @throws {ToolError} a tool is missing or broke down
 * @throws {CompileError} `COMPILE_FAILED` with clang's diagnostics in `message` and `details.diagnostics`
 * @throws {MalformedError} what clang made is no object that libbpf would open
 */
export async function compile(source: string, options: CompileOptions = {}): Promise<CompiledSource> {
  const trace = options.trace ?? new Trace();
  const cflags = options.cflags ?? [];
  checkUserFlags(cflags);
  const arch = options.arch ?? hostArch();
  const cacheDir = options.cacheDir === false ? undefined : (options.cacheDir ?? cacheDirectory());
  const run: RunOptions = { signal: options.signal, timeoutMs: options.timeoutMs, onCommand: options.onCommand };
  const { exportHeader } = options;

  const kernel = trace.span('kernel types', () => loadKernelTypes({ arch, vmlinux: options.vmlinux, cacheDir }));
  // awaited later; a failure before that must not end the process
  kernel.catch(() => undefined);
  const text = await readSource(source);
  if (exportHeader !== undefined) await readSource(exportHeader);
  const tools = await trace.span('find tools', () => locateToolchain(options));
  const version = trace.span('tool versions', () => readVersion(tools.clang, cacheDir));

  return withWorkDirectory(async (workDirectory) => {
    const project = await trace.span('scan and kernel header', async () =>
      prepareProject({
        source,
        text,
        arch,
        cflags,
        workDirectory,
        kernel,
        workspace: options.workspace,
        headerMode: options.headerMode ?? 'small',
      }),
    );
    const output = await runCompilers({
      ...project.compilers,
      tools,
      workDirectory,
      colour: options.colour === true,
      run,
      trace,
      onObject: options.onObject ?? (() => {}),
    });
    const facts = trace.span('read AST', () =>
      readAst({ dump: output.ast, source: project.compilers.ast.source, exportHeader, userFiles: project.userFiles }),
    );
    return trace.span('metadata', async () =>
      finish({
        source,
        arch,
        cflags,
        exportHeader,
        project,
        output,
        facts,
        clang: (await version).text,
        kernel: await kernel,
      }),
    );
  });
}

interface Finish {
  readonly source: string;
  readonly arch: Arch;
  readonly cflags: readonly string[];
  readonly exportHeader: string | undefined;
  readonly project: Project;
  readonly output: CompilerOutput;
  readonly facts: AstFacts;
  readonly clang: string;
  readonly kernel: KernelTypes;
}

async function finish(parts: Finish): Promise<CompiledSource> {
  const { source, output, facts, project } = parts;
  const { object } = output;
  const objName = objectName(source);
  const model = inFile(source, () => openObject(object));
  checkExportHeader(parts);
  const skeleton = documentSkeleton(makeSkeleton(model, `${objName}.bpf.o`), facts.docs);
  const { exportTypes, warnings: exportWarnings } = chooseExports(model, skeleton, facts);
  const meta: PackageMeta = { bpf_skel: skeleton, eunomia_version: REFERENCE_VERSION, export_types: exportTypes };
  return {
    source,
    objName,
    object,
    model,
    meta,
    buildInfo: await buildInfo(parts),
    facts,
    warnings: [...facts.warnings, ...exportWarnings, ...loaderWarnings(model, meta, facts)],
    diagnostics: output.diagnostics,
    dependencies: project.userFiles,
  };
}

/** A header that the source does not include defines nothing in the object: the package would load and never print. */
function checkExportHeader({ source, exportHeader, output, project }: Finish): void {
  if (exportHeader === undefined || exportHeader === source) return;
  const wanted = path.resolve(exportHeader);
  const read = [...output.dependencies, ...project.userFiles].some((file) => path.resolve(file) === wanted);
  if (read) return;
  throw new UsageError(
    'USAGE_HEADER_NOT_INCLUDED',
    `the source does not include ${exportHeader}, so none of its structs can be exported`,
    {
      details: { header: exportHeader },
      hint: `add  #include "${path.basename(exportHeader)}"  to the source, or leave the header out`,
    },
  ).in(source);
}

async function buildInfo({ source, arch, cflags, project, clang, kernel }: Finish): Promise<BuildInfo> {
  const directory = path.dirname(path.resolve(source));
  const sources = await Promise.all(
    project.userFiles.map(async (file) => ({
      name: path.relative(directory, path.resolve(file)),
      sha256: sha256(await readFile(file)),
    })),
  );
  return {
    ecc: VERSION,
    clang,
    kernel_headers: project.ownHeader ? 'own' : kernel.origin,
    target_arch: arch,
    cflags,
    sources,
  };
}
