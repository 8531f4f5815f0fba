/** The TypeScript module of a compiled source: its BTF, the events that its code sends, its comments. */
import { Kind, type TypeId } from '../btf/kinds.ts';
import type { Btf } from '../btf/table.ts';
import { emitTypeScript, type ModuleDocs, type ModuleInput } from '../codegen/ts/module.ts';
import { MalformedError } from '../core/errors.ts';
import type { Fields } from '../doc/comment-fields.ts';
import type { EventType } from '../doc/event-types.ts';
import type { BpfObject } from '../object/model.ts';
import type { CompiledSource } from './compile.ts';
import type { SourceFacts } from './facts.ts';
import { spelling } from './more-types.ts';

export type TypesOptions = NonNullable<ModuleInput['options']>;

/** The text of `OBJ.bpf.ts`. Types without a tag are in it when it was compiled with `typescript`. */
export function emitTypes(compiled: CompiledSource, options: TypesOptions = {}): string {
  const { meta, facts, objName, moreTypes } = compiled;
  const model = moreTypes?.model ?? compiled.model;
  const ids = moreTypes?.ids ?? new Map<string, TypeId>();
  const btf = btfOf(model);
  const exported = (meta.export_types ?? []).map(({ name }) => btf.find(name, Kind.struct));
  const untagged = facts.untagged.map(({ name }) => ids.get(name) ?? btf.find(name, Kind.typedef));
  return emitTypeScript({
    btf,
    object: model,
    types: [...exported, ...untagged].filter((id) => id !== undefined),
    events: eventTypes(btf, facts.events, ids),
    docs: moduleDocs(facts),
    options,
    source: `${objName}.bpf.c`,
  });
}

/**
 * What an object tells without its source: no comments, no types of events.
 * @param exported  the structs of events that its package names
 */
export function emitObjectTypes(
  model: BpfObject,
  source: string,
  options: TypesOptions,
  exported: readonly string[] = [],
): string {
  const btf = btfOf(model);
  const types = exported.map((name) => btf.find(name, Kind.struct)).filter((id) => id !== undefined);
  return emitTypeScript({ btf, object: model, types, options, source });
}

function btfOf({ btf }: BpfObject): Btf {
  if (btf !== undefined) return btf;
  throw new MalformedError('BTF_MISSING', 'the object has no BTF, so nothing is known of its types', {
    hint: 'compile with clang -target bpf -g',
  });
}

function eventTypes(btf: Btf, events: readonly EventType[], more: ReadonlyMap<string, TypeId>): Map<string, TypeId[]> {
  const found = new Map<string, TypeId[]>();
  for (const { map, type } of events) {
    const kind =
      type.kind === 'struct' || type.kind === 'union' || type.kind === 'typedef' || type.kind === 'enum'
        ? type.kind
        : undefined;
    const id = more.get(spelling(type)) ?? (kind === undefined ? undefined : btf.find(type.name, Kind[kind]));
    if (map === undefined || id === undefined) continue;
    const ids = found.get(map) ?? [];
    if (!ids.includes(id)) found.set(map, [...ids, id]);
  }
  return found;
}

function moduleDocs({ docs, typeDocs }: SourceFacts): ModuleDocs {
  const types = new Map<string, { doc?: string; members: ReadonlyMap<string, string> }>();
  for (const [name, { doc, members }] of [...typeDocs.typedefs, ...typeDocs.tags])
    types.set(name, { members, ...(doc === undefined ? {} : { doc }) });
  return {
    types,
    variables: descriptions(docs.variables),
    maps: descriptions(docs.maps),
    programs: descriptions(docs.programs),
  };
}

function descriptions(entries: ReadonlyMap<string, Fields>): Map<string, string> {
  const texts = new Map<string, string>();
  for (const [name, { description, brief }] of entries) {
    const text = description ?? brief;
    if (typeof text === 'string') texts.set(name, text);
  }
  return texts;
}
