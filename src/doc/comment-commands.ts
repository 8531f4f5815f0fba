/**
 * What a doc comment says, as a list of pieces in the order written: plain text, and commands (`@name text`) with the text that
 * they own. Where the reference reads clang's comment tree line by line, and so loses lines, quotes and whatever follows an
 * `@brief`, this reads the text as its author meant it:
 *
 * - a command is `@` or `\` + letter + letters, digits, `_`, at a line's start or behind a blank, and not inside JSON;
 * - it owns the text up to the next command or blank line;
 * - text that begins with `{` or `[` is one JSON value, wherever its lines end; what follows it is plain text again.
 */
import type { CommentLine } from './comment-lines.ts';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export interface Piece {
  /** The command's name; `undefined` for plain text. */
  readonly command: string | undefined;
  /** Lines joined by one blank; empty for a command that stands alone. */
  readonly text: string;
  /** What the text says as JSON; the text itself if it is none. */
  readonly value: Json;
  /** Number of blank lines (or runs of them) before it: pieces with the same number are one paragraph. */
  readonly paragraph: number;
  /** Byte offset in the source. */
  readonly offset: number;
}

/**
 * Commands whose text is prose, never JSON (clang's block commands).
 * @see https://clang.llvm.org/doxygen/CommentCommands_8td_source.html
 */
const BLOCK_COMMANDS: ReadonlySet<string> = new Set(
  (
    'arg attention author authors brief bug copyright date deprecated details exception internal invariant li note par post ' +
    'pre remark remarks result return returns retval sa see short since test throw throws todo version warning'
  ).split(' '),
);

/** Commands about parameters: dropped with their text. */
const DROPPED_COMMANDS: ReadonlySet<string> = new Set(['param', 'tparam']);

/** Commands that name what is being documented: dropped with their line. `@name` would replace a real key. */
const LINE_COMMANDS: ReadonlySet<string> = new Set(
  (
    'addtogroup callback category class def defgroup enum fn function ingroup interface mainpage method name namespace ' +
    'overload page paragraph property protocol section struct subpage subsection subsubsection template typedef union var ' +
    'weakgroup'
  ).split(' '),
);

/** Commands whose text reaches to a closing command, over blank lines: dropped with it. */
const VERBATIM_COMMANDS: ReadonlyMap<string, string> = new Map([
  ['code', 'endcode'],
  ['dot', 'enddot'],
  ['link', 'endlink'],
  ['msc', 'endmsc'],
  ['verbatim', 'endverbatim'],
]);

const COMMAND = /(?<![^ \t\n])[@\\]([A-Za-z][A-Za-z0-9_]*)/g;
const PARAGRAPH_BREAK = '\n\n';

export function isBlockCommand(command: string): boolean {
  return BLOCK_COMMANDS.has(command);
}

export function readPieces(lines: readonly CommentLine[]): Piece[] {
  return new PieceReader(lines).read();
}

class PieceReader {
  /** The lines joined by `\n`, a run of empty ones being one empty line. */
  readonly #text: string;
  readonly #lineStarts: { at: number; offset: number }[] = [];
  readonly #pieces: Piece[] = [];
  #paragraph = 0;
  #paragraphStart = 0;

  constructor(lines: readonly CommentLine[]) {
    let text = '';
    for (const line of lines) {
      if (line.text === '') {
        if (text !== '' && !text.endsWith(PARAGRAPH_BREAK)) text += '\n';
        continue;
      }
      this.#lineStarts.push({ at: text.length, offset: line.offset });
      text += `${line.text}\n`;
    }
    this.#text = text.trimEnd();
  }

