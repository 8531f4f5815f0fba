/**
 * A program's global variables as command-line options: names, defaults, help and short forms from the doc comments that the
 * package carries. Every scalar type, enums and strings; values are checked against the C type before anything is loaded.
 */
import { Kind, type TypeId } from '../btf/kinds.ts';
import { resolve } from '../btf/layout.ts';
import type { Btf } from '../btf/table.ts';
import { UsageError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import type { BpfObject as ObjectModel } from '../object/model.ts';
import type { PackageMeta } from '../package/schema.ts';
import { globalVariables } from './globals.ts';

/** What a variable holds, as far as a command line can say it. */
type Scalar =
  | { readonly kind: 'bool' }
  | { readonly kind: 'int'; readonly bits: number; readonly signed: boolean }
  | { readonly kind: 'float'; readonly bits: number }
  | {
      readonly kind: 'enum';
      readonly values: ReadonlyMap<string, bigint>;
      readonly wide: boolean;
      readonly bits: number;
      readonly signed: boolean;
    }
  | { readonly kind: 'string'; readonly bytes: number };

export interface ProgramOption {
  /** Of the variable. */
  readonly variable: string;
  /** Without dashes. */
  readonly long: string;
  /** One character. */
  readonly short: string | undefined;
  readonly help: string;
  /** As the doc comment has it; `undefined`: what the object starts with. */
  readonly default: unknown;
  readonly scalar: Scalar;
}

/** Options that every program has. */
const RESERVED_LONG = new Set(['help', 'version', 'verbose']);
const RESERVED_SHORT = new Set(['h', 'V']);
const BOOL = 4;
const SIGNED = 1;

/** The options of a package, in the order of its data sections. Variables that a command line cannot say (structs, pointers) have none. */
export function programOptions(model: ObjectModel, meta: PackageMeta | undefined): ProgramOption[] {
  const { btf } = model;
  if (btf === undefined) return [];
  const docs = new Map(
    (meta?.bpf_skel.data_sections ?? []).flatMap(({ variables }) => variables.map((one) => [one.name, one] as const)),
  );
  const longs = new Set(RESERVED_LONG);
  const shorts = new Set(RESERVED_SHORT);
  const options: ProgramOption[] = [];
  for (const { name, variable, section } of globalVariables(model).values()) {
    if (name.startsWith('__eunomia_dummy')) continue;
    const scalar = scalarOf(btf, variable.typeId, variable.size);
    if (scalar === undefined) continue;
    const doc = docs.get(name);
    const { long, short, help, default: fallback } = doc?.cmdarg ?? {};
    // a name that is taken leaves the option its variable's name, or none
    const chosen = [long ?? name, name].find((one) => !longs.has(one));
    if (chosen === undefined) continue;
    longs.add(chosen);
    const letter = typeof short === 'string' && [...short].length === 1 && !shorts.has(short) ? short : undefined;
    if (letter !== undefined) shorts.add(letter);
    options.push({
      variable: name,
      long: chosen,
      short: letter,
      help:
        help ??
        (typeof doc?.description === 'string' ? doc.description : `${describe(scalar)} (${section.name} variable)`),
      default: fallback ?? doc?.value ?? undefined,
      scalar,
    });
  }
  return options;
}

function scalarOf(btf: Btf, typeId: TypeId, size: number): Scalar | undefined {
  const id = resolve(btf, typeId);
  const bits = size * 8;
  switch (btf.kind(id)) {
    case Kind.int: {
      const { encoding } = btf.int(id);
      if ((encoding & BOOL) !== 0) return { kind: 'bool' };
      return { kind: 'int', bits, signed: (encoding & SIGNED) !== 0 };
    }
    case Kind.float:
      return size === 4 || size === 8 ? { kind: 'float', bits } : undefined;
    case Kind.enum:
    case Kind.enum64: {
      const values = new Map<string, bigint>();
      for (let i = 0; i < btf.vlen(id); i++) values.set(btf.enumeratorName(id, i), btf.enumeratorValue(id, i));
      return { kind: 'enum', values, bits, signed: btf.kindFlag(id), wide: btf.kind(id) === Kind.enum64 };
    }
    case Kind.array: {
      const element = resolve(btf, btf.arrayElement(id));
      const isChar =
        btf.kind(element) === Kind.int && btf.recordedSize(element) === 1 && /\bchar$/.test(btf.name(element));
      return isChar ? { kind: 'string', bytes: btf.arrayLength(id) } : undefined;
    }
    default:
      return undefined;
  }
}

function describe(scalar: Scalar): string {
  switch (scalar.kind) {
    case 'bool':
      return 'flag';
    case 'int':
      return `${scalar.bits}-bit ${scalar.signed ? 'signed' : 'unsigned'} number`;
    case 'float':
      return 'number';
    case 'enum':
      return `one of ${[...scalar.values.keys()].join(', ')}`;
    default:
      return `text of at most ${scalar.bytes - 1} bytes`;
  }
}

/** What a command line says. */
export interface ParsedOptions {
  readonly help: boolean;
  readonly version: boolean;
  readonly verbose: boolean;
  /** For the codecs, by variable: defaults of the doc comments, then what was given. */
  readonly values: ReadonlyMap<string, unknown>;
  /** Words that are no options of the program, in order. */
  readonly rest: readonly string[];
}

export interface ParseOptions {
  /** Options (with dashes) that somebody else takes, with the number of values that follow. */
  readonly foreign?: ReadonlyMap<string, number>;
}

/**
 * Reads the program's part of a command line: `--pid 7`, `--pid=7`, `-p 7`, `-p7`. A flag (bool) is `--name`, `--enable-name`,
 * `--disable-name`, `--name=false`.
 * @throws {UsageError} `USAGE_OPTION` for options that the program does not have, `USAGE_VALUE` for values that do not fit
 */
export function parseProgramOptions(
  options: readonly ProgramOption[],
  argv: readonly string[],
  { foreign }: ParseOptions = {},
): ParsedOptions {
  const values = new Map<string, unknown>();
  for (const option of options)
    if (option.default !== undefined)
      values.set(option.variable, parseValue(option, option.default, `default of --${option.long}`));
  const rest: string[] = [];
  const flags = { help: false, version: false, verbose: false };
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    const [name, inline] = splitWord(word);
    const known = findOption(options, name);
    if (known === undefined) {
      if (name === '--help' || name === '-h') flags.help = true;
      else if (name === '--version' || name === '-V') flags.version = true;
      else if (name === '--verbose') flags.verbose = true;
      else if (foreign?.has(name)) {
        rest.push(word);
        if (inline === undefined)
          for (let n = foreign.get(name)!; n > 0 && i + 1 < argv.length; n--) rest.push(argv[++i]!);
      } else throw unknownOption(options, word);
      continue;
    }
    const { option, flag } = known;
    if (flag !== undefined && inline === undefined) values.set(option.variable, flag);
    else if (option.scalar.kind === 'bool' && inline === undefined) values.set(option.variable, true);
    else {
      const value = inline ?? argv[++i];
      if (value === undefined)
        throw new UsageError('USAGE_VALUE', `${name} needs a value`, {
          details: { option: name },
          hint: describe(option.scalar),
        });
      values.set(option.variable, parseValue(option, value, name));
    }
  }
  return { ...flags, values, rest };
}

