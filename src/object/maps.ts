/**
 * The maps of an object, in libbpf's order: those of `.maps`, one for each section of global variables, kconfig, struct_ops. What
 * the source puts into maps comes from relocations and is added elsewhere.
 */
import { aKind, Kind, Linkage, type TypeId } from '../btf/kinds.ts';
import { resolve } from '../btf/layout.ts';
import type { Btf } from '../btf/table.ts';
import { MalformedError, UnsupportedError } from '../core/errors.ts';
import type { ElfFile, ElfSection } from '../elf/elf.ts';
import type { ObjectExterns } from './externs.ts';
import { parseMapDefinition } from './map-definition.ts';
import { findMapTypeName, MapFlag, MapType } from './map-types.ts';
import type { BpfMap, DataSection, DataVariable, MapDefinition, StructOps } from './model.ts';
import { internalMapIdent } from './names.ts';
import { ARENA_SECTION, MAPS_SECTION, type ObjectSections, type VariableSection } from './sections.ts';
import type { Datasec } from './variables.ts';

const PAGE_SIZE = 4096;

/** What maps are made from; `btf` is defined where `.maps` or struct_ops sections are. */
export interface MapSources {
  readonly elf: ElfFile;
  readonly sections: ObjectSections;
  readonly btf: Btf | undefined;
  readonly datasecs: ReadonlyMap<string, Datasec>;
  readonly kconfig: ObjectExterns['kconfig'];
}

/**
 * @throws {MalformedError} `BTF_MAP_*`, `BTF_STRUCT_OPS_*`
 * @throws {UnsupportedError} `UNSUP_MAP_*`, `UNSUP_STRUCT_OPS`
 */
export function collectMaps(sources: MapSources): BpfMap[] {
  const { sections, kconfig } = sources;
  return [
    ...userMaps(sources),
    ...sections.variables.filter(({ section }) => section.size > 0).map((variable) => variableMap(sources, variable)),
    ...(kconfig === undefined ? [] : [internalMap(kconfig.section, 'kconfig', kconfig.typeId)]),
    ...sections.structOps.flatMap((section) => structOpsMaps(sources, section)),
  ];
}

function userMaps(sources: MapSources): BpfMap[] {
  const { sections, btf } = sources;
  const section = sections.maps;
  if (section === undefined || btf === undefined) return [];
  const datasec = sources.datasecs.get(MAPS_SECTION);
  if (datasec === undefined) {
    throw new MalformedError('BTF_MAP_NO_DATASEC', 'section .maps: BTF does not describe it', {
      hint: 'compile with -g, and strip with llvm-strip -g only',
    });
  }
  // many maps may share one definition
  const definitions = new Map<TypeId, MapDefinition>();
  const maps: BpfMap[] = [];
  let arena: BpfMap | undefined;
  for (const variable of datasec.variables) {
    const id = checkMapVariable(btf, variable, section);
    const definition = definitions.get(id) ?? parseMapDefinition(btf, id, variable.name);
    definitions.set(id, definition);
    const isArena = definition.type === MapType.arena;
    if (isArena && arena !== undefined) {
      throw new MalformedError(
        'BTF_MAP_TWO_ARENAS',
        `map ${variable.name}: an object can have one arena, ${arena.name} is one`,
        {
          details: { map: variable.name, other: arena.name },
          hint: 'put the __arena variables of both into one',
        },
      );
    }
    const dataSection = isArena ? arenaSection(sources, variable.name, definition) : undefined;
    const map = describeMap(definition, {
      name: variable.name,
      ident: variable.name,
      kind: isArena ? 'arena' : 'user',
      section: section.name,
      sectionIndex: section.index,
      sectionOffset: variable.offset,
      sectionSize: variable.size,
      varTypeId: variable.varTypeId,
      definitionTypeId: id,
      mmapable: dataSection !== undefined,
      dataSection,
      slots: [],
      structOps: undefined,
    });
    if (isArena) arena = map;
    maps.push(map);
  }
  if (sections.arena !== undefined && arena === undefined) {
    throw new MalformedError(
      'BTF_MAP_NO_ARENA',
      `section ${ARENA_SECTION}: there are __arena variables, but no arena map`,
      {
        details: { section: ARENA_SECTION },
        hint: 'define a map of type BPF_MAP_TYPE_ARENA in SEC(".maps")',
      },
    );
  }
  return maps;
}

