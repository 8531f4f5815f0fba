/**
 * The declarations of one file, read off its tokens, in the shape in which clang prints them: as much of a node as this folder's other
 * modules look at. It knows the ways in which BPF programs are written; anything else is refused, and the compiler asked.
 */
import type { ClangNode } from '../ast-node.ts';
import type { Macros } from './macros.ts';
import { PROGRAM_MACROS } from './macros.ts';
import { directiveOf, HARMLESS, isDirective, isWord, type Token, Unsure } from './tokens.ts';

/** A function with a body, for those who look into it. */
export interface FunctionTokens {
  readonly name: string;
  readonly isStatic: boolean;
  /** Index of the first token of its parameters' list, and of the brace that ends its body. */
  readonly first: number;
  readonly bodyEnd: number;
}

const STORAGE = new Set(['static', 'extern', 'typedef']);
const QUALIFIERS = new Set(['const', 'volatile', 'restrict', '__restrict']);
const IGNORED = new Set(['inline', '__inline', '__inline__', 'register', '__extension__']);
const SCALARS = new Set('void char short int long signed unsigned float double _Bool __int128 __signed__'.split(' '));
const TAGS = new Set(['struct', 'union', 'enum']);
/** Words that begin or change a declaration in ways that are not read here. */
const REFUSED = new Set(
  '_Pragma asm __asm__ __asm _Static_assert static_assert typeof __typeof__ __typeof __auto_type _Alignas alignas _Atomic _Thread_local _Noreturn __block'.split(
    ' ',
  ),
);

const UNROLL = /^#\s*pragma\s+(?:clang\s+loop\s+)?unroll/;

/** What stands before the names of a declaration. */
interface Specifiers {
  readonly begin: number;
  storage: string | undefined;
  section: string | undefined;
  /** The type as clang spells it. */
  type: string;
  /** The struct, union or enum that is defined or declared on the way, if one is. */
  tag: ClangNode | undefined;
  /** It has no tag: clang makes one up. */
  isUntagged: boolean;
}

interface Declarator {
  /** `undefined` for an unnamed bit field. */
  readonly name: string | undefined;
  readonly at: number;
  /** Behind the name and what belongs to it: attributes, an initial value, a function's body. */
  readonly end: number;
  readonly suffix: string;
  readonly section: string | undefined;
  readonly body: FunctionTokens | undefined;
  readonly isFunction: boolean;
}

export class DeclarationReader {
  readonly #tokens: readonly Token[];
  readonly #macros: Macros;
  /** Whether something is said of what stands between two offsets. */
  readonly #hasDocs: (from: number, to: number) => boolean;
  /** Makes ids for types without a tag. */
  readonly #newId: () => string;
  #at = 0;

  constructor(
    tokens: readonly Token[],
    macros: Macros,
    hasDocs: (from: number, to: number) => boolean,
    newId: () => string,
  ) {
    this.#tokens = tokens;
    this.#macros = macros;
    this.#hasDocs = hasDocs;
    this.#newId = newId;
  }