/** `--name=value` and `-nvalue` into their parts. */
function splitWord(word: string): [name: string, value: string | undefined] {
  if (word.startsWith('--')) {
    const equals = word.indexOf('=');
    return equals < 0 ? [word, undefined] : [word.slice(0, equals), word.slice(equals + 1)];
  }
  if (word.startsWith('-') && word.length > 2) return [word.slice(0, 2), word.slice(word[2] === '=' ? 3 : 2)];
  return [word, undefined];
}

function findOption(
  options: readonly ProgramOption[],
  name: string,
): { readonly option: ProgramOption; readonly flag: boolean | undefined } | undefined {
  if (name.startsWith('--')) {
    const long = name.slice(2);
    const option = options.find((one) => one.long === long);
    if (option !== undefined) return { option, flag: undefined };
    const match = /^(enable|disable|no)-(.+)$/.exec(long);
    const flag = options.find((one) => one.scalar.kind === 'bool' && one.long === match?.[2]);
    return flag === undefined ? undefined : { option: flag, flag: match![1] === 'enable' };
  }
  if (!name.startsWith('-')) return undefined;
  const option = options.find(({ short }) => short === name.slice(1));
  return option === undefined ? undefined : { option, flag: undefined };
}

function unknownOption(options: readonly ProgramOption[], word: string): UsageError {
  if (!word.startsWith('-'))
    return new UsageError('USAGE_OPTION', `${word}: the program takes options only, --NAME VALUE`, {
      details: { option: word, options: options.map(({ long }) => `--${long}`) },
    });
  const names = options.map(({ long }) => `--${long}`);
  const close = nearest(splitWord(word)[0], names, 1);
  return new UsageError('USAGE_OPTION', `the program has no option ${word}`, {
    details: { option: word, options: names },
    hint:
      close[0] !== undefined
        ? `did you mean ${close[0]}?`
        : names.length === 0
          ? 'it has no options'
          : `it has ${names.join(', ')}`,
  });
}

