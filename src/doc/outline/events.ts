/**
 * Events in the forms in which nearly all programs send them:
 *
 *     struct event *e = bpf_ringbuf_reserve(&rb, sizeof(*e), 0);
 *     bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &event, sizeof(event));
 *
 * with a local variable or a parameter of a struct with a tag. ../event-types.ts, which looks at clang's AST, knows all the others.
 */
import { DYNPTR_HELPER, type EventType, firstOfEach, HELPERS, type Helper } from '../event-types.ts';
import type { SourceTexts } from '../source-texts.ts';
import type { FunctionTokens } from './declarations.ts';
import type { Macros } from './macros.ts';
import { isDirective, isWord, type Token, Unsure } from './tokens.ts';

/** Words that may stand before a name without declaring it. */
const NO_TYPES = new Set([
  'struct',
  'union',
  'enum',
  'return',
  'else',
  'do',
  'goto',
  'case',
  'sizeof',
  'break',
  'continue',
  'default',
]);

export class EventReader {
  readonly #macros: Macros;
  readonly #texts: SourceTexts;
  readonly #events: EventType[] = [];
  /** All that stand in brackets, where functions are called, under no condition. */
  readonly #words = new Set<string>();
  /** How often the helpers are named. */
  #calls = 0;
  readonly #statics: string[] = [];

  constructor(macros: Macros, texts: SourceTexts) {
    this.#macros = macros;
    this.#texts = texts;
  }

  /** @param conditions  how many `#if` all of the file is under */
  addTokens(tokens: readonly Token[], conditions: number): void {
    for (const token of tokens) {
      if (isWord(token) && token.inside >= 0) {
        if (token.conditions === conditions) this.#words.add(token.text);
        if (HELPERS.some(({ name }) => name === token.text)) this.#calls++;
      } else if (isDirective(token) && HELPERS.some(({ name }) => token.text.includes(name)))
        throw new Unsure(token.text);
    }
  }

