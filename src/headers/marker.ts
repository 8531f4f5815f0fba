/**
 * How a header that we wrote is told from the user's own: its first line. One that carries the mark is ours to replace and does
 * not stand in for the one that is made for a source.
 */
const MARK = '/* vmlinux.h made by ecc';

/** The first line of a header: the mark, then what it was made from. */
export function markLine(origin: string): string {
  return `${MARK} from ${origin.replace(/\*\//g, '* /').replace(/\s+/g, ' ')}. */\n`;
}

/** True for the text of a header that we wrote. */
export function isOurHeader(text: string): boolean {
  return text.startsWith(MARK);
}
