/**
 * From a request to files: plan, compile each source, render each planned artefact from the values in memory, write them
 * together. Several sources are built side by side, each as if it were alone.
 */
import { statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { CompileError, UsageError } from '../core/errors.ts';
import { chosenCache } from '../core/paths.ts';
import { Trace } from '../core/trace.ts';
import type { Warning } from '../core/warning.ts';
import { type FinishedBuild, findFinished, keepFinished, replay, restore } from './cache/finished.ts';
import { openFinished } from './cache/finished-store.ts';
import type { CacheStore } from './cache/store.ts';
import {
  type CompiledSource,
  type CompileOptions,
  compile,
  compileObject,
  type SharedInputs,
  shareInputs,
  type UserInputs,
} from './compile.ts';
import { removeLeftovers } from './leftovers.ts';
import { type BuildPlan, makePlans, type OutputRequest } from './plan.ts';
import { renderArtefact, renderDepfile } from './render.ts';
import { checkReadable } from './source.ts';
import { protectForeignPackages, protectInputs, type WrittenFile, writeFiles } from './write.ts';

export interface BuildOptions
  extends OutputRequest,
    Omit<CompileOptions, 'exportHeader' | 'onObject' | 'onInputs' | 'shared'> {
  /** Directory of the BTF archive for `btfgen`. */
  readonly btfhubArchive?: string | undefined;
  readonly bpftool?: string | undefined;
  /** Replace a `package.json` that is no package of ours. */
  readonly force?: boolean;
  /** Warnings end the build before anything is written. */
  readonly strict?: boolean;
  /** Build even if nothing changed, and keep nothing of it for the next time. */
  readonly noCache?: boolean;
  readonly onEvent?: ((event: BuildEvent) => void) | undefined;
}

/** What a build tells while it goes on. */
export type BuildEvent =
  | { readonly kind: 'progress'; readonly source: string; readonly text: string; readonly steps?: Steps | undefined }
  /** Clang's own warnings, as it printed them. */
  | { readonly kind: 'diagnostics'; readonly source: string; readonly text: string }
  | { readonly kind: 'warning'; readonly source: string; readonly warning: Warning }
  /** Nothing was built: the artefacts are there already, or were in the cache. */
  | { readonly kind: 'reused'; readonly source: string; readonly restored: boolean }
  /** A finished build that will not be found again, and why. */
  | { readonly kind: 'unkept'; readonly source: string; readonly obstacle: string }
  /** Which files of the user's a source reads, and where others were looked for. Told before it is compiled. */
  | ({ readonly kind: 'inputs'; readonly source: string } & UserInputs)
  | { readonly kind: 'done'; readonly source: string; readonly error: unknown };

/** How far a long job of one source has come. */
export interface Steps {
  readonly done: number;
  readonly total: number;
  /** What was done last. */
  readonly name: string;
}

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
  const plans = await makeReadablePlans(options);
  const context: BuildContext = {
    options,
    shared: shareInputs(chosenCache(options.cacheDir)),
    store: openFinished(options),
  };
  context.shared.idleWork.push(() => removeLeftovers(chosenCache(options.cacheDir)));
  const buildChecked = async (plan: BuildPlan) => {
    checkPlan(plan, options);
    await buildPlan(plan, context);
  };
  if (plans.length === 1) return buildChecked(plans[0]!);

  const errors = new Array<unknown>(plans.length);
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < plans.length; index = next++) {
      const plan = plans[index]!;
      errors[index] = await buildChecked(plan).catch((error: unknown) => error);
      if (options.signal?.aborted) return;
      options.onEvent?.({ kind: 'done', source: plan.source, error: errors[index] });
    }
  };
  await Promise.all(Array.from({ length: Math.min(plans.length, os.availableParallelism()) }, worker));
  options.signal?.throwIfAborted();
  const failures = errors.filter((error) => error !== undefined);
  if (failures.length > 0) throw new BuildFailures(failures);
}

/**
 * Everything that will be written, when nothing speaks against it.
 * @throws {UsageError} flags that exclude each other, a source that is not there, a `package.json` that is not ours
 */
export async function preparePlans(options: BuildOptions): Promise<BuildPlan[]> {
  const plans = await makeReadablePlans(options);
  for (const plan of plans) checkPlan(plan, options);
  return plans;
}

async function makeReadablePlans(options: BuildOptions): Promise<BuildPlan[]> {
  const plans = makePlans(options);
  if (options.exportHeader !== undefined) checkReadable(options.exportHeader);
  if (options.btfgen && options.btfhubArchive !== undefined) {
    const { findBtfArchive } = await import('./btfgen.ts');
    await findBtfArchive(options.btfhubArchive);
  }
  if (options.workspace !== undefined) checkDirectory('--workspace-path', options.workspace);
  return plans;
}