/** A map of its two parts. Written out, because there may be tens of thousands and spreading is ten times slower. */
function describeMap(definition: MapDefinition, map: Omit<BpfMap, keyof MapDefinition>): BpfMap {
  return {
    type: definition.type,
    typeName: definition.typeName,
    keySize: definition.keySize,
    valueSize: definition.valueSize,
    keyTypeId: definition.keyTypeId,
    valueTypeId: definition.valueTypeId,
    maxEntries: definition.maxEntries,
    flags: definition.flags,
    numaNode: definition.numaNode,
    mapExtra: definition.mapExtra,
    pinning: definition.pinning,
    inner: definition.inner,
    name: map.name,
    ident: map.ident,
    kind: map.kind,
    section: map.section,
    sectionIndex: map.sectionIndex,
    sectionOffset: map.sectionOffset,
    sectionSize: map.sectionSize,
    varTypeId: map.varTypeId,
    definitionTypeId: map.definitionTypeId,
    mmapable: map.mmapable,
    dataSection: map.dataSection,
    slots: map.slots,
    structOps: map.structOps,
  };
}

/** The struct that defines the map. */
function checkMapVariable(btf: Btf, variable: DataVariable, section: ElfSection): TypeId {
  const { name, offset, size, linkage } = variable;
  if (name === '') throw badMap(variable, 'has no name');
  if (offset + size > section.size) {
    throw badMap(variable, `ends at ${offset + size}, section ${section.name} at ${section.size}`);
  }
  if (linkage !== Linkage.global) {
    throw new UnsupportedError('UNSUP_MAP_LINKAGE', `map ${name}: is static, hidden or extern`, {
      details: { map: name, linkage },
      hint: 'define the map as a global variable',
    });
  }
  const id = resolve(btf, variable.typeId);
  if (btf.kind(id) !== Kind.struct) throw badMap(variable, `is ${aKind(btf.kind(id))}, expected a struct`);
  if (btf.recordedSize(id) > size) {
    throw badMap(variable, `its type has ${btf.recordedSize(id)} bytes, its place in ${section.name} ${size}`);
  }
  return id;
}

function badMap({ name, varTypeId }: DataVariable, why: string): MalformedError {
  return new MalformedError('BTF_MAP_BAD_VARIABLE', `map ${name || `of type ${varTypeId}`}: ${why}`, {
    details: { map: name, typeId: varTypeId },
  });
}

function arenaSection(sources: MapSources, map: string, definition: MapDefinition): DataSection | undefined {
  const { elf, sections } = sources;
  const section = sections.arena;
  if (section === undefined) return undefined;
  if (section.size > definition.maxEntries * PAGE_SIZE) {
    throw new MalformedError(
      'BTF_MAP_ARENA_TOO_SMALL',
      `map ${map}: has ${definition.maxEntries} pages, its variables take ${section.size} bytes`,
      {
        details: { map, pages: definition.maxEntries, size: section.size },
        hint: `__uint(max_entries, ${Math.ceil(section.size / PAGE_SIZE)}) or more`,
      },
    );
  }
  return {
    name: section.name,
    kind: 'arena',
    sectionIndex: section.index,
    size: section.size,
    data: elf.data(section),
    variables: datasecOf(sources, section)?.variables ?? [],
  };
}

/** What BTF says about a section: a second section of the same name is not meant. */
function datasecOf({ sections, datasecs }: MapSources, section: ElfSection): Datasec | undefined {
  return sections.byName.get(section.name) === section ? datasecs.get(section.name) : undefined;
}

