/**
 * What the pipeline needs of a source beside the object: doc comments, exported structs, types of events. Out of the texts where they are
 * plain enough, else out of clang's AST.
 */
import path from 'node:path';
import type { Warning } from '../core/warning.ts';
import { splitAst } from '../doc/ast-split.ts';
import { collectDocs, type SourceDocs } from '../doc/docs.ts';
import { type EventType, type EventTypes, findEventTypes } from '../doc/event-types.ts';
import { type DefinedType, headerStructs, taggedStructs } from '../doc/export-structs.ts';
import { readOutline } from '../doc/outline/outline.ts';
import { SourceTexts } from '../doc/source-texts.ts';
import { SourceUnit, type SourceWarning } from '../doc/source-unit.ts';
import { collectTypeDocs, type TypeDocs } from '../doc/type-docs.ts';
import type { ScannedFile } from '../headers/scan/scan-source.ts';

export interface SourceFacts {
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
export const NO_FACTS: SourceFacts = {
  docs: { variables: new Map(), maps: new Map(), programs: new Map(), license: undefined, warnings: [] },
  typeDocs: { tags: new Map(), typedefs: new Map() },
  tagged: [],
  header: [],
  untagged: [],
  events: [],
  warnings: [],
};

export interface FactsRequest {
  /** As clang was given it. */
  readonly source: string;
  readonly exportHeader: string | undefined;
  /** The source and all headers of the user's. */
  readonly files: readonly Pick<ScannedFile, 'path' | 'isScanned'>[];
  readonly readBytes: (file: string) => Uint8Array | undefined;
  /** Texts of the headers that are not the user's. */
  readonly systemTexts: () => readonly string[];
  /** Names of macros that are defined from outside. */
  readonly defined: readonly string[];
}

/** @returns `undefined` where the text leaves a doubt */
export function readTexts(request: FactsRequest): SourceFacts | undefined {
  const texts = new SourceTexts(request.readBytes);
  const userFiles = request.files.flatMap(({ path: file, isScanned }) => (isScanned ? file : []));
  const outline = readOutline({ ...request, userFiles, texts });
  if (outline === undefined) return undefined;
  const { nodes, events } = outline;
  return collectFacts(new SourceUnit(nodes, texts), { events, warnings: [] }, request);
}

/** @param dump  what clang printed */
export function readAst(dump: Uint8Array, request: FactsRequest): SourceFacts {
  const users = new Set(request.files.map((file) => path.resolve(file.path)));
  const nodes = splitAst(dump, (file) => users.has(path.resolve(file)));
  const unit = new SourceUnit(nodes, new SourceTexts(request.readBytes));
  return collectFacts(unit, findEventTypes(unit), request);
}

function collectFacts(
  unit: SourceUnit,
  { events, warnings: eventWarnings }: EventTypes,
  { source, exportHeader }: FactsRequest,
): SourceFacts {
  const docs = collectDocs(unit, source);
  const { structs: tagged, untagged: taggedTypedefs, warnings: exportWarnings } = taggedStructs(unit);
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
