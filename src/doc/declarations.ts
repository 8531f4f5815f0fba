/** What the nodes of variables and typedefs say beyond their name and place. */
import { type ClangNode, placeOf, type TopNode } from './ast-node.ts';
import { type CType, parseCType } from './c-type.ts';
import type { SourceText } from './source-text.ts';

/** Stands for the name of a section that only a macro knows. */
export const HIDDEN_SECTION = '';

/**
 * The section that a variable or function is put into; `undefined` if in none. clang 19 tells its name, older ones only where
 * the attribute stands: at `SEC("…")` or at `section("…")`.
 */
export function sectionOf(node: TopNode, text: SourceText | undefined): string | undefined {
  const attribute = node.children().find(({ kind }) => kind === 'SectionAttr')?.head;
  if (attribute === undefined) return undefined;
  if (attribute.section_name !== undefined) return attribute.section_name;
  const offset = placeOf(attribute.range?.begin)?.offset;
  if (offset === undefined || text === undefined) return HIDDEN_SECTION;
  const spelled = /^\w+\s*\(\s*((?:"[^"\n]*"\s*)+)\)/.exec(text.text.slice(offset, offset + 1000));
  return spelled === null ? HIDDEN_SECTION : spelled[1]!.replaceAll(/"\s*"|"\s*$|^"/g, '');
}

/** What a typedef stands for; `untagged` if that is a struct, union or enum without a tag of its own. */
export function typedefTarget(node: TopNode): { readonly type: CType; readonly untagged: boolean } {
  // For such a struct clang makes a tag up, `struct event_t`; only the declaration tells.
  const hasNoTag = ({ decl, ownedTagDecl, inner }: ClangNode): boolean =>
    decl?.name === '' || ownedTagDecl?.name === '' || (inner ?? []).some(hasNoTag);
  const type = parseCType(node.head.type?.qualType ?? '');
  const isTag = type.kind === 'struct' || type.kind === 'union' || type.kind === 'enum';
  return { type, untagged: isTag && hasNoTag(node.tree) };
}
