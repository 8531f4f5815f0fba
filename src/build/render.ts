/** One function an artefact kind: from the compiled source in memory to the bytes of the file. None reads what another wrote. */
import { UnsupportedError } from '../core/errors.ts';
import { canonicalJson } from '../package/canonical.ts';
import { emitYaml, makePackage } from '../package/pack.ts';
import type { CompiledSource } from './compile.ts';
import { emitDepfile } from './depfile.ts';
import type { Artefact, BuildPlan } from './plan.ts';

export async function renderArtefact(
  artefact: Artefact,
  plan: BuildPlan,
  compiled: CompiledSource,
): Promise<Uint8Array | string> {
  const { kind, path } = artefact;
  switch (kind) {
    case 'object':
      return compiled.object;
    case 'skeleton':
      return emit(compiled.meta, path);
    case 'package':
      return emit(makePackage(compiled), path);
    case 'depfile':
      return emitDepfile({ targets: targetsOf(plan), dependencies: compiled.dependencies });
    case 'types':
      return (await import('./types.ts')).emitTypes(compiled);
    default:
      throw new UnsupportedError('UNSUP_ARTEFACT', `${kind} cannot be written yet`);
  }
}

/** The suffix of the planned path says which format. */
async function emit(value: unknown, path: string): Promise<string> {
  return path.endsWith('.yaml') ? emitYaml(value) : canonicalJson(value);
}

/** A rule for every file that the build writes, so that each is remade when a source changes. */
function targetsOf(plan: BuildPlan): string[] {
  return plan.artefacts.filter(({ kind }) => kind !== 'depfile').map((artefact) => artefact.path);
}
