/** What the pipeline needs out of clang's AST: doc comments, exported structs, types of events. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Warning } from '../core/warning.ts';
import { splitAst } from '../doc/ast-split.ts';
import { collectDocs, type SourceDocs } from '../doc/docs.ts';
import { type EventType, findEventTypes } from '../doc/event-types.ts';
import { type DefinedType, headerStructs, taggedStructs } from '../doc/export-structs.ts';
import { SourceUnit, type SourceWarning } from '../doc/source-unit.ts';
import { collectTypeDocs, type TypeDocs } from '../doc/type-docs.ts';

export interface AstFacts {
  readonly docs: SourceDocs;
  readonly typeDocs: TypeDocs;
  /** Structs with `@export`. */
  readonly tagged: readonly DefinedType[];
  /** Structs that the export header defines; empty without one. */
  readonly header: readonly DefinedType[];
  /** Typedefs of structs without a tag that either says to export: nothing for a package. */
  readonly untagged: readonly DefinedType[];
  readonly events: readonly EventType[];
  readonly warnings: readonly Warning[];
}

/** Of a program that has neither doc comments nor events: ../doc/relevance.ts. */
export const NO_FACTS: AstFacts = {
  docs: { variables: new Map(), maps: new Map(), programs: new Map(), license: undefined, warnings: [] },
  typeDocs: { tags: new Map(), typedefs: new Map() },
  tagged: [],
  header: [],
  untagged: [],
  events: [],
  warnings: [],
};

export interface AstRequest {
  /** What clang printed. */
  readonly dump: Uint8Array;
  /** As clang was given it. */
  readonly source: string;
  readonly exportHeader: string | undefined;
  /** The source and all headers of the user's, as paths. */
  readonly userFiles: readonly string[];
}

export function readAst({ dump, source, exportHeader, userFiles }: AstRequest): AstFacts {
  const users = new Set(userFiles.map((file) => path.resolve(file)));
  const nodes = splitAst(dump, (file) => users.has(path.resolve(file)));
  const names = new Set([source, ...nodes.map(({ file }) => file)]);
  const unit = new SourceUnit(nodes, new Map([...names].map((name) => [name, readFileSync(name)])));
  const docs = collectDocs(unit, source);
  const { structs: tagged, untagged: taggedTypedefs, warnings: exportWarnings } = taggedStructs(unit);
  const { events, warnings: eventWarnings } = findEventTypes(unit);
  const header = exportHeader === undefined ? undefined : path.resolve(exportHeader);
  const { structs, untagged } = headerStructs(unit, (file) => path.resolve(file) === header);
  return {
    docs,
    typeDocs: collectTypeDocs(unit),
    tagged,
    header: structs,
    untagged: [...taggedTypedefs, ...untagged],
    events,
    warnings: [
      ...docs.warnings.map(withCode('DOC_VALUE')),
      ...exportWarnings.map(withCode('EXPORT_TAG')),
      ...untagged.map(untaggedWarning),
      ...eventWarnings.map(withCode('EXPORT_EVENT')),
    ],
  };
}

function withCode(code: string): (warning: SourceWarning) => Warning {
  return (warning) => ({ ...warning, code });
}

function untaggedWarning({ name, file, line }: DefinedType): Warning {
  return {
    code: 'EXPORT_UNTAGGED',
    message: `the struct behind the typedef ${name} has no tag, so it cannot be exported`,
    file,
    line,
    hint: `write typedef struct ${name} { ... } ${name};`,
  };
}
