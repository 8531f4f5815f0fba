/**
 * A C source as far as comments matter: brackets, separators, preprocessor lines and doc comments, each with its byte offset,
 * which is what clang's locations count in. Strings, character constants, plain comments and line continuations are read only
 * so that nothing inside them is taken for one of these. Words are left out: where the names are is clang's to say.
 *
 * Left out: a line continuation between the two characters of a comment marker.
 */

/** One or more doc comments that stand together, with nothing but blanks and single line ends between. */
export interface DocComment {
  /** The comments as written, markers and all. */
  readonly parts: readonly { readonly start: number; readonly end: number }[];
  readonly start: number;
  readonly end: number;
  /** It says of itself or shows by its place that it belongs to what stands before it on its line. */
  readonly trailing: boolean;
  /** Code stands before it on its line, and none behind it. */
  readonly endsLine: boolean;
}

export type Mark =
  | { readonly kind: ';' | ',' | '#'; readonly start: number; readonly end: number }
  | {
      readonly kind: '(' | ')' | '[' | ']' | '{' | '}';
      readonly start: number;
      readonly end: number;
      /** Index of the other bracket of the pair. */
      match: number | undefined;
    }
  | { readonly kind: 'doc'; readonly start: number; readonly end: number; readonly comment: DocComment };

export interface Position {
  readonly line: number;
  readonly column: number;
}

/**
 * What is one piece, whatever stands in it: line comment, block comment, string, character constant, preprocessor line. Such a line takes its
 * comments with it, also one that ends lines later: they are about the line, not about what follows.
 */
export const LITERALS: readonly string[] = [
  String.raw`\/\/(?:\\\r?\n|[^\n])*`,
  String.raw`\/\*[^]*?(?:\*\/|$)`,
  String.raw`"(?:\\\r?\n|\\.|[^"\\\n])*"?`,
  String.raw`'(?:\\\r?\n|\\.|[^'\\\n])*'?`,
  String.raw`#(?:\/\*[^]*?(?:\*\/|$)|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])'|\\\r?\n|[^\n])*`,
];
const TOKEN = new RegExp([...LITERALS, '[;,{}()[\\]]'].join('|'), 'g');
const TOKEN_OR_WORD = new RegExp(String.raw`${TOKEN.source}|\w+`, 'g');
/** Begins a doc comment; so do no rulers (`////`, `/***`), and not the empty comment. */
const DOC_START = /\/\/\/(?!\/)|\/\/!|\/\*\*(?![*/])|\/\*!/;
const OPENER: Readonly<Record<string, '(' | '[' | '{'>> = { ')': '(', ']': '[', '}': '{' };

export class SourceText {
  /** One character a byte, so that offsets are clang's. */
  readonly text: string;
  readonly marks: readonly Mark[];
  readonly #lineStarts: number[];

  constructor(bytes: Uint8Array) {
    this.text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
    this.marks = readMarks(this.text);
    this.#lineStarts = [0];
    for (let at = this.text.indexOf('\n'); at >= 0; at = this.text.indexOf('\n', at + 1)) this.#lineStarts.push(at + 1);
  }

  /** Index of the first mark that starts at or behind `offset`; the number of marks when there is none. */
  markAt(offset: number): number {
    return lowerBound(this.marks.length, (index) => this.marks[index]!.start >= offset);
  }

  hasDocBetween(from: number, to: number): boolean {
    for (let index = this.markAt(from); index < this.marks.length && this.marks[index]!.start < to; index++)
      if (this.marks[index]!.kind === 'doc') return true;
    return false;
  }

