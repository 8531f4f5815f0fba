/**
 * Types that the object has no name for and clang therefore leaves out, though a TypeScript program wants them: events and exports behind
 * a typedef of something without a tag, and unions. A marker can name those only behind the source, so the source is compiled once more
 * with markers at its end, and TypeScript is made from that object. The package's is not touched.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { isComposite, Kind, type TypeId } from '../btf/kinds.ts';
import { resolve, stripModifiers } from '../btf/layout.ts';
import type { Btf } from '../btf/table.ts';
import type { EventTypeName } from '../doc/event-types.ts';
import type { BpfObject } from '../object/model.ts';
import { openObject } from '../object/open.ts';
import { codegenArgs } from '../toolchain/clang.ts';
import { runTool } from '../toolchain/run.ts';
import type { CompilerRun } from './compilers.ts';
import { EXPORT_SECTION } from './exports.ts';
import type { SourceFacts } from './facts.ts';

/** An object of the same source that has more types. */
export interface MoreTypes {
  readonly model: BpfObject;
  /** The types that were asked for, as C spells them. Those that are no struct or union are not in it. */
  readonly ids: ReadonlyMap<string, TypeId>;
}

/** Types, as C spells them, that TypeScript could use but the object does not have. */
export function missingTypes(btf: Btf, { events, untagged }: SourceFacts): string[] {
  const sent = events.filter(({ map }) => map !== undefined).map(({ type }) => type);
  const exported = untagged.map(({ name }): EventTypeName => ({ kind: 'typedef', name }));
  const missing = [...sent, ...exported].filter(
    ({ kind, name }) => (kind === 'union' || kind === 'typedef') && btf.find(name, Kind[kind]) === undefined,
  );
  return [...new Set(missing.map(spelling))];
}

/** A type as a C program names it. */
export function spelling({ kind, name }: EventTypeName): string {
  return kind === 'struct' || kind === 'union' || kind === 'enum' ? `${kind} ${name}` : name;
}

/**
 * Compiles the source with markers for these types.
 * @param run  what the object was made with; its files are still there
 * @returns `undefined` when that cannot be compiled: a type of that name is known only inside of a function
 */
export async function compileMoreTypes(run: CompilerRun, types: readonly string[]): Promise<MoreTypes | undefined> {
  const directory = path.join(run.workDirectory, 'types');
  const source = path.join(directory, 'source.c');
  const object = path.join(directory, 'object.o');
  const text = readFileSync(run.codegen.source);
  mkdirSync(directory);
  writeFileSync(source, Buffer.concat([text, Buffer.from(`\n${emitTypeMarkers(types)}`)]));
  // what the source includes is looked for beside the source
  const userFlags = ['-iquote', path.dirname(path.resolve(run.codegen.source)), ...run.codegen.userFlags];
  const args = codegenArgs(
    { ...run.codegen, source, userFlags },
    { object, depfile: path.join(directory, 'object.d') },
    false,
  );
  const { exitCode } = await runTool(run.clang, args, run.run);
  if (exitCode !== 0) return undefined;
  const model = openObject(readFileSync(object));
  const ids = new Map<string, TypeId>();
  for (const [index, type] of types.entries()) {
    const id = model.btf && markedType(model.btf, index);
    if (id !== undefined) ids.set(type, id);
  }
  return { model, ids };
}

const marker = (index: number) => `ecc_type_${index}`;

function emitTypeMarkers(types: readonly string[]): string {
  return types
    .map(
      (type, i) => `static const volatile ${type} *${marker(i)} __attribute__((section("${EXPORT_SECTION}"), used));\n`,
    )
    .join('');
}

function markedType(btf: Btf, index: number): TypeId | undefined {
  const variable = btf.find(marker(index), Kind.var);
  if (variable === undefined) return undefined;
  const id = stripModifiers(btf, btf.ref(stripModifiers(btf, btf.ref(variable))));
  return isComposite(btf.kind(resolve(btf, id))) ? id : undefined;
}
