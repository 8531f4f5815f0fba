/**
 * Which structs become export types, and how they get into the object. clang drops structs that nothing refers to, so a header that
 * is read before the source declares a pointer to each in a section of its own, which libbpf ignores. The pointers are static and
 * incomplete there; the source completes the types later.
 */

import { Kind } from '../btf/kinds.ts';
import { resolve } from '../btf/layout.ts';
import type { Btf } from '../btf/table.ts';
import type { Warning } from '../core/warning.ts';
import type { EventType } from '../doc/event-types.ts';
import type { BpfMap, BpfObject } from '../object/model.ts';
import { exportedMaps } from '../package/loader/events.ts';
import type { DocumentedSkeleton } from '../skeleton/documented.ts';
import { type ExportType, findExportType } from '../skeleton/structs.ts';
import type { SourceFacts } from './facts.ts';

export const EXPORT_SECTION = '.ecc.export';

/** The text of that header. More tags than needed are harmless. */
export function emitExportMarkers(tags: Iterable<string>): string {
  const lines = ['/* made by ecc: keeps these structs in BTF */'];
  let count = 0;
  for (const tag of tags) {
    lines.push(`struct ${tag};`);
    lines.push(
      `static const volatile struct ${tag} *ecc_export_${count++} __attribute__((section("${EXPORT_SECTION}"), used));`,
    );
  }
  return `${lines.join('\n')}\n`;
}

export interface ExportCandidates {
  /** Structs with `@export` in their doc comment. */
  readonly tagged: readonly string[];
  /** Structs that the export header defines. */
  readonly header: readonly string[];
  /** Structs that the code sends, with the map that they go through. */
  readonly events: readonly { readonly map: string | undefined; readonly struct: string }[];
  /** The map that the loader will print: the last that qualifies. */
  readonly printedMap: string | undefined;
  /** Struct of that map's values, when it is sampled. */
  readonly sampledStruct: string | undefined;
}

/**
 * Names of the structs to export. What is tagged wins over what the header defines; what the code sends comes with either.
 * The loader uses only the first, for the map that it prints, so that map's struct comes first.
 */
export function exportOrder({ tagged, header, events, printedMap, sampledStruct }: ExportCandidates): string[] {
  const said = tagged.length > 0 ? tagged : header;
  const sent = events.map(({ struct }) => struct);
  const first = sampledStruct ?? events.find(({ map }) => map !== undefined && map === printedMap)?.struct;
  return [...new Set([...(first === undefined ? [] : [first]), ...said, ...sent])];
}

export interface ChosenExports {
  readonly exportTypes: readonly ExportType[];
  readonly warnings: readonly Warning[];
}

/** The export types of a program, each a struct of the final object. */
export function chooseExports(model: BpfObject, skeleton: DocumentedSkeleton, facts: SourceFacts): ChosenExports {
  const { btf } = model;
  if (btf === undefined) return { exportTypes: [], warnings: [] };
  const maps = new Map(model.maps.map((map) => [map.name, map]));
  const printed = exportedMaps(skeleton.maps, new Map(model.maps.map((map) => [map.name, map.type]))).at(-1);
  const names = exportOrder({
    tagged: facts.tagged.map(({ name }) => name),
    header: facts.header.map(({ name }) => name),
    events: facts.events.flatMap((event) => {
      const struct = eventStruct(btf, event);
      return struct === undefined ? [] : [{ map: event.map, struct }];
    }),
    printedMap: printed?.name,
    sampledStruct: printed?.sample ? valueStruct(btf, maps.get(printed.name)) : undefined,
  });
  const exportTypes: ExportType[] = [];
  const warnings: Warning[] = [];
  for (const name of names) {
    const type = findExportType(btf, name);
    if (type !== undefined) exportTypes.push(type);
    else warnings.push(notInObject(name, facts));
  }
  return { exportTypes, warnings };
}

/** The struct of an event, also behind a typedef of the kernel's; `undefined` for what a package cannot hold. */
function eventStruct(btf: Btf, { type, writable }: EventType): string | undefined {
  if (type.kind === 'struct') return writable ? type.name : undefined;
  if (type.kind !== 'typedef') return undefined;
  const id = btf.find(type.name, Kind.typedef);
  return id === undefined ? undefined : structName(btf, resolve(btf, id));
}

function valueStruct(btf: Btf, map: BpfMap | undefined): string | undefined {
  return map?.valueTypeId === undefined ? undefined : structName(btf, resolve(btf, map.valueTypeId));
}

function structName(btf: Btf, id: ReturnType<typeof resolve>): string | undefined {
  return btf.kind(id) === Kind.struct ? btf.name(id) || undefined : undefined;
}

function notInObject(name: string, facts: SourceFacts): Warning {
  const place = [...facts.tagged, ...facts.header].find((type) => type.name === name);
  return {
    code: 'EXPORT_NOT_IN_OBJECT',
    message: `struct ${name} cannot be exported: the object has no complete definition of it`,
    file: place?.file,
    line: place?.line,
    hint: 'define it at file scope, outside of functions and of conditionals that are off',
  };
}
