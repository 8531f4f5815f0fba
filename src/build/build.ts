/**
 * From a request to files: plan, compile each source, render each planned artefact from the values in memory, write them
 * together. Several sources are built side by side, each as if it were alone.
 */
import os from 'node:os';
import path from 'node:path';
import { CompileError } from '../core/errors.ts';
import { cacheDirectory } from '../core/paths.ts';
import type { Warning } from '../core/warning.ts';
import { type CompiledSource, type CompileOptions, compile, compileObject } from './compile.ts';
import { type BuildPlan, makePlans, type OutputRequest } from './plan.ts';
import { renderArtefact } from './render.ts';
import { checkReadable } from './source.ts';
import { protectForeignPackages, type WrittenFile, writeFiles } from './write.ts';

export interface BuildOptions extends OutputRequest, Omit<CompileOptions, 'exportHeader' | 'onObject'> {
  /** Directory of the BTF archive for `btfgen`. */
  readonly btfhubArchive?: string | undefined;
  readonly bpftool?: string | undefined;
  /** Replace a `package.json` that is no package of ours. */
  readonly force?: boolean;
  /** Warnings end the build before anything is written. */
  readonly strict?: boolean;
  readonly onEvent?: ((event: BuildEvent) => void) | undefined;
}

/** What a build tells while it goes on. */
export type BuildEvent =
  | { readonly kind: 'progress'; readonly source: string; readonly text: string }
  /** Clang's own warnings, as it printed them. */
  | { readonly kind: 'diagnostics'; readonly source: string; readonly text: string }
  | { readonly kind: 'warning'; readonly source: string; readonly warning: Warning }
  | { readonly kind: 'done'; readonly source: string; readonly error: unknown };

/** The builds of several sources that failed, in the order of the sources. */
export class BuildFailures extends Error {
  readonly errors: readonly unknown[];

  constructor(errors: readonly unknown[]) {
    super(`${errors.length} builds failed`);
    this.errors = errors;
  }
}

/**
 * Builds everything that was asked for.
 * @throws whatever {@link compile} throws; `IO_WRITE_FAILED`; `COMPILE_STRICT` when `strict` is set and there were warnings;
 *   {@link BuildFailures} when there are several sources: the others are built all the same.
 */
export async function build(options: BuildOptions): Promise<void> {
  const plans = makePlans(options);
  for (const { source, exportHeader } of plans) {
    await checkReadable(source);
    if (exportHeader !== undefined) await checkReadable(exportHeader);
  }
  for (const plan of plans) await protectForeignPackages(plan.artefacts, options.force === true);
  if (plans.length === 1) return buildOne(plans[0]!, options);

  const errors = new Array<unknown>(plans.length);
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < plans.length; index = next++) {
      const plan = plans[index]!;
      errors[index] = await buildOne(plan, options).catch((error: unknown) => error);
      options.onEvent?.({ kind: 'done', source: plan.source, error: errors[index] });
    }
  };
  await Promise.all(Array.from({ length: Math.min(plans.length, os.availableParallelism()) }, worker));
  options.signal?.throwIfAborted();
  const failures = errors.filter((error) => error !== undefined);
  if (failures.length > 0) throw new BuildFailures(failures);
}

async function buildOne(plan: BuildPlan, options: BuildOptions): Promise<void> {
  const { source } = plan;
  const { onEvent = () => {} } = options;
  const progress = (text: string) => onEvent({ kind: 'progress', source, text });
  progress('Compiling bpf object...');
  const write = (files: readonly WrittenFile[]) =>
    writeFiles(files, { staging: stagingDirectories(options.cacheDir), signal: options.signal });
  if (options.objectOnly) {
    const { object, diagnostics } = await compileObject(source, options);
    if (diagnostics !== '') onEvent({ kind: 'diagnostics', source, text: diagnostics });
    return write([{ artefact: plan.artefacts[0]!, content: object }]);
  }
  const compiled = await compile(source, {
    ...options,
    exportHeader: plan.exportHeader,
    onObject: () => progress('Generating export types...'),
  });
  if (compiled.diagnostics !== '') onEvent({ kind: 'diagnostics', source, text: compiled.diagnostics });
  for (const warning of compiled.warnings) onEvent({ kind: 'warning', source, warning });
  if (options.strict) refuseWarnings(compiled);
  const packed = plan.artefacts.find(({ kind }) => kind === 'package');
  if (packed !== undefined) progress(`Packing ebpf object and config into ${packed.path}...`);
  const rendered = await Promise.all(
    plan.artefacts.map(async (artefact) => ({
      artefact,
      ...(await renderArtefact(artefact, { plan, compiled, options, onProgress: progress })),
    })),
  );
  await write(
    rendered.map(({ artefact, content }) => ({ artefact, content, executable: artefact.kind === 'standalone' })),
  );
  const shortfall = rendered.find((file) => file.shortfall !== undefined)?.shortfall;
  if (shortfall !== undefined) throw shortfall;
}

function refuseWarnings({ source, warnings }: CompiledSource): void {
  if (warnings.length === 0) return;
  const count = warnings.length === 1 ? 'a warning' : `${warnings.length} warnings`;
  throw new CompileError('COMPILE_STRICT', `${count}, and --strict treats warnings as errors; nothing was written`).in(
    source,
  );
}

/** Where half-written files may lie: our cache, if it is there. */
function stagingDirectories(cacheDir: string | undefined | false): string[] {
  const directory = cacheDir === false ? undefined : (cacheDir ?? cacheDirectory());
  return directory === undefined ? [] : [path.join(directory, 'staging')];
}
