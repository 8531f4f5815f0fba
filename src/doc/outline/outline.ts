/**
 * What clang's AST would tell about the user's files, read off their texts: the declarations at file scope and the types of the events that
 * are sent. Only for programs that are written as most are; where a macro, a condition or an unusual declaration leaves a doubt, there is no
 * answer, and clang is run. A second run of clang costs as much as the first one; this costs a few milliseconds, beside the first.
 */
import path from 'node:path';
import type { ClangNode, TopNode } from '../ast-node.ts';
import type { EventType } from '../event-types.ts';
import type { SourceTexts } from '../source-texts.ts';
import { DeclarationReader } from './declarations.ts';
import { EventReader } from './events.ts';
import { Macros } from './macros.ts';
import { directiveOf, HARMLESS, isDirective, readTokens, type Token, Unsure } from './tokens.ts';

export interface OutlineRequest {
  /** The source as clang is given it. */
  readonly source: string;
  /** The source and the headers of the user's that it includes, by their paths; not a `vmlinux.h`. */
  readonly userFiles: readonly string[];
  readonly texts: SourceTexts;
  /** Texts of all other headers that are read; asked for once. */
  readonly systemTexts: () => readonly string[];
  /** Names of macros that are defined from outside. */
  readonly defined: readonly string[];
}

export interface Outline {
  /** In the order in which the compiler meets them. */
  readonly nodes: readonly TopNode[];
  /** In source order, each type once for a map and helper. */
  readonly events: readonly EventType[];
}

/** `undefined` where only a compiler can tell. */
export function readOutline(request: OutlineRequest): Outline | undefined {
  try {
    return new OutlineReader(request).read();
  } catch (error) {
    if (error instanceof Unsure) return undefined;
    throw error;
  }
}

const INCLUDE = /^#\s*include\s*(?:"([^"\n]+)"|<([^>\n]+)>)/;
/** Of a header that is read once: its guard's name. */
const GUARD = /^#\s*ifndef\s+(\w+)\s*(?:$|\/)/;

class OutlineReader {
  readonly #request: OutlineRequest;
  readonly #macros: Macros;
  readonly #events: EventReader;
  readonly #nodes: TopNode[] = [];
  readonly #read = new Set<string>();
  /** Files without a guard: what they declare, they declare each time. */
  readonly #unguarded = new Set<string>();
  #ids = 0;

  constructor(request: OutlineRequest) {
    this.#request = request;
    this.#macros = new Macros(request.systemTexts);
    for (const name of request.defined) this.#macros.add(name);
    this.#events = new EventReader(this.#macros, request.texts);
  }

  read(): Outline {
    const { source, userFiles } = this.#request;
    this.#readFile(source);
    if (userFiles.some((file) => !this.#read.has(file))) throw new Unsure('a header that is included in another way');
    const events = this.#events.finish(
      new Set(this.#nodes.flatMap(({ kind, name }) => (kind === 'VarDecl' ? [name!] : []))),
    );
    return { nodes: this.#nodes, events };
  }

  #readFile(file: string): void {
    const text = this.#request.texts.get(file);
    if (text === undefined) throw new Unsure(`${file} cannot be read`);
    this.#read.add(file);
    const tokens = readTokens(text.text);
    const reader = new DeclarationReader(
      tokens,
      this.#macros,
      (from, to) => text.hasDocBetween(from, to),
      () => `${this.#ids++}`,
    );
    const guardEnd = this.#guardEnd(tokens);
    const conditions = guardEnd === undefined ? 0 : 1;
    let isOnce = guardEnd !== undefined;
    for (const { text: line } of tokens) if (directiveOf(line) === 'define') this.#macros.define(line);
    let at = conditions;
    while (at < (guardEnd ?? tokens.length)) {
      const token = tokens[at]!;
      if (!isDirective(token)) {
        if (token.conditions > conditions) throw new Unsure('a declaration under a condition');
        const { nodes, functions, next } = reader.read(at);
        for (const node of nodes) this.#nodes.push(topNode(file, node));
        for (const found of functions) this.#events.addFunction(file, tokens, found, conditions);
        at = next;
        continue;
      }
      const word = directiveOf(token.text);
      if (word === 'include') this.#include(token.text, file, token.conditions > conditions);
      else if (/^#\s*pragma\s+once\b/.test(token.text)) isOnce = true;
      else if (!HARMLESS.test(word)) throw new Unsure(token.text);
      at++;
    }
    this.#events.addTokens(tokens, conditions);
    if (!isOnce) this.#unguarded.add(file);
  }

  /** Index of the `#endif` that ends the file, if the whole file is in a guard that is open. */
  #guardEnd(tokens: readonly Token[]): number | undefined {
    const guard = GUARD.exec(tokens[0]?.text ?? '')?.[1];
    if (guard === undefined || !new RegExp(`^#\\s*define\\s+${guard}\\b`).test(tokens[1]?.text ?? '')) return undefined;
    const end = tokens.findIndex(({ text, conditions }) => {
      const word = directiveOf(text);
      return conditions === 0 ? word === 'endif' : conditions === 1 && word.startsWith('el');
    });
    if (end !== tokens.length - 1) return undefined;
    if (this.#macros.has(guard)) throw new Unsure(`${guard} is defined already`);
    return end;
  }

  #include(directive: string, from: string, isConditional: boolean): void {
    const match = INCLUDE.exec(directive);
    if (match === null) throw new Unsure(directive);
    const name = match[1] ?? match[2]!;
    const beside = path.join(path.dirname(from), name);
    const { userFiles } = this.#request;
    const candidates =
      match[1] !== undefined && userFiles.includes(beside)
        ? [beside]
        : userFiles.filter((file) => file === name || file.endsWith(`/${name}`));
    const [file] = candidates;
    if (file === undefined) return;
    if (candidates.length > 1 || isConditional) throw new Unsure(directive);
    if (!this.#read.has(file)) this.#readFile(file);
    else if (this.#unguarded.has(file)) throw new Unsure(`${file} is read again`);
  }
}

function topNode(file: string, tree: ClangNode): TopNode {
  const { inner = [], ...head } = tree;
  return {
    kind: tree.kind!,
    name: tree.name,
    file,
    head,
    tree,
    children: () => inner.map((child) => topNode(file, child)),
  };
}
