/**
 * The skeleton of an object: which global variables, maps and programs it has, as the JSON that `bpftool gen skeleton -j` of the
 * eunomia-bpf fork prints and its loader reads. Key order is part of the format.
 *
 * Where that tool prints broken JSON, or describes another section than the one meant, this gives what it meant; holes between
 * variables are left out (offsets are in the object's BTF). Doc comments are added elsewhere.
 */
import { type CTypePrinter, makeCTypePrinter } from '../btf/c-type.ts';
import type { TypeId } from '../btf/kinds.ts';
import { alignOf, type KnownAligns } from '../btf/layout.ts';
import type { Btf } from '../btf/table.ts';
import { MalformedError } from '../core/errors.ts';
import type { BpfMap, BpfObject, DataSection, DataVariable } from '../object/model.ts';
import { datasecIdent, internalMapName, objName } from '../object/names.ts';

export interface SkeletonVariable {
  readonly name: string;
  /** C type without const and volatile; an anonymous struct is written out over several lines. */
  readonly type: string;
}

export interface SkeletonDataSection {
  /** ELF section name. */
  readonly name: string;
  readonly variables: readonly SkeletonVariable[];
}

export interface SkeletonMap {
  readonly name: string;
  readonly ident: string;
  /** (sic) Its variables can be reached; absent when they cannot. */
  readonly mmaped?: true;
}

export interface SkeletonProgram {
  readonly name: string;
  /** Section name without a leading `?`. */
  readonly attach: string;
  readonly link: true;
}

/** A key without entries is absent; `data_sections` is absent only for an object without BTF. */
export interface Skeleton {
  readonly data_sections?: readonly SkeletonDataSection[];
  readonly obj_name: string;
  readonly maps?: readonly SkeletonMap[];
  readonly progs?: readonly SkeletonProgram[];
}

export interface SkeletonOptions {
  /**
   * How the section that a map holds is found: by its name, or by the map's identifier as the reference tool does, which takes the
   * wrong one where two identifiers are the same (`.data.a-b` and `.data.a_b`). By identifier falls back to the name
   * where the reference tool crashes. Default `name`.
   */
  readonly findSectionBy?: 'name' | 'ident';
}

/**
 * @param fileName  the object's file: gives `obj_name` and, through it, names of maps
 * @throws {MalformedError} `BTF_VAR_OVERLAP`, `BTF_VAR_NO_SIZE` for variables that cannot be as BTF says; those of
 * `CTypePrinter.text()`
 */
export function makeSkeleton(object: BpfObject, fileName: string, options: SkeletonOptions = {}): Skeleton {
  const name = objName(fileName);
  const { btf, maps, programs } = object;
  return {
    ...(btf === undefined ? {} : { data_sections: dataSections(object, btf, options.findSectionBy ?? 'name') }),
    obj_name: name,
    ...(maps.length === 0 ? {} : { maps: maps.map((map) => skeletonMap(map, name)) }),
    ...(programs.length === 0
      ? {}
      : { progs: programs.map((program) => ({ name: program.name, attach: attachOf(program.section), link: true })) }),
  };
}

function skeletonMap(map: BpfMap, objectName: string): SkeletonMap {
  const isInternal = map.dataSection !== undefined && map.kind !== 'arena';
  return {
    name: isInternal ? internalMapName(objectName, map.name) : map.name,
    ident: map.ident,
    ...(map.mmapable ? { mmaped: true } : {}),
  };
}

function attachOf(section: string): string {
  return section.startsWith('?') ? section.slice(1) : section;
}

function dataSections(object: BpfObject, btf: Btf, findSectionBy: 'name' | 'ident'): SkeletonDataSection[] {
  const aligns: KnownAligns = new Map();
  const printer = makeCTypePrinter(btf, {
    stripModifiers: true,
    paramName: (proto, index) => paramName(object, btf, proto, index),
  });
  const byIdent = findSectionBy === 'ident' ? sectionsByIdent(object) : undefined;
  return object.maps
    .filter(({ mmapable }) => mmapable)
    .map((map) => byIdent?.get(map.kind === 'arena' ? 'arena' : map.ident) ?? map.dataSection!)
    .map((section) => ({ name: section.name, variables: skeletonVariables(btf, section, printer, aligns) }));
}

/** The section that the reference tool takes for an identifier: that of the first `datasec`. */
function sectionsByIdent(object: BpfObject): ReadonlyMap<string, DataSection> {
  const sections = new Map<string, DataSection>();
  const maps = object.maps.filter(({ dataSection }) => dataSection !== undefined);
  for (const { dataSection } of maps.sort((a, b) => (a.valueTypeId ?? 0) - (b.valueTypeId ?? 0))) {
    const ident = datasecIdent(dataSection!.name);
    if (ident !== undefined && !sections.has(ident)) sections.set(ident, dataSection!);
  }
  return sections;
}

/** libbpf names the nameless parameters of kernel functions, and that is seen wherever their prototype is used. */
function paramName(object: BpfObject, btf: Btf, proto: TypeId, index: number): string {
  const name = btf.paramName(proto, index);
  const isNameless = name === '' && btf.paramType(proto, index) !== 0;
  return isNameless && object.ksymPrototypes.has(proto) ? 'dummy_ksym' : name;
}

function skeletonVariables(
  btf: Btf,
  section: DataSection,
  printer: CTypePrinter,
  aligns: KnownAligns,
): SkeletonVariable[] {
  const variables: SkeletonVariable[] = [];
  let end = 0;
  for (const variable of section.variables) {
    if (!variable.exported) continue;
    checkPlace(btf, section, variable, end, aligns);
    end = variable.offset + variable.size;
    variables.push({ name: variable.name, type: printer.text(variable.typeId) });
  }
  return variables;
}

function checkPlace(btf: Btf, section: DataSection, variable: DataVariable, end: number, aligns: KnownAligns): void {
  const { name, offset, typeId } = variable;
  const details = { section: section.name, variable: name, offset };
  if (offset < end) {
    throw new MalformedError(
      'BTF_VAR_OVERLAP',
      `datasec ${section.name}: variable ${name} is at ${offset}, the one before it ends at ${end}`,
      { details },
    );
  }
  if (!alignOf(btf, typeId, aligns)) {
    throw new MalformedError('BTF_VAR_NO_SIZE', `datasec ${section.name}: variable ${name} has a type without a size`, {
      details: { ...details, typeId },
    });
  }
}

/** The skeleton as the reference tool prints it: compact, keys in their order, one line. */
export function emitSkeleton(skeleton: Skeleton): string {
  return `${JSON.stringify(skeleton)}\n`;
}
