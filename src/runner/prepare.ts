/** What is set between opening and loading: types for sections that libbpf does not know, attach targets, map sizes, which programs are loaded. */
import os from 'node:os';
import { UsageError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import type { BpfObject as ObjectModel } from '../object/model.ts';
import { ATTACH_TYPE_NAMES, PROGRAM_TYPE_NAMES } from '../object/section-defs.ts';
import { splitSection } from './attachment.ts';
import { type GlobalValues, setInitialValues } from './globals.ts';
import { errnoOf } from './native.ts';
import type { BpfObject } from './object.ts';

export interface Preparation {
  readonly globals: GlobalValues;
  /** `max_entries` by map. */
  readonly mapSizes: ReadonlyMap<string, number>;
  /** Attach targets by program, `false` for none; for some kinds the kernel wants them at load. */
  readonly targets: ReadonlyMap<string, string | false>;
  /** Programs to load; `undefined`: those that the object says. */
  readonly only: ReadonlySet<string> | undefined;
}

/** Kinds whose target is part of the loaded program. */
const TARGET_AT_LOAD = /^(fentry|fexit|fmod_ret|tp_btf|lsm|lsm_cgroup)(\.s)?$/;

/** @throws {UsageError} for programs, maps and variables that the object does not have */
export function prepare(
  object: BpfObject,
  model: ObjectModel,
  { globals, mapSizes, targets, only }: Preparation,
): void {
  const { bpf } = object.native;
  for (const program of model.programs) {
    const handle = object.findProgram(program.name);
    if (handle === undefined) continue;
    const { definition } = program;
    if (definition !== undefined && bpf.bpf_program__type(handle.pointer) === 0) {
      bpf.bpf_program__set_type(handle.pointer, PROGRAM_TYPE_NAMES.indexOf(definition.programType));
      if (definition.attachType !== undefined)
        bpf.bpf_program__set_expected_attach_type(handle.pointer, ATTACH_TYPE_NAMES.indexOf(definition.attachType));
    }
    if (only !== undefined) bpf.bpf_program__set_autoload(handle.pointer, only.has(program.name));
    const target = targets.get(program.name);
    if (typeof target === 'string' && TARGET_AT_LOAD.test(splitSection(program.section).kind))
      bpf.bpf_program__set_attach_target(handle.pointer, 0, target);
  }
  for (const name of [...targets.keys(), ...(only ?? [])]) checkName(name, 'program', object.programs);
  for (const [name, entries] of mapSizes) {
    const map = checkName(name, 'map', object.maps);
    const fits = Number.isInteger(entries) && entries > 0 && entries <= 0xffff_ffff;
    const result = fits ? bpf.bpf_map__set_max_entries(map.pointer, entries) : -os.constants.errno.EINVAL;
    if (result < 0)
      throw new UsageError(
        'USAGE_MAP_SIZE',
        `map ${name}: it cannot have ${entries} entries (${errnoOf(result).name})`,
        {
          details: { map: name, entries },
          hint: 'a whole number from 1 to 4294967295',
        },
      );
  }
  setInitialValues(object, model, globals);
}

function checkName<T extends { readonly name: string }>(name: string, what: string, all: readonly T[]): T {
  const found = all.find((one) => one.name === name);
  if (found !== undefined) return found;
  const names = all.map((one) => one.name);
  const [close] = nearest(name, names, 1);
  throw new UsageError(`USAGE_${what.toUpperCase()}`, `there is no ${what} ${name}`, {
    details: { [what]: name, known: names },
    hint:
      close === undefined
        ? `there ${names.length === 1 ? 'is' : 'are'} ${names.join(', ') || 'none'}`
        : `did you mean ${close}?`,
  });
}
