/** One function an artefact kind: from the compiled source in memory to the bytes of the file. None reads what another wrote. */
import path from 'node:path';
import { type EccError, UsageError } from '../core/errors.ts';
import { canonicalJson } from '../package/canonical.ts';
import { emitYaml, makePackage, packPackage } from '../package/pack.ts';
import { hostArch } from '../toolchain/arch.ts';
import type { BuildOptions, Steps } from './build.ts';
import type { CompiledSource } from './compile.ts';
import { emitDepfile } from './depfile.ts';
import type { Artefact, ArtefactKind, BuildPlan } from './plan.ts';

export interface RenderContext {
  readonly plan: BuildPlan;
  readonly compiled: CompiledSource;
  readonly options: BuildOptions;
  readonly onProgress: (text: string, steps?: Steps) => void;
}

export interface Rendered {
  readonly content: Uint8Array | string;
  /** The artefact is good but not all that was asked for: reported when everything is written. */
  readonly shortfall?: EccError | undefined;
}

type Renderer = (context: RenderContext, artefact: Artefact) => Promise<Rendered>;

const RENDERERS: Readonly<Record<ArtefactKind, Renderer>> = {
  object: async ({ compiled }) => ({ content: compiled.object }),
  skeleton: async ({ compiled }, artefact) => ({ content: await emit(compiled.meta, artefact.path) }),
  package: async ({ compiled }, artefact) => ({ content: await emit(makePackage(compiled), artefact.path) }),
  depfile: async ({ plan, compiled }) => ({ content: renderDepfile(plan, compiled.dependencies) }),
  types: async ({ compiled }) => ({ content: (await import('./types.ts')).emitTypes(compiled) }),
  'wasm-header': async ({ compiled }) => {
    const { emitWasmHeader } = await import('../codegen/c/wasm-header.ts');
    return { content: emitWasmHeader(packPackage(compiled)) };
  },
  'standalone-source': async ({ compiled }) => ({
    content: (await import('./standalone.ts')).standaloneSource(compiled),
  }),
  standalone: renderStandalone,
  archive: renderArchive,
};

export function renderArtefact(artefact: Artefact, context: RenderContext): Promise<Rendered> {
  return RENDERERS[artefact.kind](context, artefact);
}

async function renderStandalone({ compiled, options, onProgress }: RenderContext): Promise<Rendered> {
  const { linkStandalone, standaloneSource } = await import('./standalone.ts');
  const { locateToolchain } = await import('./toolchain.ts');
  onProgress('Generating standalone executable...');
  const { clang } = await locateToolchain(options);
  return { content: await linkStandalone(standaloneSource(compiled), { ...options, clang }) };
}

async function renderArchive({ compiled, options, onProgress }: RenderContext): Promise<Rendered> {
  const { findBtfArchive, incompleteArchive, makeBtfPackage } = await import('./btfgen.ts');
  const archive = await findBtfArchive(options.btfhubArchive, { ...options, onProgress });
  const result = await makeBtfPackage(
    { objName: compiled.objName, object: compiled.object, packageText: packPackage(compiled) },
    {
      signal: options.signal,
      timeoutMs: options.timeoutMs,
      onCommand: options.onCommand,
      arch: options.arch ?? hostArch(),
      archive,
      bpftool: options.bpftool,
      firstDirectory: options.workspace === undefined ? undefined : path.join(options.workspace, 'bin'),
      onProgress: (done, total, name) =>
        onProgress(`Shrinking BTF of kernels: ${done} of ${total}`, { done, total, name }),
    },
  );
  if (result.failures.length === result.kernels) {
    throw new UsageError('USAGE_BTF_ARCHIVE', 'no kernel of the archive could be used', {
      hint: result.failures[0]?.message ?? '',
    }).in(archive);
  }
  return {
    content: result.tar,
    shortfall: result.failures.length > 0 ? incompleteArchive(archive, result) : undefined,
  };
}

/** The suffix of the planned path says which format. */
async function emit(value: unknown, file: string): Promise<string> {
  return file.endsWith('.yaml') ? emitYaml(value) : canonicalJson(value);
}

/** A rule for every file that the build writes, so that each is remade when a source changes. */
export function renderDepfile(plan: BuildPlan, dependencies: readonly string[]): string {
  const targets = plan.artefacts.filter(({ kind }) => kind !== 'depfile').map((artefact) => artefact.path);
  return emitDepfile({ targets, dependencies });
}