function checkDirectory(option: string, directory: string): void {
  let why = 'is not a directory';
  try {
    if (statSync(directory).isDirectory()) return;
  } catch {
    why = 'no such directory';
  }
  throw new UsageError('USAGE_VALUE', `${option} ${directory}: ${why}`);
}

function checkPlan({ source, artefacts }: BuildPlan, { force }: BuildOptions): void {
  checkReadable(source);
  protectForeignPackages(artefacts, force === true);
}

/** What all sources of a build have in common. */
export interface BuildContext {
  readonly options: BuildOptions;
  readonly shared: SharedInputs;
  /** Finished builds; `undefined` when they are neither looked for nor kept. */
  readonly store: CacheStore | undefined;
}

/** Builds one source, or finds that this need not be done. */
export async function buildPlan(plan: BuildPlan, context: BuildContext): Promise<void> {
  const { options, shared, store } = context;
  const { onEvent = () => {} } = options;
  const { source } = plan;
  const trace = (options.trace ?? new Trace()).for(source);
  const lookup =
    store &&
    trace.span('look for a finished build', () =>
      findFinished(store, plan, options, (file) => shared.files.readBytes(file)),
    );
  if (store !== undefined && lookup?.kind === 'found' && (await restore(store, lookup, options))) {
    replay(lookup, onEvent);
    return;
  }
  const finished = options.objectOnly ? await makeObject(plan, context) : await makeArtefacts(plan, context);
  if (store === undefined || lookup === undefined) return;
  const obstacle = trace.span('keep the build', () => keepFinished(store, { plan, options, lookup, ...finished }));
  if (obstacle !== undefined) onEvent({ kind: 'unkept', source, obstacle });
}

async function makeObject(plan: BuildPlan, { options, shared }: BuildContext): Promise<FinishedBuild> {
  const { source } = plan;
  options.onEvent?.({ kind: 'progress', source, text: 'Compiling bpf object...' });
  const compiled = await compileObject(source, { ...options, shared, onInputs: takeInputs(plan, options) });
  const { object, diagnostics } = compiled;
  if (diagnostics !== '') options.onEvent?.({ kind: 'diagnostics', source, text: diagnostics });
  const files = plan.artefacts.map((artefact) => ({
    artefact,
    content: artefact.kind === 'depfile' ? renderDepfile(plan, compiled.dependencies) : object,
  }));
  write(files, options);
  return { compiled, warnings: [], contents: files.map(({ content }) => content) };
}

async function makeArtefacts(plan: BuildPlan, { options, shared }: BuildContext): Promise<FinishedBuild> {
  const { source } = plan;
  const { onEvent = () => {} } = options;
  const trace = (options.trace ?? new Trace()).for(source);
  const progress = (text: string, steps?: Steps) => onEvent({ kind: 'progress', source, text, steps });
  progress('Compiling bpf object...');
  const compiled = await compile(source, {
    ...options,
    shared,
    trace,
    exportHeader: plan.exportHeader,
    typescript: plan.artefacts.some(({ kind }) => kind === 'types'),
    onInputs: takeInputs(plan, options),
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
      ...(await trace.span(`make ${artefact.kind}`, () =>
        renderArtefact(artefact, { plan, compiled, options, onProgress: progress }),
      )),
    })),
  );
  const files = rendered.map(({ artefact, content }) => ({
    artefact,
    content,
    executable: artefact.kind === 'standalone',
  }));
  trace.span('write files', () => write(files, options));
  const shortfall = rendered.find((file) => file.shortfall !== undefined)?.shortfall;
  if (shortfall !== undefined) throw shortfall;
  return { compiled, warnings: compiled.warnings, contents: rendered.map(({ content }) => content) };
}

/** Before anything is compiled. */
function takeInputs({ source, artefacts }: BuildPlan, { onEvent }: BuildOptions) {
  return (inputs: UserInputs) => {
    onEvent?.({ kind: 'inputs', source, ...inputs });
    protectInputs(artefacts, inputs.files);
  };
}

function write(files: readonly WrittenFile[], options: BuildOptions): void {
  writeFiles(files, { staging: stagingDirectories(options.cacheDir), signal: options.signal });
}

function refuseWarnings({ source, warnings }: CompiledSource): void {
  if (warnings.length === 0) return;
  const count = warnings.length === 1 ? 'a warning' : `${warnings.length} warnings`;
  throw new CompileError('COMPILE_STRICT', `${count}, and --strict treats warnings as errors; nothing was written`, {
    hint: 'mend what they are about, or leave out --strict',
  }).in(source);
}

/** Where half-written files may lie: our cache, if it is there. */
function stagingDirectories(cacheDir: string | undefined | false): string[] {
  const directory = chosenCache(cacheDir);
  return directory === undefined ? [] : [path.join(directory, 'staging')];
}
