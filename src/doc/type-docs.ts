/**
 * Doc comments of structs, unions and enums and of their members, in the source and in the user's headers, as prose for the
 * TSDoc comments of generated TypeScript.
 */
import { type ClangNode, extentOf } from './ast-node.ts';
import { commentOf, leadingComment } from './attach.ts';
import { proseOf } from './comment-fields.ts';
import type { DocComment } from './source-text.ts';
import type { SourceUnit } from './source-unit.ts';

export interface TypeDoc {
  readonly doc: string | undefined;
  /**
   * By the members' names, or the enumerators'. Members of an unnamed struct in place count as members of the one around it, as
   * in C; those of an unnamed struct with a name for the member are `position.x`.
   */
  readonly members: ReadonlyMap<string, string>;
}

/** Only types of which something is said. Tags and typedefs are two name spaces in C. */
export interface TypeDocs {
  readonly tags: ReadonlyMap<string, TypeDoc>;
  readonly typedefs: ReadonlyMap<string, TypeDoc>;
}

export function collectTypeDocs(unit: SourceUnit): TypeDocs {
  return new TypeDocCollector(unit).collect();
}

class TypeDocCollector {
  readonly #unit: SourceUnit;
  readonly #tags = new Map<string, TypeDoc>();
  readonly #typedefs = new Map<string, TypeDoc>();
  /** Members of the types that have no tag, by clang's id. */
  readonly #untagged = new Map<string, Map<string, string>>();

  constructor(unit: SourceUnit) {
    this.#unit = unit;
  }

  collect(): TypeDocs {
    for (const node of this.#unit.nodes) {
      if (node.kind === 'RecordDecl' || node.kind === 'EnumDecl') {
        this.#addTag(node.file, node.tree, this.#unit.commentOf(node));
      } else if (node.kind === 'TypedefDecl') {
        const doc = this.#prose(node.file, this.#unit.commentOf(node));
        const members = this.#untagged.get(ownedTagId(node.tree) ?? '') ?? new Map<string, string>();
        add(this.#typedefs, node.name!, doc, members);
      }
    }
    return { tags: this.#tags, typedefs: this.#typedefs };
  }

  #addTag(file: string, tree: ClangNode, comment: DocComment | undefined): void {
    const members = new Map<string, string>();
    this.#addMembers(file, tree, '', members);
    if (tree.name === undefined) this.#untagged.set(tree.id ?? '', members);
    else add(this.#tags, tree.name, this.#prose(file, comment), members);
  }

  #addMembers(file: string, { inner = [] }: ClangNode, prefix: string, members: Map<string, string>): void {
    inner.forEach((child, index) => {
      if (child.kind === 'RecordDecl' || child.kind === 'EnumDecl') {
        // What trails a nested struct is about the member declared with it.
        if (child.name !== undefined) this.#addTag(file, child, this.#memberComment(file, child, leadingComment));
        else this.#addMembers(file, child, `${prefix}${nameOfUnnamed(inner[index + 1])}`, members);
      } else if ((child.kind === 'FieldDecl' || child.kind === 'EnumConstantDecl') && child.name !== undefined) {
        const doc = this.#prose(file, this.#memberComment(file, child));
        if (doc !== undefined) members.set(prefix + child.name, doc);
      }
    });
  }

  #memberComment(file: string, member: ClangNode, find = commentOf): DocComment | undefined {
    const text = this.#unit.text(file);
    const extent = extentOf(member);
    return text && extent && find(text, { extent, isFunction: false, floor: 0 });
  }

  #prose(file: string, comment: DocComment | undefined): string | undefined {
    return comment && proseOf(this.#unit.pieces(file, comment));
  }
}

function add(types: Map<string, TypeDoc>, name: string, doc: string | undefined, members: Map<string, string>): void {
  if (doc !== undefined || members.size > 0) types.set(name, { doc, members });
}

/** What members of an unnamed struct are prefixed with: nothing, unless the declaration goes on to name a member. */
function nameOfUnnamed(next: ClangNode | undefined): string {
  return next?.kind === 'FieldDecl' && next.name !== undefined ? `${next.name}.` : '';
}

function ownedTagId(node: ClangNode): string | undefined {
  if (node.ownedTagDecl !== undefined) return node.ownedTagDecl.id;
  for (const child of node.inner ?? []) {
    const id = ownedTagId(child);
    if (id !== undefined) return id;
  }
  return undefined;
}
