/**
 * What the argument parser cannot know. `-a` takes a value that starts with a dash and may hold several flags, so it is joined to
 * its value before parsing and split as a shell splits words after.
 */
import { UsageError } from '../core/errors.ts';

/** `--no-generate-package-json` is a name, not a negation; arguments stay as they were written. */
export const PARSER_SETTINGS = {
  'boolean-negation': false,
  'parse-numbers': false,
  'parse-positional-numbers': false,
  'populate--': true,
} as const;

const LONG = '--additional-cflags';
const flag = (word: string) => `${LONG}=${word}`;

/**
 * Makes `--additional-cflags=WORD` of each word of each `-a VALUE`, so that a value with a leading dash stays a value. The words are split
 * here because the parser takes quotes off.
 */
export function joinCflags(argv: readonly string[]): string[] {
  const joined: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    // what follows are files, and the parser would not take them for those of a build; `run` hands them on
    if (word === '--' && argv[0] !== 'run')
      return [...joined, ...argv.slice(i + 1).map((file) => (file.startsWith('-') ? `./${file}` : file))];
    if (word === '--') return [...joined, ...argv.slice(i)];
    const short = /^-a(=?)(.+)$/s.exec(word);
    if (word === '-a' || word === LONG) {
      const value = argv[++i];
      if (value === undefined)
        throw new UsageError('USAGE_VALUE', `${word}: a value is expected`, {
          hint: 'for example: -a -DDEBUG  or  -a "-DA -DB"',
        });
      joined.push(...splitWords(value).map(flag));
    } else if (word.startsWith(`${LONG}=`)) joined.push(...splitWords(word.slice(LONG.length + 1)).map(flag));
    else if (short !== null) joined.push(...splitWords(short[2]!).map(flag));
    else joined.push(word);
  }
  return joined;
}

/**
 * Words as a POSIX shell splits them: blanks separate, quotes and backslashes protect; nothing is expanded.
 * @throws {UsageError} `USAGE_QUOTE` when a quote is left open.
 */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (quote === "'") {
      if (char === quote) quote = '';
      else word += char;
    } else if (char === '\\' && (quote === '' || /["\\$`\n]/.test(text[i + 1] ?? ''))) {
      i++;
      if (text[i] !== '\n') word = (word ?? '') + (text[i] ?? '\\');
    } else if (char === quote) {
      quote = '';
    } else if (quote === '' && (char === '"' || char === "'")) {
      quote = char;
      word ??= '';
    } else if (quote === '' && /\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + char;
    }
  }
  if (quote !== '')
    throw new UsageError('USAGE_QUOTE', `-a ${text}: the quote ${quote} is not closed`, {
      hint: `the shell takes quotes away, ecc needs its own: -a '-DX="y z"'`,
    });
  if (word !== undefined) words.push(word);
  return words;
}

/** Stands for `-`, of which the parser would make an empty string. No argument can hold it. */
const STANDARD_INPUT = '\0';

/** Words up to a `--` that are a lone dash, in a form that the parser leaves alone; {@link showDashes} undoes it. */
export function hideDashes(argv: readonly string[]): string[] {
  const end = argv.indexOf('--');
  return argv.map((word, index) => (word === '-' && (end < 0 || index < end) ? STANDARD_INPUT : word));
}

/** @param parsed  what the parser made of the words; changed in place */
export function showDashes(parsed: Record<string, unknown>): void {
  const shown = (value: unknown) => (value === STANDARD_INPUT ? '-' : value);
  for (const [name, value] of Object.entries(parsed))
    parsed[name] = Array.isArray(value) ? value.map(shown) : shown(value);
}

/** Options of `ecc run` that take a value; the package is the first word that is none of theirs. */
const RUN_VALUES = new Set(['--duration', '--max-events', '--attach', '--btf']);

/**
 * `ecc run` hands everything behind the package to the program, dashes or not: a `--` is put there, so that the parser does not look
 * at it.
 */
export function separateProgramArgs(argv: readonly string[]): string[] {
  if (argv[0] !== 'run') return [...argv];
  for (let i = 1; i < argv.length; i++) {
    const word = argv[i]!;
    if (word === '--') return [...argv];
    if (RUN_VALUES.has(word)) i++;
    else if (!word.startsWith('-') || word === '-') {
      const rest = argv.slice(i + 1);
      return rest.length === 0
        ? [...argv]
        : [...argv.slice(0, i + 1), '--', ...(rest[0] === '--' ? rest.slice(1) : rest)];
    }
  }
  return [...argv];
}
