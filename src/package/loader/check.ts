/**
 * What the existing loader, `ecli`, would choke on in a package that is otherwise fine. The program is not wrong, so these are
 * warnings; each says what happens at run time and what to write instead. Our own runner has none of these limits.
 *
 * Facts: eunomia-bpf's bpf-loader-lib 0.2.1 and what it builds on.
 */
import type { Btf } from '../../btf/table.ts';
import type { Warning } from '../../core/warning.ts';
import type { PackageMeta } from '../schema.ts';
import { checkEvents } from './events.ts';
import { checkOptions } from './options.ts';
import { checkPrograms } from './programs.ts';

/** What a warning is about; `undefined` when it is about the whole object. */
export type EntryKind = 'variable' | 'map' | 'program';

/** Where a variable, map or program is declared, as the user names files; `undefined` when it is not known. */
export type Locate = (name: string) => Pick<Warning, 'file' | 'line' | 'column'> | undefined;

export interface LoaderInput {
  readonly meta: PackageMeta;
  /** Of the final object. */
  readonly btf: Btf | undefined;
  /** Kernel type number of each map, by name. */
  readonly mapTypes: ReadonlyMap<string, number>;
  /** First bytes of each variable in the object, by name; absent for what starts as zero. */
  readonly initialValues: ReadonlyMap<string, Uint8Array>;
  /** The typedef, of something without a tag, of the events that the code sends to a map. */
  readonly untaggedEvent?: (map: string) => string | undefined;
  readonly locate: Locate;
}

/** Adds a warning about one entry, with its place. */
export type Warn = (
  kind: EntryKind | undefined,
  name: string,
  warning: Omit<Warning, 'file' | 'line' | 'column'>,
) => void;

/** All warnings, in the order of the skeleton: variables, maps and events, programs. */
export function checkForLoader(input: LoaderInput): Warning[] {
  const warnings: Warning[] = [];
  const warn: Warn = (kind, name, warning) => {
    warnings.push({ ...warning, ...(kind === undefined ? {} : input.locate(name)) });
  };
  checkName(input.meta, warn);
  checkOptions(input, warn);
  checkEvents(input, warn);
  checkPrograms(input.meta.bpf_skel.progs, warn);
  return warnings;
}

/** The loader hands the name to libbpf without its end, so what follows in memory can get into the names of data maps. */
function checkName({ bpf_skel: skel }: PackageMeta, warn: Warn): void {
  if (Buffer.byteLength(skel.obj_name) >= 8 || skel.data_sections.length === 0) return;
  warn(undefined, skel.obj_name, {
    code: 'LOADER_SHORT_NAME',
    message: `the object is named ${skel.obj_name}: with fewer than 8 bytes ecli may not find its data sections`,
    hint: 'give the source a longer name',
  });
}