  /** The events that a function sends. */
  addFunction(
    file: string,
    tokens: readonly Token[],
    { name, isStatic, first, bodyEnd }: FunctionTokens,
    conditions: number,
  ): void {
    const body = new Body(tokens, first, bodyEnd, this.#macros);
    for (let at = first; at < bodyEnd; at++) {
      const { text, start } = tokens[at]!;
      if (text === DYNPTR_HELPER) throw new Unsure(text);
      const helper = HELPERS.find((one) => one.name === text);
      if (helper === undefined) continue;
      if (tokens[at]!.conditions > conditions) throw new Unsure('an event under a condition');
      const { map, struct } = body.send(at, helper);
      this.#events.push({
        map,
        type: { kind: 'struct', name: struct },
        helper: helper.name,
        file,
        line: this.#texts.get(file)!.positionOf(start).line,
        writable: true,
      });
      if (isStatic) this.#statics.push(name);
    }
  }

  /** @param variables  names of those at file scope */
  finish(variables: ReadonlySet<string>): EventType[] {
    if (this.#calls !== this.#events.length) throw new Unsure('a helper that is not called in a function');
    // a function that nobody calls is not compiled
    for (const name of this.#statics) if (!this.#words.has(name)) throw new Unsure(`${name} is not used`);
    for (const { map } of this.#events)
      if (map !== undefined && !variables.has(map)) throw new Unsure(`${map} is not a map of the program`);
    return firstOfEach(this.#events);
  }
}

/** One function, from its parameters on. */
class Body {
  readonly #tokens: readonly Token[];
  readonly #first: number;
  readonly #end: number;
  readonly #macros: Macros;

  constructor(tokens: readonly Token[], first: number, end: number, macros: Macros) {
    this.#tokens = tokens;
    this.#first = first;
    this.#end = end;
    this.#macros = macros;
  }

  /** Which struct the call of a helper at `at` sends to which map. */
  send(at: number, { map, data, size }: Helper): { readonly map: string | undefined; readonly struct: string } {
    const args = this.#arguments(at + 1);
    const variable = data === 'result' ? this.#assigned(at) : this.#pointer(args[data]);
    const { struct, isPointer } = this.#local(variable.name);
    if (isPointer === variable.isAddress) throw new Unsure(`${variable.name} is not the event`);
    this.#checkSize(args[size], variable.name, struct, isPointer);
    return { map: map === undefined ? undefined : this.#map(args[map]), struct };
  }

  /** The tokens of each argument of a call. */
  #arguments(open: number): Token[][] {
    if (this.#tokens[open]?.text !== '(') throw new Unsure('a helper that is not called');
    const args: Token[][] = [[]];
    for (let at = open + 1; at < this.#tokens[open]!.match; at++) {
      const token = this.#tokens[at]!;
      if (token.text === ',' && token.inside === open) args.push([]);
      else args.at(-1)!.push(token);
    }
    return args;
  }

  /** `e = helper(…);`, also with a declaration or in a condition. */
  #assigned(call: number): { readonly name: string; readonly isAddress: boolean } {
    const [before, name, equals] = this.#tokens.slice(call - 3, call);
    const behind = this.#tokens[this.#tokens[call + 1]!.match + 1]!;
    const isStatement = before !== undefined && [';', '{', '}', ')', '(', '*'].includes(before.text);
    if (!isStatement || equals?.text !== '=' || ![';', ')'].includes(behind.text))
      throw new Unsure('what is made of an event');
    return { name: this.#word(name), isAddress: false };
  }

  #pointer(argument: readonly Token[] | undefined): { readonly name: string; readonly isAddress: boolean } {
    const isAddress = argument?.[0]?.text === '&';
    const [name, ...rest] = argument?.slice(isAddress ? 1 : 0) ?? [];
    if (rest.length > 0) throw new Unsure('an event that is no variable');
    return { name: this.#word(name), isAddress };
  }

  #map(argument: readonly Token[] | undefined): string {
    const [and, name, ...rest] = argument ?? [];
    if (and?.text !== '&' || rest.length > 0) throw new Unsure('a map that is chosen');
    const map = this.#word(name);
    if (this.#declarations(map).length > 0) throw new Unsure(`${map} is a local variable`);
    return map;
  }

  /** `sizeof(*e)`, `sizeof(event)`, `sizeof(struct event)`, also without parentheses. */
  #checkSize(argument: readonly Token[] | undefined, name: string, struct: string, isPointer: boolean): void {
    const words = (argument ?? []).map(({ text }) => text);
    const [sizeOf, ...rest] = words;
    const operand = rest[0] === '(' && rest.at(-1) === ')' ? rest.slice(1, -1) : rest;
    const written = operand.join(' ');
    if (sizeOf !== 'sizeof' || (written !== (isPointer ? `* ${name}` : name) && written !== `struct ${struct}`))
      throw new Unsure('the size of an event');
  }

  /** The struct that a local variable or parameter is, or points to. */
  #local(name: string): { readonly struct: string; readonly isPointer: boolean } {
    const [at, ...others] = this.#declarations(name);
    if (at === undefined || others.length > 0) throw new Unsure(`${name} is not declared once`);
    if (this.#tokens[at]!.conditions > this.#tokens[this.#first]!.conditions)
      throw new Unsure('a declaration under a condition');
    const isPointer = this.#tokens[at - 1]!.text === '*';
    const tag = at - (isPointer ? 2 : 1);
    const struct = this.#word(this.#tokens[tag]);
    const behind = this.#tokens[at + 1]!.text;
    if (this.#tokens[tag - 1]?.text !== 'struct' || ![';', '=', ',', ')'].includes(behind))
      throw new Unsure(`the type of ${name}`);
    return { struct, isPointer };
  }

  /** Where a name is declared, or may be: behind the name of a type, or in a list of such names. */
  #declarations(name: string): number[] {
    const found: number[] = [];
    for (let at = this.#first; at < this.#end; at++)
      if (this.#tokens[at]!.text === name && this.#mayDeclare(at)) found.push(at);
    return found;
  }

  #mayDeclare(at: number): boolean {
    let before = at - 1;
    while (this.#tokens[before]!.text === '*' || this.#tokens[before]!.text === 'const') before--;
    const { text } = this.#tokens[before]!;
    if (isWord(this.#tokens[before])) return !NO_TYPES.has(text);
    if (text !== ',') return false;
    // not in a call's arguments, nor in an initial value
    const open = this.#tokens[this.#tokens[at]!.inside];
    const isLoop = open?.text === '(' && this.#tokens[this.#tokens[at]!.inside - 1]?.text === 'for';
    return isLoop || open?.text === '{';
  }

  #word(token: Token | undefined): string {
    if (!isWord(token) || this.#macros.has(token!.text)) throw new Unsure(token?.text ?? 'nothing');
    return token!.text;
  }
}
