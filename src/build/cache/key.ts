/**
 * What a finished build is found under: everything that decides its outcome and is known before anything is read but the source. The
 * files that it includes are not in the key but in the record, since only a build tells which they are.
 */
import path from 'node:path';
import { sha256 } from '../../core/hash.ts';
import { BUILD_ID } from '../../core/version.ts';
import { hostArch } from '../../toolchain/arch.ts';
import { toolIdentity } from '../../toolchain/identity.ts';
import type { BuildOptions } from '../build.ts';
import type { ArtefactKind, BuildPlan } from '../plan.ts';
import type { Toolchain } from '../toolchain.ts';
import { portableFlags } from './portable-flags.ts';
import { portablePath } from './portable-path.ts';
import { VARIABLES } from './variables.ts';

/** Changes with the layout of records and keys. */
const FORMAT = '1';

/** Made by further tools out of files that are not followed. */
const NOT_KEPT: readonly ArtefactKind[] = ['standalone', 'archive'];

/** A key, or why the build has none. */
export type RecordKey = { readonly key: string; readonly sourceDigest: string } | { readonly obstacle: string };

export interface KeyRequest {
  readonly plan: BuildPlan;
  readonly options: BuildOptions;
  readonly tools: Toolchain;
  /** Content of the source. */
  readonly source: Uint8Array;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export function recordKey({ plan, options, tools, source, env = process.env }: KeyRequest): RecordKey {
  const other = plan.artefacts.find(({ kind }) => NOT_KEPT.includes(kind));
  if (other !== undefined) return { obstacle: `the ${other.kind} depends on more than can be followed` };
  const clang = toolIdentity(tools.clang);
  const strip = tools.strip === undefined ? null : toolIdentity(tools.strip);
  if (clang === undefined || strip === undefined) {
    const wrapper = clang === undefined ? tools.clang : tools.strip;
    return { obstacle: `${wrapper?.path} is a wrapper: which program it runs is not known` };
  }
  const directory = path.dirname(path.resolve(plan.source));
  const cflags = options.cflags ?? [];
  const flags = portableFlags(cflags, directory);
  if ('obstacle' in flags) return { obstacle: `what ${flags.obstacle} makes clang read is not known` };
  const place = (file: string | undefined) => (file === undefined ? null : portablePath(file, directory));
  const named = { vmlinux: options.vmlinux ?? null, file: place(options.vmlinux) };
  const sourceDigest = sha256(source);
  const facts = [
    FORMAT,
    BUILD_ID ?? null,
    clang,
    strip,
    path.basename(plan.source),
    sourceDigest,
    options.arch ?? hostArch(),
    cflags,
    flags.flags,
    named,
    place(options.workspace),
    place(plan.exportHeader),
    options.headerMode ?? 'small',
    options.headerOnly === true,
    options.objectOnly === true,
    options.strict === true,
    VARIABLES.map((name) => env[name] ?? null),
    plan.artefacts.map((artefact) => [artefact.kind, path.extname(artefact.path)]),
    // it says what the files are called, so it goes by how they were named
    plan.artefacts.some(({ kind }) => kind === 'depfile')
      ? [plan.source, plan.exportHeader ?? null, plan.artefacts.map((artefact) => artefact.path)]
      : null,
  ];
  return { key: sha256(JSON.stringify(facts)), sourceDigest };
}
