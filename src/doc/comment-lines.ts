/**
 * The text of a doc comment without its markers: no `///`, no stars at the line starts, no blanks at either end of a line.
 * Text that is not UTF-8 is read as Latin-1; the rest of the source may be in what it likes.
 */
import type { DocComment, SourceText } from './source-text.ts';

export interface CommentLine {
  readonly text: string;
  /** Byte offset of the line's first character in the source. */
  readonly offset: number;
}

export function commentLines(source: SourceText, comment: DocComment): CommentLine[] {
  return comment.parts.flatMap(({ start, end }) => {
    const raw = source.text.slice(start, end);
    return raw.startsWith('//') ? lineComment(raw, start) : blockComment(raw, start);
  });
}

/** One line even if backslashes at its ends spread it over several. */
function lineComment(raw: string, start: number): CommentLine[] {
  const marker = /^\/\/[/!]<?/.exec(raw)![0].length;
  return [trimmed(raw.slice(marker).replaceAll(/\\\r?\n/g, ''), start + marker)];
}

function blockComment(raw: string, start: number): CommentLine[] {
  const marker = /^\/\*[*!]<?/.exec(raw)![0].length;
  const body = raw.slice(marker).replace(/\**\*\/$/, '');
  let offset = start + marker;
  return body.split('\n').map((line, index) => {
    const lead = index === 0 ? 0 : /^[ \t]*\*?/.exec(line)![0].length;
    const result = trimmed(line.slice(lead), offset + lead);
    offset += line.length + 1;
    return result;
  });
}

/** Only ASCII blanks go: byte 0xa0, which `trim` would take, is the second half of many a character. */
function trimmed(latin1: string, offset: number): CommentLine {
  const text = latin1.replace(/^[ \t\r\f\v]+/, '');
  return { text: decode(text.replace(/[ \t\r\f\v]+$/, '')), offset: offset + latin1.length - text.length };
}

const UTF8 = new TextDecoder('utf-8', { fatal: true });

function decode(latin1: string): string {
  try {
    return UTF8.decode(Buffer.from(latin1, 'latin1'));
  } catch {
    return latin1;
  }
}
