/**
 * One C file taken apart into what the kernel header is chosen by: identifiers, includes, struct tags, functions declared at
 * file scope. It is no preprocessor: both branches of a conditional count, macros are not expanded. Comments, strings and
 * numbers are skipped, spliced lines are joined.
 */

import { type PasteMacro, parsePasteMacro } from './pastes.ts';

export interface IncludeDirective {
  /** `macro`: the name of a macro stands where the file should. */
  readonly form: 'quoted' | 'angled' | 'macro';
  readonly name: string;
  /** `#include_next`. */
  readonly next: boolean;
  /** 1-based. */
  readonly line: number;
}

export interface StructTag {
  readonly tag: string;
  /** 1-based. */
  readonly line: number;
}

export interface FileTokens {
  readonly identifiers: ReadonlySet<string>;
  readonly includes: readonly IncludeDirective[];
  /** Each tag once, where it first stands behind `struct`, in source order. */
  readonly structTags: readonly StructTag[];
  /** Names directly before a `(` outside of braces and directives: functions declared or defined, and macros used, there. */
  readonly declaredFunctions: ReadonlySet<string>;
  /** Object-like macros whose replacement could stand behind `#include`. */
  readonly includeMacros: ReadonlyMap<string, string>;
  /** Function-like macros that paste words together. */
  readonly pasteMacros: readonly PasteMacro[];
}

/**
 * In this order: comments, strings and characters, identifiers, numbers (so that `0x1fULL` is no identifier), and the
 * punctuation that gives structure.
 */
const TOKEN =
  /\/\*.*?(?:\*\/|$)|\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?|([A-Za-z_$\u0080-\uffff][\w$\u0080-\uffff]*)|\.?\d(?:[eEpP][+-]|[\w.])*|([{}()#])/gs;
const DIRECTIVE = /#[ \t]*([a-z_]+)[ \t]*([^\n]*)/y;
const INCLUDE_TARGET = /^(?:"([^"\n]+)"|<([^>\n]+)>|([A-Za-z_$][\w$]*)[ \t]*(?:$|\/[/*]))/;
const OBJECT_MACRO = /^([A-Za-z_$][\w$]*)[ \t]+(.*?)[ \t]*$/;
const SPLICE = /\\[ \t]*\r?\n/g;
/** What may stand between `struct` and its tag, with its arguments. */
const ATTRIBUTES = new Set(['__attribute__', '__attribute', '_Alignas', 'alignas', '__declspec']);

/** Takes a file apart. Linear in its length; never fails. */
export function scanTokens(text: string): FileTokens {
  const splices: number[] = [];
  const source = text.includes('\\') ? joinLines(text, splices) : text;
  const lines = new LineCounter(source, splices);
  const identifiers = new Set<string>();
  const includes: IncludeDirective[] = [];
  const tags = new Map<string, StructTag>();
  const declaredFunctions = new Set<string>();
  const includeMacros = new Map<string, string>();
  const pasteMacros: PasteMacro[] = [];

  let directiveEnd = 0;
  let braces = 0;
  let parentheses = 0;
  let previous = '';
  let previousEnd = -1;
  let afterStruct = false;
  /** Depth of parentheses that an attribute between `struct` and its tag has open; -1 outside of one. */
  let attributeDepth = -1;

  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(source); match !== null; match = TOKEN.exec(source)) {
    const word = match[1];
    const at = match.index;
    if (word !== undefined) {
      identifiers.add(word);
      if (afterStruct && attributeDepth <= 0) {
        if (ATTRIBUTES.has(word)) attributeDepth = 0;
        else {
          if (!tags.has(word)) tags.set(word, { tag: word, line: lines.at(at) });
          afterStruct = false;
          attributeDepth = -1;
        }
      } else if (word === 'struct') {
        afterStruct = true;
      }
      previous = word;
      previousEnd = TOKEN.lastIndex;
      continue;
    }
    switch (match[2]) {
      case '#': {
        if (!startsLine(source, at)) break;
        DIRECTIVE.lastIndex = at;
        const directive = DIRECTIVE.exec(source);
        if (directive === null) break;
        directiveEnd = DIRECTIVE.lastIndex;
        const [, name, rest] = directive as unknown as [string, string, string];
        if (name === 'include' || name === 'include_next' || name === 'import') {
          const target = INCLUDE_TARGET.exec(rest);
          if (target !== null) includes.push(includeOf(target, name === 'include_next', lines.at(at)));
          TOKEN.lastIndex = directiveEnd;
        } else if (name === 'define') {
          const macro = OBJECT_MACRO.exec(rest);
          if (macro !== null && INCLUDE_TARGET.test(macro[2]!)) includeMacros.set(macro[1]!, macro[2]!);
          const pasting = parsePasteMacro(rest);
          if (pasting !== undefined) pasteMacros.push(pasting);
        }
        break;
      }
      case '{':
        afterStruct = false;
        if (at >= directiveEnd) braces++;
        break;
      case '}':
        if (at >= directiveEnd && braces > 0) braces--;
        if (braces === 0) parentheses = 0;
        break;
      case '(':
        if (attributeDepth >= 0) attributeDepth++;
        if (at < directiveEnd) break;
        if (braces === 0 && parentheses === 0 && previousEnd >= 0 && isBlank(source, previousEnd, at))
          declaredFunctions.add(previous);
        parentheses++;
        break;
      case ')':
        if (attributeDepth > 0) attributeDepth--;
        if (at >= directiveEnd && parentheses > 0) parentheses--;
        break;
      default:
        break;
    }
  }
  return { identifiers, includes, structTags: [...tags.values()], declaredFunctions, includeMacros, pasteMacros };
}

