/**
 * Whether clang's AST can tell anything about a program: making it costs as much as compiling, and half of all programs have neither doc
 * comments nor events. Told from the text, without knowing C, so "yes" where there is doubt.
 */
import { EVENT_HELPERS } from './event-types.ts';
import { mayHaveDocs } from './source-text.ts';

/** A helper's name may be put together by macros that the scan does not follow. */
const PASTE = '##';
const SPLICE = /\\[ \t]*\r?\n/g;

/**
 * @param texts  of the source and of the user's headers
 * @param identifiers  of those, of the headers that they include, and of macros on the command line
 */
export function hasDocsOrEvents(texts: readonly string[], identifiers: ReadonlySet<string>): boolean {
  if (EVENT_HELPERS.some((name) => identifiers.has(name))) return true;
  return texts.some((text) => {
    const joined = text.includes('\\') ? text.replace(SPLICE, '') : text;
    return mayHaveDocs(joined) || joined.includes(PASTE);
  });
}