  /** The next declaration at file scope, from token `at` on. `next` is the first token behind it. */
  read(at: number): { nodes: ClangNode[]; functions: FunctionTokens[]; next: number } {
    this.#at = at;
    const first = this.#peek();
    if (first.text === ';')
      return {
        nodes: [{ kind: 'EmptyDecl', ...place(first.start, first.start, first.end) }],
        functions: [],
        next: at + 1,
      };
    const specifiers = this.#specifiers(true);
    const nodes: ClangNode[] = specifiers.tag === undefined ? [] : [specifiers.tag];
    const functions: FunctionTokens[] = [];
    if (this.#skip(';')) return { nodes, functions, next: this.#at };
    for (;;) {
      const declarator = this.#declarator(specifiers);
      nodes.push(fileScopeNode(specifiers, declarator));
      if (declarator.body !== undefined) {
        functions.push(declarator.body);
        break;
      }
      if (this.#skip(';')) break;
      this.#expect(',');
    }
    return { nodes, functions, next: this.#at };
  }

  #specifiers(atFileScope: boolean): Specifiers {
    const specifiers: Specifiers = {
      begin: this.#peek().start,
      storage: undefined,
      section: undefined,
      type: '',
      tag: undefined,
      isUntagged: false,
    };
    const qualifiers: string[] = [];
    const words: string[] = [];
    for (;;) {
      const token = this.#peek();
      const { text } = token;
      if (!isWord(token)) break;
      if (REFUSED.has(text)) throw new Unsure(text);
      if (this.#attribute(specifiers)) continue;
      if (STORAGE.has(text)) {
        if (!atFileScope || (specifiers.storage !== undefined && specifiers.storage !== text)) throw new Unsure(text);
        specifiers.storage = text;
      } else if (QUALIFIERS.has(text)) {
        qualifiers.push(text);
      } else if (TAGS.has(text)) {
        if (words.length > 0) throw new Unsure(text);
        words.push(this.#tag(specifiers));
        continue;
      } else if (SCALARS.has(text)) {
        words.push(text);
      } else if (!IGNORED.has(text)) {
        // the first word that is no keyword is a type, the next one the name of what is declared
        if (words.length > 0) break;
        if (this.#tokens[this.#at + 1]?.text === '(') throw new Unsure(`${text} is called`);
        this.#macros.checkPlain(text);
        words.push(text);
      }
      this.#at++;
    }
    if (words.length === 0) throw new Unsure(`no type at ${specifiers.begin}`);
    specifiers.type = [...qualifiers, ...words].join(' ');
    return specifiers;
  }

  /** Takes an attribute if one stands here. */
  #attribute(taker: { section: string | undefined }): boolean {
    const { text } = this.#peek();
    if (this.#macros.isAttribute(text)) {
      this.#at++;
      taker.section ??= this.#macros.sectionOf(text);
      return true;
    }
    if (text !== 'SEC' && text !== '__attribute__') return false;
    if (this.#macros.has(text)) throw new Unsure(`${text} is the program's own`);
    const open = this.#at + 1;
    if (this.#tokens[open]?.text !== '(') throw new Unsure(text);
    const close = this.#tokens[open]!.match;
    const inside = this.#tokens.slice(open + 1, close);
    if (text === 'SEC') taker.section ??= stringOf(inside);
    else if (inside.some(({ text: word }) => word === 'section' || word === '__section__'))
      taker.section ??= this.#sectionAttribute(inside);
    this.#at = close + 1;
    return true;
  }

  /** `((section("name")))`, alone or among others. */
  #sectionAttribute(inside: readonly Token[]): string {
    const at = inside.findIndex(({ text }) => text === 'section' || text === '__section__');
    const open = inside[at + 1];
    const name = inside[at + 2];
    if (open?.text !== '(' || name === undefined || inside[at + 3]?.text !== ')') throw new Unsure('section');
    return stringOf([name]);
  }

  /** `struct tag`, with its members if they are there. @returns how clang spells the type */
  #tag(specifiers: Specifiers): string {
    const keyword = this.#peek();
    this.#at++;
    while (this.#attribute({ section: undefined }));
    const name = isWord(this.#peek()) ? this.#peek() : undefined;
    if (name !== undefined) {
      if (this.#macros.has(name.text)) throw new Unsure(`${name.text} is a macro`);
      this.#at++;
    }
    const open = this.#peek();
    const isForward = open.text === ';' && name !== undefined;
    if (open.text !== '{') {
      if (name === undefined) throw new Unsure(keyword.text);
      if (isForward) specifiers.tag = this.#tagNode(keyword, name, name.end, undefined, specifiers);
      return `${keyword.text} ${name.text}`;
    }
    const bodyStart = this.#at;
    const bodyEnd = this.#tokens[bodyStart]!.match;
    const { end } = this.#tokens[bodyEnd]!;
    const members = this.#hasDocs(open.start, end) ? this.#members(keyword.text, bodyStart, bodyEnd) : [];
    this.#at = bodyEnd + 1;
    specifiers.tag = this.#tagNode(keyword, name, end, members, specifiers);
    return `${keyword.text} ${name?.text ?? ''}`;
  }

  #tagNode(
    keyword: Token,
    name: Token | undefined,
    end: number,
    members: readonly ClangNode[] | undefined,
    specifiers: Specifiers,
  ): ClangNode {
    specifiers.isUntagged = name === undefined;
    return {
      kind: keyword.text === 'enum' ? 'EnumDecl' : 'RecordDecl',
      id: this.#newId(),
      ...(name === undefined ? {} : { name: name.text }),
      ...(keyword.text === 'enum' ? {} : { tagUsed: keyword.text }),
      ...(members === undefined || keyword.text === 'enum' ? {} : { completeDefinition: true }),
      ...place(keyword.start, (name ?? keyword).start, end),
      inner: members ?? [],
    };
  }

  #members(keyword: string, open: number, close: number): ClangNode[] {
    this.#at = open + 1;
    const nodes: ClangNode[] = [];
    while (this.#at < close) {
      if (keyword === 'enum') nodes.push(this.#enumerator(close));
      else if (!this.#skip(';')) nodes.push(...this.#member());
    }
    return nodes;
  }

  #enumerator(close: number): ClangNode {
    const name = this.#peek();
    if (!isWord(name)) throw new Unsure(name.text);
    this.#macros.checkPlain(name.text);
    this.#at++;
    while (this.#at < close && this.#peek().text !== ',') this.#pass();
    const { end } = this.#tokens[this.#at - 1]!;
    this.#skip(',');
    return { kind: 'EnumConstantDecl', name: name.text, ...place(name.start, name.start, end) };
  }

  #member(): ClangNode[] {
    const specifiers = this.#specifiers(false);
    const nodes: ClangNode[] = specifiers.tag === undefined ? [] : [specifiers.tag];
    const { begin } = specifiers;
    if (this.#skip(';')) {
      // an unnamed struct in place; one with a tag declares no member
      if (specifiers.isUntagged) nodes.push({ kind: 'FieldDecl', ...place(begin, begin, begin) });
      return nodes;
    }
    for (;;) {
      const { name, at, end } = this.#declarator(specifiers);
      nodes.push({ kind: 'FieldDecl', ...(name === undefined ? {} : { name }), ...place(begin, at, end) });
      if (this.#skip(';')) return nodes;
      this.#expect(',');
    }
  }

  #declarator({ storage }: Specifiers): Declarator {
    let suffix = '';
    while (
      this.#peek().text === '*' ||
      QUALIFIERS.has(this.#peek().text) ||
      this.#macros.isAttribute(this.#peek().text)
    ) {
      if (this.#peek().text === '*') suffix = ' *';
      this.#at++;
    }
    const taker: { section: string | undefined } = { section: undefined };
    let name: Token | undefined = this.#peek();
    let isPointer = false;
    let isFunction = false;
    const first = this.#at + 1;
    let { start: at, end } = name;
    if (name.text === '(') {
      // `(*name)(…)`, `(*name)[…]`
      const close = name.match;
      name = this.#tokens[close - 1]!;
      const stars = this.#tokens.slice(this.#at + 1, close - 1);
      if (stars.length === 0 || stars.some(({ text }) => text !== '*') || !isWord(name)) throw new Unsure('declarator');
      isPointer = true;
      suffix = '(*)';
      at = name.start;
      this.#at = close + 1;
    } else if (name.text === ':') {
      name = undefined;
    } else if (PROGRAM_MACROS.has(name.text) && !this.#macros.has(name.text)) {
      return this.#program(storage);
    } else {
      if (!isWord(name)) throw new Unsure(name.text);
      this.#at++;
    }
    if (name !== undefined) this.#macros.checkPlain(name.text);
    for (;;) {
      const { text, match } = this.#peek();
      if (text === '[') suffix += '[]';
      else if (text === '(' && !isFunction) {
        isFunction = !isPointer;
        suffix += '()';
      } else break;
      end = this.#tokens[match]!.end;
      this.#at = match + 1;
    }
    if (this.#skip(':')) while (![',', ';'].includes(this.#peek().text)) end = this.#pass();
    while (this.#attribute(taker)) if (isFunction) ({ end } = this.#tokens[this.#at - 1]!);
    if (!isFunction && this.#skip('=')) while (![',', ';'].includes(this.#peek().text)) end = this.#pass();
    const body = isFunction && this.#peek().text === '{' ? this.#body(name!.text, storage, first) : undefined;
    if (body !== undefined) ({ end } = this.#tokens[this.#at - 1]!);
    return { name: name?.text, at, end, suffix, section: taker.section, body, isFunction };
  }

  /** `BPF_PROG(name, …) { … }`: clang has the name where the macro is. */
  #program(storage: string | undefined): Declarator {
    const macro = this.#peek();
    const name = this.#tokens[this.#at + 2];
    const open = this.#tokens[this.#at + 1];
    if (open?.text !== '(' || !isWord(name)) throw new Unsure(macro.text);
    this.#macros.checkPlain(name!.text);
    const first = this.#at + 1;
    this.#at = open.match + 1;
    if (this.#peek().text !== '{') throw new Unsure(macro.text);
    const body = this.#body(name!.text, storage, first);
    const { end } = this.#tokens[this.#at - 1]!;
    return { name: name!.text, at: macro.start, end, suffix: '()', section: undefined, body, isFunction: true };
  }

  #body(name: string, storage: string | undefined, first: number): FunctionTokens {
    const bodyEnd = this.#peek().match;
    for (const { text } of this.#tokens.slice(this.#at, bodyEnd).filter(isDirective))
      if (!HARMLESS.test(directiveOf(text)) && !UNROLL.test(text)) throw new Unsure(text);
    this.#at = bodyEnd + 1;
    return { name, isStatic: storage === 'static', first, bodyEnd };
  }

  #peek(): Token {
    const token = this.#tokens[this.#at];
    if (token === undefined) throw new Unsure('ends in a declaration');
    if (isDirective(token)) throw new Unsure(token.text);
    return token;
  }

  #skip(text: string): boolean {
    if (this.#peek().text !== text) return false;
    this.#at++;
    return true;
  }

  #expect(text: string): void {
    if (!this.#skip(text)) throw new Unsure(`${this.#peek().text} instead of ${text}`);
  }

  /** Passes over a token, or over all in brackets. @returns where it ends */
  #pass(): number {
    const token = this.#peek();
    if (token.match > this.#at) {
      if (this.#tokens.slice(this.#at, token.match).some(isDirective)) throw new Unsure('a condition in an expression');
      this.#at = token.match;
    }
    return this.#tokens[this.#at++]!.end;
  }
}

function fileScopeNode(specifiers: Specifiers, declarator: Declarator): ClangNode {
  const { begin, storage, type, tag, isUntagged } = specifiers;
  const { name, at, end, suffix, body, isFunction } = declarator;
  const isType = storage === 'typedef';
  const section = specifiers.section ?? declarator.section;
  if (name === undefined || (isType && body !== undefined)) throw new Unsure('declarator');
  return {
    kind: isType ? 'TypedefDecl' : isFunction ? 'FunctionDecl' : 'VarDecl',
    name,
    ...(storage === undefined || isType ? {} : { storageClass: storage }),
    type: { qualType: `${type}${isUntagged && isType ? name : ''}${suffix}` },
    ...place(begin, at, end),
    ...(isUntagged && tag?.id !== undefined ? { ownedTagDecl: { id: tag.id, name: '' } } : {}),
    inner: [
      ...(section === undefined ? [] : [{ kind: 'SectionAttr', section_name: section }]),
      ...(body === undefined ? [] : [{ kind: 'CompoundStmt' }]),
    ],
  };
}

function place(begin: number, name: number, end: number): Pick<ClangNode, 'loc' | 'range'> {
  return {
    loc: { offset: name, tokLen: 0 },
    range: { begin: { offset: begin, tokLen: 0 }, end: { offset: end, tokLen: 0 } },
  };
}

function stringOf(tokens: readonly Token[]): string {
  if (tokens.length === 0 || !tokens.every(({ text }) => /^"[^"\\]*"$/.test(text)))
    throw new Unsure('the name of a section');
  return tokens.map(({ text }) => text.slice(1, -1)).join('');
}
