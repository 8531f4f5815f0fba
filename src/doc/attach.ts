/**
 * Which doc comment belongs to a declaration, by their places in the source alone. clang's own answer is not used: versions
 * differ (19 attaches comments to functions that BPF_PROG and BPF_KPROBE declare, and twice; 14 and 16 do not), and a `;` in a
 * comment between, or an `@` in a section name, makes all of them lose it.
 */
import type { Extent } from './ast-node.ts';
import type { DocComment, SourceText } from './source-text.ts';

export interface Declaration {
  readonly extent: Extent;
  /** A function's body ends it; a brace anywhere else does not end the declaration it stands in. */
  readonly isFunction: boolean;
  /** Where the declaration before it ends, for those that end without a `;`. */
  readonly floor: number;
}

/** The declaration's own comment: the one that trails it, as clang prefers too, else the nearest before its name. */
export function commentOf(source: SourceText, declaration: Declaration): DocComment | undefined {
  return trailingComment(source, declaration) ?? leadingComment(source, declaration);
}

/**
 * The nearest doc comment before a declaration's name with no other declaration and no preprocessor line between. What stands
 * in brackets (the section's name, the members of the struct in front of a map) is passed over.
 */
export function leadingComment(source: SourceText, { extent, floor }: Declaration): DocComment | undefined {
  let ofEarlierDeclarator = false;
  for (let index = source.markAt(extent.name) - 1; index >= 0; index--) {
    const mark = source.marks[index]!;
    if (mark.start < floor) return undefined;
    const inside = mark.start >= extent.begin;
    switch (mark.kind) {
      case 'doc':
        if (!mark.comment.trailing && !(inside && ofEarlierDeclarator)) return mark.comment;
        break;
      case ',':
        // `int low = 1, high = 9;`: what stands before the comma but behind `int` is about `low`.
        if (!inside) return undefined;
        ofEarlierDeclarator = true;
        break;
      case '}':
      case ')':
      case ']':
        if (mark.match === undefined || (mark.kind === '}' && !inside)) return undefined;
        index = mark.match;
        break;
      case '(':
        // `int (*handler)(int);` has its name in parentheses.
        if (!inside) return undefined;
        break;
      default:
        return undefined;
    }
  }
  return undefined;
}

/** The doc comment behind a declaration on its last line, or on the line of its name. */
function trailingComment(source: SourceText, { extent, isFunction }: Declaration): DocComment | undefined {
  for (let index = source.markAt(extent.name); index < source.marks.length; index++) {
    const mark = source.marks[index]!;
    switch (mark.kind) {
      case 'doc':
        if (mark.comment.endsLine || mark.comment.trailing) return mark.comment;
        break;
      case ';':
      case ',':
        return commentBehind(source, index);
      case '(':
      case '[':
      case '{':
        if (mark.match === undefined) return undefined;
        index = mark.match;
        if (isFunction && mark.kind === '{') return commentBehind(source, index);
        break;
      case ')':
        if (mark.match === undefined || source.marks[mark.match]!.start < extent.begin) return undefined;
        break;
      default:
        return undefined;
    }
  }
  return undefined;
}

/** The trailing comment right behind a mark, on the same line. */
function commentBehind(source: SourceText, index: number): DocComment | undefined {
  const next = source.marks[index + 1];
  if (next?.kind !== 'doc' || !next.comment.trailing) return undefined;
  return source.isGapInLine(source.marks[index]!.end, next.start) ? next.comment : undefined;
}