/** @param given  a word of the command line, or a default out of a package: a number, a string or a bool */
function parseValue(option: ProgramOption, given: unknown, name: string): unknown {
  const { scalar } = option;
  const text = String(given).trim();
  const bad = (why: string) =>
    new UsageError('USAGE_VALUE', `${name}: ${JSON.stringify(given)} ${why}`, {
      details: { option: option.long, variable: option.variable, value: String(given) },
      hint: `expected: ${describe(scalar)}`,
    });
  switch (scalar.kind) {
    case 'bool':
      if (/^(true|1|yes|on)$/i.test(text)) return true;
      if (/^(false|0|no|off)$/i.test(text)) return false;
      throw bad('is neither true nor false');
    case 'int':
      return fitted(integer(text) ?? characterCode(scalar.bits, text), scalar, bad);
    case 'float': {
      const value = text === '' ? Number.NaN : Number(text);
      if (Number.isNaN(value)) throw bad('is not a number');
      return value;
    }
    case 'enum': {
      const value = scalar.values.get(text) ?? integer(text);
      if (value === undefined) {
        const [close] = nearest(text, scalar.values.keys(), 1);
        throw bad(`is not a value of the enum${close === undefined ? '' : `, did you mean ${close}?`}`);
      }
      const number = fitted(value, scalar, bad);
      return scalar.wide ? BigInt(number) : number;
    }
    default: {
      const value = String(given);
      if (Buffer.byteLength(value) >= scalar.bytes) throw bad(`is too long: ${Buffer.byteLength(value)} bytes`);
      return value;
    }
  }
}

/** `char` variables take a letter as well as its number. */
function characterCode(bits: number, text: string): bigint | undefined {
  return bits === 8 && text.length === 1 ? BigInt(text.charCodeAt(0)) : undefined;
}

/** Decimal, hexadecimal, octal (`0o`), binary, with a sign and `_` between digits. */
function integer(text: string): bigint | undefined {
  const match = /^([+-]?)(0x[0-9a-f_]+|0o[0-7_]+|0b[01_]+|[0-9][0-9_]*)$/i.exec(text);
  if (match === null) return undefined;
  const value = BigInt(match[2]!.replaceAll('_', ''));
  return match[1] === '-' ? -value : value;
}

function fitted(
  value: bigint | undefined,
  { bits, signed }: { readonly bits: number; readonly signed: boolean },
  bad: (why: string) => UsageError,
): number | bigint {
  if (value === undefined) throw bad('is not a whole number');
  const low = signed ? -(1n << BigInt(bits - 1)) : 0n;
  const high = (1n << BigInt(signed ? bits - 1 : bits)) - 1n;
  if (value < low || value > high) throw bad(`is out of range: ${low} … ${high}`);
  return bits > 32 ? value : Number(value);
}

/** What `--help` prints. */
export function programHelp(name: string, options: readonly ProgramOption[], meta: PackageMeta | undefined): string {
  const doc = meta?.bpf_skel.doc;
  const brief = doc?.brief || doc?.description || 'A simple eBPF program';
  const rows = options.map((option): [string, string] => [usage(option), option.help + defaultText(option)]);
  rows.push(
    ['    --verbose', "Show libbpf's messages"],
    ['-h, --help', 'Show this'],
    ['-V, --version', 'Show the version'],
  );
  const width = Math.max(...rows.map(([left]) => left.length));
  const lines = rows.map(
    ([left, right]) => `  ${left.padEnd(width)}  ${right.replaceAll('\n', `\n${' '.repeat(width + 4)}`)}`,
  );
  const details = doc?.details ? `\n${doc.details}\n` : '';
  return `${brief}\n\nUsage: ${name} [options]\n\nOptions:\n${lines.join('\n')}\n${details}\nThose of ecc run itself: ecc run --help\n`;
}

function usage({ long, short, scalar }: ProgramOption): string {
  const letter = short === undefined ? '    ' : `-${short}, `;
  return scalar.kind === 'bool' ? `${letter}--${long}` : `${letter}--${long} <${valueName(scalar)}>`;
}

function valueName(scalar: Scalar): string {
  return scalar.kind === 'string' ? 'text' : scalar.kind === 'enum' ? 'name' : 'number';
}

function defaultText({ default: value, scalar }: ProgramOption): string {
  if (value === undefined) return scalar.kind === 'enum' ? ` [${[...scalar.values.keys()].join(', ')}]` : '';
  return ` [default: ${String(value)}]`;
}
