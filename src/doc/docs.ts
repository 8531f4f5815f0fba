/**
 * The doc comments of a program's variables, maps, programs and license, as the fields that each adds to its entry of the
 * skeleton. Only declarations of the source file itself count, never those of headers.
 */
import type { TopNode } from './ast-node.ts';
import { parseCType } from './c-type.ts';
import { type Fields, fieldsOf } from './comment-fields.ts';
import { HIDDEN_SECTION, sectionOf } from './declarations.ts';
import { type EntryKind, loadableFields } from './loader-values.ts';
import type { DocComment } from './source-text.ts';
import type { SourceUnit, SourceWarning } from './source-unit.ts';

/** By name; entries without a field are not in the maps. */
export interface SourceDocs {
  readonly variables: ReadonlyMap<string, Fields>;
  readonly maps: ReadonlyMap<string, Fields>;
  readonly programs: ReadonlyMap<string, Fields>;
  /** The skeleton's `doc`: what is said of the license; `undefined` if nothing. */
  readonly license: Fields | undefined;
  readonly warnings: readonly SourceWarning[];
}

const MAP_SECTIONS: ReadonlySet<string> = new Set(['.maps', 'maps', '.struct_ops', '.struct_ops.link']);

/** @param source  the source file's name as the nodes have it */
export function collectDocs(unit: SourceUnit, source: string): SourceDocs {
  return new DocCollector(unit, source).collect();
}

/** All declarations of one name. */
interface Entity {
  readonly kind: 'VarDecl' | 'FunctionDecl';
  section: string | undefined;
  /** How clang spells a variable's type. */
  type: string;
  /** The definition's own comment. */
  own: DocComment | undefined;
  /** That of the nearest other declaration. */
  shared: DocComment | undefined;
}

class DocCollector {
  readonly #unit: SourceUnit;
  readonly #source: string;
  readonly #entities = new Map<string, Entity>();
  /** Comments of structs and of typedefs, by the spelling of the type that they make. */
  readonly #typeComments = new Map<string, DocComment>();
  readonly #warnings: SourceWarning[] = [];

  constructor(unit: SourceUnit, source: string) {
    this.#unit = unit;
    this.#source = source;
  }

  collect(): SourceDocs {
    for (const node of this.#unit.nodes) {
      if (node.file === this.#source) this.#addNode(node);
    }
    const variables = new Map<string, Fields>();
    const maps = new Map<string, Fields>();
    const programs = new Map<string, Fields>();
    let license: Fields | undefined;
    const licensed = [...this.#entities.values()].some(({ section }) => section === 'license');
    for (const [name, entity] of this.#entities) {
      const comment = entity.own ?? entity.shared;
      if (entity.kind === 'FunctionDecl') {
        this.#addFields(programs, name, comment, 'program');
      } else if (this.#isLicense(name, entity, licensed)) {
        license = this.#fields(comment, 'license') ?? license;
      } else if (this.#isMap(entity)) {
        this.#addFields(maps, name, comment ?? this.#typeComments.get(entity.type), 'map');
      } else {
        this.#addFields(variables, name, comment, 'variable');
      }
    }
    return { variables, maps, programs, license, warnings: this.#warnings };
  }

  #addNode(node: TopNode): void {
    const { head, kind, name } = node;
    if (name === undefined || head.storageClass === 'static') return;
    const comment = this.#unit.commentOf(node);
    if (kind === 'VarDecl' || kind === 'FunctionDecl') this.#addEntity(node, kind, name, comment);
    else if (comment !== undefined && kind === 'TypedefDecl') this.#typeComments.set(name, comment);
    else if (comment !== undefined && kind === 'RecordDecl') this.#typeComments.set(`${head.tagUsed} ${name}`, comment);
  }

  #addEntity(node: TopNode, kind: Entity['kind'], name: string, comment: DocComment | undefined): void {
    let entity = this.#entities.get(name);
    if (entity === undefined) {
      entity = { kind, section: undefined, type: '', own: undefined, shared: undefined };
      this.#entities.set(name, entity);
    }
    entity.section ??= sectionOf(node, this.#unit.text(node.file));
    entity.type = node.head.type?.qualType ?? '';
    const isDefinition =
      kind === 'VarDecl'
        ? node.head.storageClass !== 'extern'
        : node.children().some((child) => child.kind === 'CompoundStmt');
    if (isDefinition) entity.own ??= comment;
    else entity.shared = comment ?? entity.shared;
  }

  #isLicense(name: string, { section }: Entity, licensed: boolean): boolean {
    if (section === 'license') return true;
    return !licensed && (name === 'LICENSE' || (name === '_license' && section === HIDDEN_SECTION));
  }

  /** By its section; where a macro hides that, a variable of a struct type is a map: few others are put into a section. */
  #isMap({ section, type }: Entity): boolean {
    if (section === HIDDEN_SECTION) return parseCType(type).kind === 'struct';
    return section !== undefined && MAP_SECTIONS.has(section);
  }

  #addFields(entries: Map<string, Fields>, name: string, comment: DocComment | undefined, kind: EntryKind): void {
    const fields = this.#fields(comment, kind);
    if (fields !== undefined) entries.set(name, fields);
  }

  #fields(comment: DocComment | undefined, kind: EntryKind): Fields | undefined {
    if (comment === undefined) return undefined;
    const pieces = this.#unit.pieces(this.#source, comment);
    const pieceOf = (field: string) => pieces.findLast(({ command }) => command === field);
    const fields = loadableFields(
      fieldsOf(pieces),
      kind,
      (field) => pieceOf(field)?.text ?? '',
      (field, message) =>
        this.#warnings.push(
          this.#unit.warning(this.#source, pieceOf(field)?.offset ?? comment.start, `@${field} ${message}; left out`),
        ),
    );
    return Object.keys(fields).length === 0 ? undefined : fields;
  }
}
