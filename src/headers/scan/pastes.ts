/**
 * Names that a macro pastes together out of its arguments: `bpf_for_each(task, t)` calls `bpf_iter_task_new`. Looked for where a
 * file uses such a macro directly; what takes several macros to build stays unseen here and is found after the compile.
 */

/** A function-like macro with `##` in it. */
export interface PasteMacro {
  readonly name: string;
  readonly params: readonly string[];
  /** What is pasted: each a list of words, parameters among them. */
  readonly pastes: readonly (readonly string[])[];
}

const WORD = '[A-Za-z_$][\\w$]*';
const PASTE = new RegExp(`${WORD}(?:\\s*##\\s*${WORD})+`, 'g');
const FUNCTION_MACRO = new RegExp(`^(${WORD})\\(([^)]*)\\)(.*)$`, 's');
/** An argument list is not looked at beyond so many characters. */
const LONGEST_ARGUMENTS = 400;

/** Reads what stands behind `#define`; `undefined` for a macro that pastes no words. */
export function parsePasteMacro(definition: string): PasteMacro | undefined {
  if (!definition.includes('##')) return undefined;
  const [, name, params, body] = FUNCTION_MACRO.exec(definition) ?? [];
  if (name === undefined) return undefined;
  const pastes = [...body!.matchAll(PASTE)].map(([text]) => text.split('##').map((word) => word.trim()));
  if (pastes.length === 0) return undefined;
  return { name, params: params!.split(',').map((param) => param.trim().replace(/\.\.\.$/, '')), pastes };
}

/** The names that the uses of a macro in a text make. */
export function* pastedNames(text: string, macro: PasteMacro): Generator<string> {
  const use = new RegExp(`\\b${macro.name.replaceAll('$', '\\$')}[ \\t]*\\(`, 'g');
  for (let match = use.exec(text); match !== null; match = use.exec(text)) {
    const args = splitArguments(text, use.lastIndex);
    const values = new Map(macro.params.map((param, i) => [param, args[i] ?? '']));
    for (const words of macro.pastes) {
      const name = words.map((word) => values.get(word) ?? word).join('');
      if (/^[A-Za-z_$][\w$]*$/.test(name)) yield name;
    }
  }
}

/** The arguments of a macro, from behind the parenthesis that opens them. */
function splitArguments(text: string, start: number): string[] {
  const end = Math.min(text.length, start + LONGEST_ARGUMENTS);
  const args: string[] = [];
  let depth = 0;
  let from = start;
  for (let at = start; at < end; at++) {
    const char = text[at];
    if (char === '(') depth++;
    else if ((char === ',' || char === ')') && depth === 0) {
      args.push(text.slice(from, at).trim());
      from = at + 1;
      if (char === ')') break;
    } else if (char === ')') depth--;
  }
  return args;
}