/** The target of an include directive, written out or as the replacement of a macro. */
export function parseIncludeTarget(text: string): Pick<IncludeDirective, 'form' | 'name'> | undefined {
  const target = INCLUDE_TARGET.exec(text.trim());
  return target === null ? undefined : includeOf(target, false, 0);
}

function includeOf(target: RegExpExecArray, next: boolean, line: number): IncludeDirective {
  const [, quoted, angled, macro] = target;
  if (quoted !== undefined) return { form: 'quoted', name: quoted, next, line };
  if (angled !== undefined) return { form: 'angled', name: angled, next, line };
  return { form: 'macro', name: macro!, next, line };
}

function startsLine(source: string, at: number): boolean {
  for (let i = at - 1; i >= 0; i--) {
    const char = source.charCodeAt(i);
    if (char === 0x0a) return true;
    if (char !== 0x20 && char !== 0x09) return false;
  }
  return true;
}

function isBlank(source: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (source.charCodeAt(i) > 0x20) return false;
  return true;
}

/** The text without its line splices; their places in the result go to `splices`. */
function joinLines(text: string, splices: number[]): string {
  let removed = 0;
  return text.replace(SPLICE, (splice, at: number) => {
    splices.push(at - removed);
    removed += splice.length;
    return '';
  });
}

/** Line numbers of ascending places in a text whose splices were taken out. */
class LineCounter {
  readonly #text: string;
  readonly #splices: readonly number[];
  #place = 0;
  #line = 1;
  #splice = 0;

  constructor(text: string, splices: readonly number[]) {
    this.#text = text;
    this.#splices = splices;
  }

  /** 1-based line in the original text. `place` must not be before the last one asked for. */
  at(place: number): number {
    for (;;) {
      const newline = this.#text.indexOf('\n', this.#place);
      if (newline === -1 || newline >= place) break;
      this.#line++;
      this.#place = newline + 1;
    }
    while (this.#splice < this.#splices.length && this.#splices[this.#splice]! <= place) {
      this.#splice++;
      this.#line++;
    }
    return this.#line;
  }
}
