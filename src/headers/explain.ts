/**
 * What clang cannot know about a name that the kernel's types lack: which of the kernels that ship with us have it. Pure; who
 * calls brings the kernels.
 */
import type { Btf } from '../btf/table.ts';
import { diagnoseHeader } from './diagnose.ts';
import { hasThing, type KernelThing } from './presence.ts';

export interface KnownKernel {
  /** `6.18` */
  readonly version: string;
  readonly btf: Btf;
}

/** A name that clang did not find, and in which kernels it is. */
export interface KernelFinding {
  readonly thing: KernelThing;
  /** Oldest first; the versions that have it, and those that do not. */
  readonly having: readonly string[];
  readonly lacking: readonly string[];
}

/** Findings are for people: more than these hide the first. */
const MAX_FINDINGS = 5;

/**
 * Names of kernel things that the diagnostics say are missing and that at least one kernel has.
 * @param diagnostics  clang's, without colour
 * @param kernels  of one architecture
 */
export function findInKernels(diagnostics: string, kernels: readonly KnownKernel[]): KernelFinding[] {
  const findings: KernelFinding[] = [];
  const sorted = [...kernels].sort((a, b) => compareVersions(a.version, b.version));
  for (const problem of diagnoseHeader(diagnostics, '', () => false)) {
    if (findings.length === MAX_FINDINGS) break;
    if (problem.kind === 'clash') continue;
    for (const thing of thingsOf(problem)) {
      const having = sorted.filter(({ btf }) => hasThing(btf, thing)).map(({ version }) => version);
      if (having.length === 0) continue;
      const lacking = sorted.map(({ version }) => version).filter((version) => !having.includes(version));
      findings.push({ thing, having, lacking });
      break;
    }
  }
  return findings;
}

function thingsOf(
  problem: Exclude<ReturnType<typeof diagnoseHeader>[number], { readonly kind: 'clash' }>,
): KernelThing[] {
  if (problem.kind === 'no-member') return [{ kind: 'member', type: problem.type, member: problem.member }];
  const { name, isTag } = problem;
  if (isTag) return [{ kind: 'type', name }];
  return (['type', 'function', 'enumerator'] as const).map((kind) => ({ kind, name }));
}

/** `member nr_queued of cfs_rq` */
export function describeThing(thing: KernelThing): string {
  switch (thing.kind) {
    case 'member':
      return `member ${thing.member} of ${thing.type}`;
    case 'function':
      return `kernel function ${thing.name}`;
    case 'type':
    case 'enumerator':
      return `${thing.kind} ${thing.name}`;
  }
}

/**
 * In which kernels, in words: `in 6.18, not in 6.12 and older`.
 */
export function describeVersions({ having, lacking }: Pick<KernelFinding, 'having' | 'lacking'>): string {
  if (lacking.length === 0) return `in every kernel that ships with ecc (${having.join(', ')})`;
  const [first, last] = [having[0]!, having.at(-1)!];
  const older = lacking.filter((version) => compareVersions(version, first) < 0);
  const newer = lacking.filter((version) => compareVersions(version, last) > 0);
  if (older.length === lacking.length)
    return `in ${first}${having.length > 1 ? ' and later' : ''}, not in ${older.at(-1)}${older.length > 1 ? ' and older' : ''}`;
  if (newer.length === lacking.length)
    return `in ${last}${having.length > 1 ? ' and older' : ''}, no longer in ${newer[0]}${newer.length > 1 ? ' and later' : ''}`;
  return `in ${having.join(', ')}, not in ${lacking.join(', ')}`;
}

/** `6.12` comes after `6.1`. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number));
  for (let i = 0; i < Math.max(left!.length, right!.length); i++) {
    const difference = (left![i] ?? 0) - (right![i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