  read(): Piece[] {
    let at = 0;
    while (at < this.#text.length) {
      const command = this.#commandAt(at);
      at = command === undefined ? this.#plain(at) : this.#command(command, at);
      while (this.#text[at] === '\n' || this.#text[at] === ' ' || this.#text[at] === '\t') at++;
    }
    return this.#pieces;
  }

  #plain(at: number): number {
    const end = this.#ownedEnd(at);
    const text = joinLines(this.#text.slice(at, end));
    this.#add(undefined, text, text, at);
    return end;
  }

  /** @param at  where its `@` stands   @returns where its text ends */
  #command(written: string, at: number): number {
    const name = written === 'detail' ? 'details' : written;
    const from = at + 1 + written.length;
    const closing = VERBATIM_COMMANDS.get(name);
    if (closing !== undefined) return this.#behindClosing(closing, from);
    if (LINE_COMMANDS.has(name)) return this.#lineEnd(from);
    const end = this.#ownedEnd(from);
    if (DROPPED_COMMANDS.has(name)) return end;
    const text = joinLines(this.#text.slice(from, end));
    if (isBlockCommand(name)) {
      this.#add(name, text, text, at);
      return end;
    }
    const json = this.#jsonValue(text, from);
    if (json !== undefined) {
      this.#add(name, json.text, json.value, at);
      return json.end;
    }
    const value = parseJson(text);
    this.#add(name, text, value === undefined ? text : value, at);
    return end;
  }

  /** The JSON object or array that a command's text starts with. */
  #jsonValue(text: string, from: number): { text: string; value: Json; end: number } | undefined {
    if (!text.startsWith('{') && !text.startsWith('[')) return undefined;
    const start = this.#text.indexOf(text[0]!, from);
    const end = endOfJson(this.#text, start);
    const json = joinLines(this.#text.slice(start, end));
    const value = parseJson(json);
    return end === undefined || value === undefined ? undefined : { text: json, value, end };
  }

  #behindClosing(closing: string, from: number): number {
    const match = new RegExp(`[@\\\\]${closing}\\b`).exec(this.#text.slice(from));
    return match === null ? this.#text.length : from + match.index + match[0].length;
  }

  #lineEnd(from: number): number {
    const end = this.#text.indexOf('\n', from);
    return end < 0 ? this.#text.length : end;
  }

  #commandAt(at: number): string | undefined {
    COMMAND.lastIndex = at;
    const match = COMMAND.exec(this.#text);
    return match?.index === at ? match[1] : undefined;
  }

  /** Where text that starts at `from` is cut off by a command or a blank line. */
  #ownedEnd(from: number): number {
    COMMAND.lastIndex = from;
    const command = COMMAND.exec(this.#text)?.index ?? this.#text.length;
    const blank = this.#text.indexOf(PARAGRAPH_BREAK, from);
    return blank < 0 ? command : Math.min(command, blank);
  }

  #add(command: string | undefined, text: string, value: Json, at: number): void {
    for (let next = this.#nextBreak(); next >= 0 && next < at; next = this.#nextBreak()) {
      this.#paragraph++;
      this.#paragraphStart = next + PARAGRAPH_BREAK.length;
    }
    this.#pieces.push({ command, text, value, paragraph: this.#paragraph, offset: this.#offsetOf(at) });
  }

  #nextBreak(): number {
    return this.#text.indexOf(PARAGRAPH_BREAK, this.#paragraphStart);
  }

  #offsetOf(at: number): number {
    const line = this.#lineStarts.findLast((start) => start.at <= at)!;
    return line.offset + Buffer.byteLength(this.#text.slice(line.at, at));
  }
}

function joinLines(text: string): string {
  return text.trim().replaceAll(/[ \t]*\n+[ \t]*/g, ' ');
}

/** Where the bracket that opens at `start` is closed, brackets in strings not counted. */
function endOfJson(text: string, start: number): number | undefined {
  const token = /"(?:\\.|[^"\\])*"|[[\]{}]/gs;
  token.lastIndex = start;
  let depth = 0;
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    if (match[0] === '{' || match[0] === '[') depth++;
    else if ((match[0] === '}' || match[0] === ']') && --depth === 0) return token.lastIndex;
  }
  return undefined;
}

/** `undefined` if it is not JSON. */
function parseJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