  /** Counted from 1, the column in bytes as clang does. */
  positionOf(offset: number): Position {
    const line = lowerBound(this.#lineStarts.length, (index) => this.#lineStarts[index]! > offset);
    return { line, column: offset - this.#lineStarts[line - 1]! + 1 };
  }

  /**
   * Where a name is declared at file scope: where it first stands outside of braces and is no tag. So much is enough for pointing the user
   * to a map or a program; what declares the name, if it is a macro's argument, does not matter.
   */
  findDeclared(name: string): Position | undefined {
    let braces = 0;
    let previous = '';
    for (const { 0: token, index } of this.text.matchAll(TOKEN_OR_WORD)) {
      if (token === '{') braces++;
      else if (token === '}') braces--;
      else if (token === name && braces === 0 && !/^(?:struct|union|enum)$/.test(previous))
        return this.positionOf(index);
      if (!/^[/#]/.test(token)) previous = token;
    }
    return undefined;
  }

  /** Whether nothing but blanks and plain comments stands between two offsets, and no line end. */
  isGapInLine(from: number, to: number): boolean {
    const gap = this.text.slice(from, to);
    return !gap.includes('\n') && gap.replaceAll(/\/\*.*?\*\//g, '').trim() === '';
  }
}

/** The smallest index that `holds`, given that it holds for all behind it; `length` if there is none. */
export function lowerBound(length: number, holds: (index: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function readMarks(text: string): Mark[] {
  const marks: Mark[] = [];
  const brackets = new BracketPairs(marks);
  for (const { 0: token, index: start } of text.matchAll(TOKEN)) {
    const end = start + token.length;
    switch (token[0]) {
      case '"':
      case "'":
        break;
      case '/':
        if (isDoc(token)) addDoc(marks, text, start, end);
        break;
      case '#':
        brackets.directive(token);
        marks.push({ kind: '#', start, end });
        break;
      case ';':
      case ',':
        marks.push({ kind: token as ';' | ',', start, end });
        break;
      default:
        marks.push({ kind: token as '(' | ')', start, end, match: undefined });
        brackets.bracket(token, marks.length - 1);
    }
  }
  return marks;
}

/** Pairs brackets up. The branches of an `#if` may each open what is closed once behind it: each starts as the first did. */
class BracketPairs {
  readonly #marks: Mark[];
  readonly #branches: number[][] = [];
  #open: number[] = [];

  constructor(marks: Mark[]) {
    this.#marks = marks;
  }

  directive(token: string): void {
    const word = /^#\s*(if|el|endif)/.exec(token)?.[1];
    if (word === 'if') this.#branches.push([...this.#open]);
    else if (word === 'el') this.#open = [...(this.#branches.at(-1) ?? this.#open)];
    else if (word === 'endif') this.#branches.pop();
  }

  bracket(token: string, index: number): void {
    const opener = OPENER[token];
    if (opener === undefined) {
      this.#open.push(index);
      return;
    }
    const partner = this.#open.at(-1);
    if (partner === undefined || this.#marks[partner]!.kind !== opener) return;
    this.#open.pop();
    (this.#marks[partner] as { match: number | undefined }).match = index;
    (this.#marks[index] as { match: number | undefined }).match = partner;
  }
}

function isDoc(token: string): boolean {
  return token.search(DOC_START) === 0;
}

/** Whether a text may have a doc comment: it has what begins one, maybe in a string. */
export function mayHaveDocs(text: string): boolean {
  return DOC_START.test(text);
}

function addDoc(marks: Mark[], text: string, start: number, end: number): void {
  const lineStart = text.lastIndexOf('\n', start - 1) + 1;
  const lineEnd = text.indexOf('\n', end);
  const before = text.slice(lineStart, start).replaceAll(/\/\*.*?\*\//g, '');
  const endsLine = before.trim() !== '' && text.slice(end, lineEnd < 0 ? undefined : lineEnd).trim() === '';
  const marked = text[start + 3] === '<';
  const last = marks.at(-1);
  if (last?.kind === 'doc' && joins(last.comment, text, start, marked, lineStart)) {
    const comment = { ...last.comment, parts: [...last.comment.parts, { start, end }], end };
    marks[marks.length - 1] = { kind: 'doc', start: last.start, end, comment };
    return;
  }
  const closes = last?.kind === ';' || last?.kind === ',' || last?.kind === '}';
  const trailing = marked || (endsLine && closes && /^[ \t]*$/.test(text.slice(last.end, start)));
  marks.push({ kind: 'doc', start, end, comment: { parts: [{ start, end }], start, end, trailing, endsLine } });
}

/** Whether a doc comment goes on with the one before it: right below it, and both about the same thing. */
function joins(comment: DocComment, text: string, start: number, marked: boolean, lineStart: number): boolean {
  const gap = text.slice(comment.end, start);
  if (!/^[ \t\r\f\v]*\n?[ \t\r\f\v]*$/.test(gap)) return false;
  const bothMarked = marked && text[comment.start + 3] === '<';
  if (!comment.endsLine) return comment.trailing === marked;
  // Behind code: an unmarked line goes on only if it is set right below, else it is about the declaration that follows.
  const column = comment.start - (text.lastIndexOf('\n', comment.start - 1) + 1);
  return bothMarked || start - lineStart === column;
}
