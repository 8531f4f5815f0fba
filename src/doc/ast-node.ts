/**
 * One node of clang's JSON syntax tree, kept as the bytes that clang printed and parsed only as far as somebody asks: the head
 * (everything but `inner`), the list of children, or the whole tree. A function body is easily a hundred times its head, and
 * most bodies are of no interest here.
 *
 * The layout relied on is LLVM's pretty printer: two blanks a level, one attribute a line. It is the same in clang 14 to 19.
 */

/** A place in a file. clang leaves out `file` and `line` when they are those of the place printed before it. */
export interface ClangPlace {
  readonly offset?: number;
  readonly file?: string;
  readonly line?: number;
  readonly tokLen?: number;
}

/** Where something is: a plain place, or two of them when it came out of a macro. */
export interface ClangLocation extends ClangPlace {
  readonly spellingLoc?: ClangPlace;
  readonly expansionLoc?: ClangPlace;
}

export interface ClangType {
  readonly qualType?: string;
  readonly desugaredQualType?: string;
}

/** What another node refers to. */
export interface ClangReference {
  readonly id?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly type?: ClangType;
}

/** The attributes that this folder uses. All are optional: clang prints an attribute only where it applies. */
export interface ClangNode {
  readonly id?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly loc?: ClangLocation;
  readonly range?: { readonly begin?: ClangLocation; readonly end?: ClangLocation };
  readonly type?: ClangType;
  readonly argType?: ClangType;
  readonly tagUsed?: string;
  readonly completeDefinition?: boolean;
  readonly isImplicit?: boolean;
  readonly isUsed?: boolean;
  readonly isReferenced?: boolean;
  readonly storageClass?: string;
  readonly opcode?: string;
  /** Of expressions only. */
  readonly valueCategory?: string;
  readonly section_name?: string;
  readonly init?: string;
  readonly referencedDecl?: ClangReference;
  readonly ownedTagDecl?: ClangReference;
  readonly decl?: ClangReference;
  readonly inner?: readonly ClangNode[];
}

/** Byte offsets in the file that a declaration stands in; for what a macro made, of the macro's use. */
export interface Extent {
  readonly begin: number;
  /** Of the declared name; of the macro when that makes the name. */
  readonly name: number;
  /** First byte behind the last token. */
  readonly end: number;
}

/** A declaration of the user's files: out of clang's AST, or in its shape read off the text (outline/). */
export interface TopNode {
  readonly kind: string;
  readonly name: string | undefined;
  /** The file as clang named it on its command line or found it through an `#include`. */
  readonly file: string;
  /** The node without its children. */
  readonly head: ClangNode;
  /** The node with all that is below it. */
  readonly tree: ClangNode;
  children(): readonly TopNode[];
}

const KIND = '"kind": "';

export class AstNode implements TopNode {
  readonly kind: string;
  readonly file: string;
  readonly #bytes: Buffer;
  readonly #indent: number;
  #head: ClangNode | undefined;
  #tree: ClangNode | undefined;

  /** @param bytes  the node's text from `{` to `}`   @param indent  blanks before its closing brace */
  constructor(bytes: Buffer, indent: number, file: string) {
    this.#bytes = bytes;
    this.#indent = indent;
    this.file = file;
    const at = bytes.indexOf(KIND) + KIND.length;
    this.kind = bytes.toString('latin1', at, bytes.indexOf('"', at));
  }

  get head(): ClangNode {
    if (this.#head === undefined) {
      const inner = this.#innerStart();
      // What stands before `inner` ends in a comma; an empty attribute makes the rest a valid object.
      const text = inner < 0 ? this.#bytes.toString() : `${this.#bytes.toString('utf8', 0, inner)}"inner":[]}`;
      this.#head = JSON.parse(text) as ClangNode;
    }
    return this.#head;
  }

  get tree(): ClangNode {
    this.#tree ??= JSON.parse(this.#bytes.toString()) as ClangNode;
    return this.#tree;
  }

  get name(): string | undefined {
    return this.head.name;
  }

  /** Each as lazy as this node. */
  children(): AstNode[] {
    const inner = this.#innerStart();
    if (inner < 0) return [];
    const indent = this.#indent + 4;
    return splitNodes(this.#bytes, inner, indent).map(
      ({ start, end }) => new AstNode(this.#bytes.subarray(start, end), indent, this.file),
    );
  }

  /** Names of the functions and file-level variables that the code below this node refers to. */
  referencedNames(): Set<string> {
    const names = new Set<string>();
    const needle = '"referencedDecl": {';
    for (let at = this.#bytes.indexOf(needle); at >= 0; at = this.#bytes.indexOf(needle, at)) {
      at += needle.length;
      // The reference starts with id, kind and name, one a line, and its own type follows.
      const head = this.#bytes.toString('latin1', at, at + 400);
      const name = /"kind": "(?:FunctionDecl|VarDecl)",\s+"name": "([^"]*)"/.exec(head);
      if (name !== null) names.add(name[1]!);
    }
    return names;
  }

  #innerStart(): number {
    return this.#bytes.indexOf(`\n${' '.repeat(this.#indent + 2)}"inner": [`);
  }
}

/** Where the nodes of one list stand: each begins with a lone `{` and ends with the next `}` at `indent` blanks. */
export function splitNodes(bytes: Buffer, from: number, indent: number): { start: number; end: number }[] {
  const nodes: { start: number; end: number }[] = [];
  const open = Buffer.from(`\n${' '.repeat(indent)}{\n`);
  const close = Buffer.from(`\n${' '.repeat(indent)}}`);
  for (let at = bytes.indexOf(open, from); at >= 0; at = bytes.indexOf(open, at)) {
    const end = bytes.indexOf(close, at + open.length - 1);
    if (end < 0) break;
    nodes.push({ start: at + open.length - 2, end: end + close.length });
    at = end + close.length;
  }
  return nodes;
}

/** The place in the file that a reader would point at: for what came out of a macro, the macro's use. */
export function placeOf(location: ClangLocation | undefined): ClangPlace | undefined {
  const place = location?.expansionLoc ?? location;
  return place?.offset === undefined ? undefined : place;
}

/** Where a declaration stands, or `undefined` for one that the compiler made up. */
export function extentOf(node: ClangNode): Extent | undefined {
  const name = placeOf(node.loc)?.offset;
  if (name === undefined) return undefined;
  const end = placeOf(node.range?.end);
  return {
    begin: Math.min(placeOf(node.range?.begin)?.offset ?? name, name),
    name,
    end: end === undefined ? name : end.offset! + (end.tokLen ?? 0),
  };
}
