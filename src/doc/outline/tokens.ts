/**
 * A C text as tokens with their byte offsets, for reading declarations without a compiler. Comments are left out; a preprocessor line
 * is one token. What only a compiler could read (lines spliced outside of such a line, brackets that do not pair up) is refused.
 */
import { LITERALS } from '../source-text.ts';

export interface Token {
  readonly text: string;
  readonly start: number;
  /** First byte behind it. */
  readonly end: number;
  /** Index of the innermost bracket that it stands in; -1 outside of all. */
  readonly inside: number;
  /** How many `#if` it stands under. */
  readonly conditions: number;
  /** Of a bracket: index of the other one of the pair. */
  match: number;
}

/** Thrown where the text alone does not tell what a compiler would see. Nobody's fault: the compiler is asked then. */
export class Unsure extends Error {}

const TOKEN = new RegExp(
  [...LITERALS, String.raw`[A-Za-z_$][\w$]*`, String.raw`\.?\d(?:[eEpP][+-]|[\w.])*`, String.raw`\S`].join('|'),
  'g',
);
const OPENERS = '([{';
const CLOSERS = ')]}';

/** @throws {Unsure} */
export function readTokens(text: string): Token[] {
  const tokens: Token[] = [];
  let inside = -1;
  let conditions = 0;
  for (const { 0: token, index: start } of text.matchAll(TOKEN)) {
    const first = token[0]!;
    if (first === '/' && (token[1] === '/' || token[1] === '*')) continue;
    if (first === '\\' || first > '~') throw new Unsure(`${token} at ${start}`);
    const closes = CLOSERS.indexOf(first);
    let match = -1;
    if (closes >= 0) {
      match = inside;
      if (match < 0 || tokens[match]!.text !== OPENERS[closes]) throw new Unsure(`${token} closes nothing`);
      tokens[match]!.match = tokens.length;
      inside = tokens[match]!.inside;
    }
    const word = first === '#' ? directiveOf(token) : '';
    if (word === 'endif') conditions--;
    tokens.push({ text: token, start, end: start + token.length, inside, conditions, match });
    if (word.startsWith('if')) conditions++;
    if (OPENERS.includes(first)) inside = tokens.length - 1;
  }
  if (inside >= 0) throw new Unsure(`${tokens[inside]!.text} is not closed`);
  return tokens;
}

export function isWord(token: Token | undefined): boolean {
  return token !== undefined && /^[A-Za-z_$]/.test(token.text);
}

/** The word behind the `#`; empty for anything but a preprocessor line. */
export function directiveOf(text: string): string {
  return /^#\s*(\w*)/.exec(text)?.[1] ?? '';
}

/** Preprocessor lines that declare nothing. */
export const HARMLESS = /^(?:if|ifdef|ifndef|elif|else|endif|define|undef)$/;

export function isDirective({ text }: Token): boolean {
  return text[0] === '#';
}
