/**
 * The skeleton with what the doc comments say, as packages hold it. A comment's fields are assigned onto the entry, so they can
 * add keys (`cmdarg`, `sample`, `ifindex`) and overwrite others (`@type unsigned int`).
 */
import type { SourceDocs } from '../doc/docs.ts';
import type { Skeleton, SkeletonDataSection, SkeletonMap, SkeletonProgram, SkeletonVariable } from './skeleton.ts';

/** A command-line option of the loader; all members are optional. */
export interface CommandArgument {
  readonly default?: unknown;
  readonly long?: string | null;
  readonly short?: string | null;
  readonly help?: string | null;
}

export interface DocumentedVariable extends SkeletonVariable {
  readonly value?: unknown;
  readonly description?: string | null;
  readonly cmdarg?: CommandArgument;
}

export interface DocumentedSection extends SkeletonDataSection {
  readonly variables: readonly DocumentedVariable[];
}

/** How a map is printed again and again. */
export interface Sample {
  /** Milliseconds. */
  readonly interval: number;
  readonly type?: 'log2_hist' | 'linear_hist' | 'default_kv';
  readonly unit?: string;
  readonly clear_map?: boolean;
}

export interface DocumentedMap extends SkeletonMap {
  readonly sample?: Sample | null;
  readonly [key: string]: unknown;
}

export interface DocumentedProgram extends SkeletonProgram {
  /** For xdp and tc: `ifindex`, `flags`, `tchook`, … */
  readonly [key: string]: unknown;
}

/** What the help of the loaded program says; from the comment on the license. */
export interface ProgramDoc {
  readonly version?: string | null;
  readonly brief?: string | null;
  readonly details?: string | null;
  readonly description?: string | null;
}

/** `bpf_skel` of a package: the lists are always there. */
export interface DocumentedSkeleton {
  readonly data_sections: readonly DocumentedSection[];
  readonly obj_name: string;
  readonly maps: readonly DocumentedMap[];
  readonly progs: readonly DocumentedProgram[];
  readonly doc?: ProgramDoc | null;
}

/** @param docs  fields that the loader would refuse are already left out */
export function documentSkeleton(
  skeleton: Skeleton,
  docs: Pick<SourceDocs, 'variables' | 'maps' | 'programs' | 'license'>,
): DocumentedSkeleton {
  return {
    data_sections: (skeleton.data_sections ?? []).map((section) => ({
      ...section,
      variables: section.variables.map((variable) => ({ ...variable, ...docs.variables.get(variable.name) })),
    })),
    obj_name: skeleton.obj_name,
    maps: (skeleton.maps ?? []).map((map) => ({ ...map, ...docs.maps.get(map.name) })),
    progs: (skeleton.progs ?? []).map((program) => ({ ...program, ...docs.programs.get(program.name) })),
    ...(docs.license === undefined ? {} : { doc: docs.license }),
  };
}
