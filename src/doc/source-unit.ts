/** What all the questions of this folder are put to: the top-level nodes of the user's files and the texts of those files. */
import { type Extent, extentOf, type TopNode } from './ast-node.ts';
import { commentOf, type Declaration, leadingComment } from './attach.ts';
import { type Piece, readPieces } from './comment-commands.ts';
import { commentLines } from './comment-lines.ts';
import { type DocComment, lowerBound, type SourceText } from './source-text.ts';
import type { SourceTexts } from './source-texts.ts';

/** Something that the user should hear of; the build goes on. */
export interface SourceWarning {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

export class SourceUnit<Node extends TopNode = TopNode> {
  readonly nodes: readonly Node[];
  readonly #texts: SourceTexts;
  readonly #ends = new Map<string, number[]>();

  /** @param nodes  of the user's files: {@link splitAst}, {@link readOutline} */
  constructor(nodes: readonly Node[], texts: SourceTexts) {
    this.nodes = nodes.filter(({ head }) => head.isImplicit !== true);
    this.#texts = texts;
  }

  text(file: string): SourceText | undefined {
    return this.#texts.get(file);
  }

  /** The doc comment of a top-level declaration. */
  commentOf(node: TopNode): DocComment | undefined {
    const text = this.text(node.file);
    const extent = extentOf(node.head);
    if (text === undefined || extent === undefined) return undefined;
    const declaration: Declaration = {
      extent,
      isFunction: node.kind === 'FunctionDecl',
      floor: this.#endBefore(node.file, extent),
    };
    // What trails a struct is about the variable declared with it.
    return node.kind === 'RecordDecl' || node.kind === 'EnumDecl'
      ? leadingComment(text, declaration)
      : commentOf(text, declaration);
  }

  /** What a comment of a file says. */
  pieces(file: string, comment: DocComment): Piece[] {
    const text = this.text(file);
    return text === undefined ? [] : readPieces(commentLines(text, comment));
  }

  warning(file: string, offset: number, message: string): SourceWarning {
    const { line, column } = this.text(file)?.positionOf(offset) ?? { line: 1, column: 1 };
    return { file, line, column, message };
  }

  /** Where the last declaration ends that is over before this one begins. */
  #endBefore(file: string, extent: Extent): number {
    const sorted = this.#ends.get(file) ?? this.#endsIn(file);
    return sorted[lowerBound(sorted.length, (index) => sorted[index]! > extent.begin) - 1] ?? 0;
  }

  #endsIn(file: string): number[] {
    const inFile = this.nodes.filter((node) => node.file === file);
    const ends = inFile.flatMap(({ head }) => extentOf(head)?.end ?? []).sort((a, b) => a - b);
    this.#ends.set(file, ends);
    return ends;
  }
}
