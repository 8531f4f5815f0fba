/** Which words of a text are macros, as far as reading declarations goes: those of libbpf that everybody uses, and the program's own. */
import { Unsure } from './tokens.ts';

/** Attributes without arguments out of libbpf's headers and the kernel's; those with a section put things there. */
const ATTRIBUTES: ReadonlyMap<string, string | undefined> = new Map([
  ['__kconfig', '.kconfig'],
  ['__ksym', '.ksyms'],
  ...[
    '__always_inline',
    '__noinline',
    '__weak',
    '__hidden',
    '__kptr',
    '__kptr_ref',
    '__kptr_untrusted',
    '__percpu_kptr',
    '__uptr',
    '__arg_ctx',
    '__arg_nonnull',
    '__arg_nullable',
    '__arg_trusted',
    '__arg_untrusted',
    '__arg_arena',
  ].map((name): [string, undefined] => [name, undefined]),
]);

/** Macros of libbpf that make a function out of its name and parameters, and of the body that follows. */
export const PROGRAM_MACROS: ReadonlySet<string> = new Set([
  'BPF_PROG',
  'BPF_PROG2',
  'BPF_KPROBE',
  'BPF_KRETPROBE',
  'BPF_KPROBE_SYSCALL',
  'BPF_KSYSCALL',
  'BPF_UPROBE',
  'BPF_URETPROBE',
  'BPF_USDT',
]);

const DEFINE = /^#\s*define\s+([A-Za-z_$][\w$]*)(\(?)(.*)$/s;
const DEFINED = /#[ \t]*define[ \t]+(\w+)/g;
const PLAIN_ATTRIBUTE = /^\s*__attribute__\s*\(\((?!.*section)(?:[^()]|\([^()]*\))*\)\)\s*$/;

export class Macros {
  readonly #own = new Set<string>();
  readonly #attributes = new Set<string>();
  readonly #systemTexts: () => readonly string[];
  #ofSystem: ReadonlySet<string> | undefined;

  /** @param systemTexts  of the headers that are not the user's */
  constructor(systemTexts: () => readonly string[]) {
    this.#systemTexts = systemTexts;
  }

  add(name: string): void {
    this.#own.add(name);
  }

  has(name: string): boolean {
    return this.#own.has(name);
  }

  /** @throws {Unsure} on a macro that could end or begin more than it seems to */
  define(directive: string): void {
    const match = DEFINE.exec(directive);
    if (match === null) throw new Unsure(directive);
    const [, name, parenthesis, body] = match;
    let depth = 0;
    for (const [bracket] of `${parenthesis}${body}`.matchAll(/[(){}[\]]/g)) depth += '({['.includes(bracket) ? 1 : -1;
    if (depth !== 0) throw new Unsure(`${name} has brackets that do not pair up`);
    if (parenthesis === '' && PLAIN_ATTRIBUTE.test(body!) && !this.#own.has(name!)) this.#attributes.add(name!);
    else this.#attributes.delete(name!);
    this.#own.add(name!);
  }

  isAttribute(name: string): boolean {
    return this.#attributes.has(name) || (ATTRIBUTES.has(name) && !this.#own.has(name));
  }

  /** The section that an attribute puts things into. */
  sectionOf(attribute: string): string | undefined {
    return ATTRIBUTES.get(attribute);
  }

  /**
   * For a word that is taken for a type's name or a function's.
   * @throws {Unsure} it may be a macro
   */
  checkPlain(word: string): void {
    if (this.#own.has(word)) throw new Unsure(`${word} is a macro`);
    this.#ofSystem ??= new Set(
      this.#systemTexts().flatMap((text) => [...text.matchAll(DEFINED)].map((match) => match[1]!)),
    );
    if (this.#ofSystem.has(word)) throw new Unsure(`${word} is a macro of a header`);
  }
}
