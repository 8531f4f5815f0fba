/** The pieces of a doc comment as the fields that they add to one entry of the skeleton. */
import { isBlockCommand, type Json, type Piece } from './comment-commands.ts';

/** Has no prototype: `@constructor` is a command like any other. */
export type Fields = Record<string, Json>;

export function emptyFields(): Fields {
  return Object.create(null) as Fields;
}

/**
 * One field a command, the last of a name winning; plain text is `description`. That is always a string: the loader refuses
 * all else, so `@description 100` is the text `100`. A command that stands alone says nothing, unless its text is prose.
 */
export function fieldsOf(pieces: readonly Piece[]): Fields {
  const fields = emptyFields();
  const description = descriptionOf(pieces);
  if (description !== '') fields.description = description;
  for (const { command, text, value } of pieces) {
    if (command === undefined || command === 'description') continue;
    if (text !== '' || isBlockCommand(command)) fields[command] = value;
  }
  return fields;
}

/** Plain text and the last `@description`, as they follow: a paragraph's by a blank, paragraphs by an empty line. */
function descriptionOf(pieces: readonly Piece[]): string {
  const lastExplicit = pieces.findLast(({ command, text }) => command === 'description' && text !== '');
  const parts = pieces.filter((piece) => piece.command === undefined || piece === lastExplicit);
  return joinPieces(parts, ({ command, text, value }) =>
    command === 'description' && typeof value === 'string' ? value : text,
  );
}

function joinPieces(pieces: readonly Piece[], textOf: (piece: Piece) => string): string {
  let joined = '';
  let paragraph: number | undefined;
  for (const piece of pieces) {
    if (joined !== '') joined += piece.paragraph === paragraph ? ' ' : '\n\n';
    joined += textOf(piece);
    paragraph = piece.paragraph;
  }
  return joined;
}

/** Commands whose text reads as part of the prose, without their name. */
const PROSE_COMMANDS: ReadonlySet<string> = new Set(['brief', 'description', 'details', 'export', 'short']);

/**
 * The same for people, as the text of a TSDoc comment: prose in paragraphs, block commands as `@name text`, all other commands
 * left out. `undefined` if there is nothing to say.
 */
export function proseOf(pieces: readonly Piece[]): string | undefined {
  const shown = pieces.filter(
    ({ command, text }) =>
      text !== '' && (command === undefined || PROSE_COMMANDS.has(command) || isBlockCommand(command)),
  );
  const paragraphs: string[] = [];
  let previous: Piece | undefined;
  for (const piece of shown) {
    const prose = piece.command === undefined || PROSE_COMMANDS.has(piece.command);
    const continues = previous !== undefined && previous.paragraph === piece.paragraph && piece.command === undefined;
    if (continues) paragraphs[paragraphs.length - 1] += ` ${piece.text}`;
    else paragraphs.push(prose ? piece.text : `@${piece.command} ${piece.text}`);
    previous = piece;
  }
  return paragraphs.length === 0 ? undefined : paragraphs.join('\n\n');
}