function variableMap(sources: MapSources, { section, kind }: VariableSection): BpfMap {
  const { elf } = sources;
  const datasec = datasecOf(sources, section);
  const dataSection: DataSection = {
    name: section.name,
    kind,
    sectionIndex: section.index,
    size: section.size,
    data: kind === 'bss' ? undefined : elf.data(section),
    variables: datasec?.variables ?? [],
  };
  return internalMap(dataSection, kind, datasec?.typeId);
}

/** The one-element array that libbpf makes for a section of variables. */
function internalMap(
  dataSection: DataSection,
  kind: 'data' | 'rodata' | 'bss' | 'kconfig',
  valueTypeId: TypeId | undefined,
): BpfMap {
  const mmapable = dataSection.variables.some(({ exported }) => exported);
  const isReadOnly = kind === 'rodata' || kind === 'kconfig';
  return {
    type: MapType.array,
    typeName: findMapTypeName(MapType.array),
    keySize: 4,
    valueSize: dataSection.size,
    keyTypeId: undefined,
    valueTypeId,
    maxEntries: 1,
    flags: (mmapable ? MapFlag.mmapable : 0) | (isReadOnly ? MapFlag.readOnlyForProgram : 0),
    numaNode: 0,
    mapExtra: 0n,
    pinning: 'none',
    inner: undefined,
    name: dataSection.name,
    ident: internalMapIdent(dataSection.name),
    kind,
    section: dataSection.name,
    sectionIndex: dataSection.sectionIndex,
    sectionOffset: 0,
    sectionSize: dataSection.size,
    varTypeId: undefined,
    definitionTypeId: undefined,
    mmapable,
    dataSection,
    slots: [],
    structOps: undefined,
  };
}

function structOpsMaps(sources: MapSources, section: ElfSection): BpfMap[] {
  const { btf } = sources;
  const datasec = datasecOf(sources, section);
  if (btf === undefined || datasec === undefined) {
    throw new MalformedError('BTF_STRUCT_OPS_NO_DATASEC', `section ${section.name}: BTF does not describe it`, {
      details: { section: section.name },
    });
  }
  const isLink = section.name.endsWith('.link');
  return datasec.variables.map((variable) => {
    const structOps: StructOps = {
      ...structOpsType(btf, variable, section),
      link: isLink,
      autocreate: !section.name.startsWith('?'),
      programs: [],
    };
    return {
      type: MapType.structOps,
      typeName: findMapTypeName(MapType.structOps),
      keySize: 4,
      valueSize: btf.recordedSize(structOps.typeId),
      keyTypeId: undefined,
      valueTypeId: undefined,
      maxEntries: 1,
      flags: isLink ? MapFlag.link : 0,
      numaNode: 0,
      mapExtra: 0n,
      pinning: 'none',
      inner: undefined,
      name: variable.name,
      ident: variable.name,
      kind: 'structOps',
      section: section.name,
      sectionIndex: section.index,
      sectionOffset: variable.offset,
      sectionSize: variable.size,
      varTypeId: variable.varTypeId,
      definitionTypeId: undefined,
      mmapable: false,
      dataSection: undefined,
      slots: [],
      structOps,
    };
  });
}

function structOpsType(
  btf: Btf,
  variable: DataVariable,
  section: ElfSection,
): { readonly typeId: TypeId; readonly typeName: string } {
  const typeId = resolve(btf, variable.typeId);
  const typeName = btf.name(typeId);
  const details = { map: variable.name, section: section.name, typeId };
  if (typeName === '') {
    throw new UnsupportedError('UNSUP_STRUCT_OPS', `struct_ops ${variable.name}: its type has no name`, { details });
  }
  if (btf.kind(typeId) !== Kind.struct) {
    throw new MalformedError(
      'BTF_STRUCT_OPS_BAD_VARIABLE',
      `struct_ops ${variable.name}: is ${aKind(btf.kind(typeId))}, expected a struct`,
      { details },
    );
  }
  if (variable.offset + btf.recordedSize(typeId) > section.size) {
    throw new MalformedError(
      'BTF_STRUCT_OPS_BAD_VARIABLE',
      `struct_ops ${variable.name}: leaves section ${section.name}`,
      { details },
    );
  }
  return { typeId, typeName };
}
