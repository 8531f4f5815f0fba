/**
 * From a request to files: plan, compile each source, render each planned artefact from the values in memory, write them
 * together.
 */
import path from 'node:path';
import { CompileError } from '../core/errors.ts';
import { cacheDirectory } from '../core/paths.ts';
import type { Warning } from '../core/warning.ts';
import { type CompiledSource, type CompileOptions, compile } from './compile.ts';
import { type Artefact, type BuildPlan, makePlans, type OutputRequest } from './plan.ts';
import { renderArtefact } from './render.ts';
import { protectForeignPackages, type WrittenFile, writeFiles } from './write.ts';

export interface BuildOptions extends OutputRequest, Omit<CompileOptions, 'exportHeader'> {
  /** Directory of the BTF archive for `btfgen`. */
  readonly btfhubArchive?: string | undefined;
  readonly bpftool?: string | undefined;
  /** Replace a `package.json` that is no package of ours. */
  readonly force?: boolean;
  /** Warnings end the build before anything is written. */
  readonly strict?: boolean;
  readonly onProgress?: ((line: string) => void) | undefined;
  readonly onWarning?: ((warning: Warning) => void) | undefined;
}

/**
 * Builds everything that was asked for.
 * @throws whatever {@link compile} throws; `IO_WRITE_FAILED`; `COMPILE_STRICT` when `strict` is set and there were warnings.
 */
export async function build(options: BuildOptions): Promise<void> {
  const plans = makePlans(options);
  for (const plan of plans) await protectForeignPackages(plan.artefacts, options.force === true);
  for (const plan of plans) await buildOne(plan, options);
}

async function buildOne(plan: BuildPlan, options: BuildOptions): Promise<void> {
  const { onProgress = () => {}, onWarning = () => {} } = options;
  onProgress('Compiling bpf object...');
  const compiled = await compile(plan.source, {
    ...options,
    exportHeader: plan.exportHeader,
    onObject: () => onProgress('Generating export types...'),
  });
  if (compiled.diagnostics !== '') onProgress(compiled.diagnostics.trimEnd());
  compiled.warnings.forEach(onWarning);
  if (options.strict && compiled.warnings.length > 0) {
    const count = compiled.warnings.length === 1 ? 'a warning' : `${compiled.warnings.length} warnings`;
    throw new CompileError(
      'COMPILE_STRICT',
      `${count}, and --strict treats warnings as errors; nothing was written`,
    ).in(plan.source);
  }
  const packed = plan.artefacts.find(({ kind }) => kind === 'package');
  if (packed !== undefined) onProgress(`Packing ebpf object and config into ${packed.path}...`);
  const files = await Promise.all(plan.artefacts.map((artefact) => render(artefact, plan, compiled)));
  await writeFiles(files, { staging: stagingDirectories(options.cacheDir), signal: options.signal });
}

async function render(artefact: Artefact, plan: BuildPlan, compiled: CompiledSource): Promise<WrittenFile> {
  return { artefact, content: await renderArtefact(artefact, plan, compiled) };
}

/** Where half-written files may lie: our cache, if it is there. */
function stagingDirectories(cacheDir: string | undefined | false): string[] {
  const directory = cacheDir === false ? undefined : (cacheDir ?? cacheDirectory());
  return directory === undefined ? [] : [path.join(directory, 'staging')];
}
