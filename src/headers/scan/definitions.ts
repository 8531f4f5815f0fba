/**
 * What a C file defines at file scope under names that the kernel may use as well: tags, enumerators, typedefs, variables,
 * functions. A kernel with all its modules has a `struct line`, an enumerator `active`; a program may have its own.
 *
 * Read off the tokens, without types: a name in front of `;`, `=`, `[`, `,`, `(` or `SEC` is taken for one that is declared. What
 * is taken wrongly is put right after the compile, see ../session.ts.
 */

/** What kind of tag a program defines. */
export type OwnTag = 'struct' | 'union' | 'enum';

export interface Definitions {
  /** Tags with a body, and of what kind. */
  readonly tags: ReadonlyMap<string, OwnTag>;
  /** Typedefs, enumerators, variables and functions: what C keeps in one namespace. */
  readonly ordinary: ReadonlySet<string>;
}

const TOKEN =
  /\/\*.*?(?:\*\/|$)|\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?|([A-Za-z_$\u0080-\uffff][\w$\u0080-\uffff]*)|\.?\d(?:[eEpP][+-]|[\w.])*|([{}();=,[\]#*])/gs;
/** A directive up to the end of its line, or of the last one that it is continued on. */
const DIRECTIVE = /#[ \t]*([a-z]*)[ \t]*((?:\\\r?\n|[^\n])*)/y;
/** Conditions that hold in no BPF program that includes a kernel header, and their opposites. */
const NEVER = /^(?:if[ \t]+0|ifndef[ \t]+(?:__VMLINUX_H__|__bpf__|__BPF__)|ifdef[ \t]+(?:__cplusplus|__KERNEL__))\b/;
const ALWAYS = /^(?:if[ \t]+1|ifdef[ \t]+(?:__VMLINUX_H__|__bpf__|__BPF__)|ifndef[ \t]+(?:__cplusplus|__KERNEL__))\b/;

/** Finds the definitions of a file. Linear; never fails. */
export function findDefinitions(text: string): Definitions {
  const finder = new DefinitionFinder();
  const conditionals = new Conditionals();
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(text); match !== null; match = TOKEN.exec(text)) {
    if (match[2] === '#') {
      DIRECTIVE.lastIndex = match.index;
      const directive = DIRECTIVE.exec(text)!;
      conditionals.take(directive[1]!, directive[2]!);
      TOKEN.lastIndex = DIRECTIVE.lastIndex;
    } else if (conditionals.isActive) {
      if (match[1] !== undefined) finder.word(match[1]);
      else if (match[2] !== undefined) finder.punctuation(match[2]);
    }
  }
  return finder;
}

/** Which branches of conditionals count: all but those that are known not to be compiled. */
class Conditionals {
  /** By depth: whether the branch that is being read counts, and whether its condition always holds. */
  readonly #branches: { active: boolean; readonly always: boolean }[] = [];

  get isActive(): boolean {
    return this.#branches.every(({ active }) => active);
  }

  take(name: string, rest: string): void {
    switch (name) {
      case 'if':
      case 'ifdef':
      case 'ifndef': {
        const condition = `${name} ${rest}`;
        this.#branches.push({ active: !NEVER.test(condition), always: ALWAYS.test(condition) });
        break;
      }
      case 'elif':
      case 'else': {
        const branch = this.#branches.at(-1);
        if (branch !== undefined) branch.active = !branch.always;
        break;
      }
      case 'endif':
        this.#branches.pop();
        break;
      default:
        break;
    }
  }
}

class DefinitionFinder implements Definitions {
  readonly tags = new Map<string, OwnTag>();
  readonly ordinary = new Set<string>();
  #braces = 0;
  /** Of both kinds. */
  #parentheses = 0;
  /** Depth of braces at which the enumerators of the enum being read stand; 0 outside of one. */
  #enumDepth = 0;
  /** `struct`, `union` or `enum`, until its tag or body has come. */
  #keyword: OwnTag | undefined;
  /** The tag behind a keyword, until it is clear whether a body follows. */
  #tag: string | undefined;
  /** The last word, while nothing has come after it. */
  #word: string | undefined;
  /** Between `=` and the end of the declarator. */
  #isInitializer = false;
  /** A word before an opening parenthesis: a function, unless what follows makes it the result of a pointer to one. */
  #beforeParenthesis: string | undefined;
  /** An enumerator may come next. */
  #wantsEnumerator = false;
  /** A macro such as BPF_PROG was opened: its first argument is the name of a function. */
  #wantsFunctionName = false;

  word(word: string): void {
    this.#settleFunction(true);
    if (word === 'struct' || word === 'union' || word === 'enum') {
      // Nobody defines a type in a parameter list.
      if (this.#parentheses === 0) this.#keyword = word;
      this.#tag = undefined;
      this.#word = undefined;
      return;
    }
    if (this.#keyword !== undefined && this.#tag === undefined && this.#parentheses === 0) {
      // What an attribute in between brings is in parentheses; the last word before the body is the tag.
      this.#tag = word;
      this.#word = undefined;
      return;
    }
    if (this.#tag !== undefined && this.#parentheses === 0) {
      if (this.#tag.startsWith('__') && this.#keyword !== undefined) {
        this.#tag = word;
        return;
      }
      this.#keyword = undefined;
      this.#tag = undefined;
    }
    if (this.#wantsFunctionName) {
      this.ordinary.add(word);
      this.#wantsFunctionName = false;
    }
    if (this.#wantsEnumerator && this.#parentheses === 0) {
      this.ordinary.add(word);
      this.#wantsEnumerator = false;
    }
    if (word === 'SEC') this.#declare();
    this.#word = word;
  }

  punctuation(mark: string): void {
    this.#settleFunction(mark !== '*');
    switch (mark) {
      case '*':
        break;
      case '{':
        this.#openBrace();
        break;
      case '}':
        if (this.#braces === this.#enumDepth) this.#enumDepth = 0;
        if (this.#braces > 0) this.#braces--;
        if (this.#braces === 0) this.#parentheses = 0;
        this.#wantsEnumerator = false;
        break;
      case '(':
        if (this.#isFileScope()) this.#beforeParenthesis = this.#word;
        this.#wantsFunctionName = this.#isFileScope() && /^BPF_[A-Z0-9_]+$/.test(this.#word ?? '');
        this.#parentheses++;
        break;
      case '[':
        this.#declare();
        this.#parentheses++;
        break;
      case ']':
      case ')':
        if (this.#parentheses > 0) this.#parentheses--;
        this.#wantsFunctionName = false;
        break;
      case ',':
        this.#endDeclarator();
        this.#wantsFunctionName = false;
        this.#wantsEnumerator = this.#enumDepth > 0 && this.#braces === this.#enumDepth && this.#parentheses === 0;
        break;
      case ';':
        this.#endDeclarator();
        break;
      case '=':
        this.#declare();
        if (this.#braces === 0 && this.#parentheses === 0) this.#isInitializer = true;
        break;
      default:
        this.#declare();
        break;
    }
    // An attribute's parentheses may stand between the keyword and the tag.
    if (mark !== '(' && mark !== ')' && this.#parentheses === 0) {
      this.#keyword = undefined;
      this.#tag = undefined;
    }
    this.#word = undefined;
  }

  #settleFunction(isFunction: boolean): void {
    if (isFunction && this.#beforeParenthesis !== undefined) this.ordinary.add(this.#beforeParenthesis);
    this.#beforeParenthesis = undefined;
  }

  #openBrace(): void {
    if (this.#keyword !== undefined && this.#tag !== undefined && !this.tags.has(this.#tag))
      this.tags.set(this.#tag, this.#keyword);
    this.#braces++;
    if (this.#keyword === 'enum') {
      this.#enumDepth = this.#braces;
      this.#wantsEnumerator = true;
    }
  }

  #declare(): void {
    if (this.#word !== undefined && this.#isFileScope()) this.ordinary.add(this.#word);
  }

  #isFileScope(): boolean {
    return this.#braces === 0 && this.#parentheses === 0 && !this.#isInitializer;
  }

  #endDeclarator(): void {
    this.#declare();
    if (this.#braces === 0 && this.#parentheses === 0) this.#isInitializer = false;
  }
}
