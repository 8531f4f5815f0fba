/**
 * The command line as yargs reads it: one command a file in `commands/`, and what is said when it cannot be read. Loaded only for lines
 * that need it.
 */
import yargs, { type CommandModule } from 'yargs';
import { UsageError } from '../core/errors.ts';
import { VERSION } from '../core/version.ts';
import { PARSER_SETTINGS, showDashes } from './argv.ts';
import { cache } from './commands/cache.ts';
import { check } from './commands/check.ts';
import { clangd } from './commands/clangd.ts';
import { compile } from './commands/compile.ts';
import { doctor } from './commands/doctor.ts';
import { inspect } from './commands/inspect.ts';
import { run } from './commands/run.ts';
import { types } from './commands/types.ts';
import { unpack } from './commands/unpack.ts';
import { verify } from './commands/verify.ts';
import { vmlinux } from './commands/vmlinux.ts';

/** In the order of the help. */
const COMMANDS = [compile, run, check, types, inspect, unpack, verify, vmlinux, clangd, cache, doctor] as const;

export function parser(argv: readonly string[]) {
  const line = yargs([...argv])
    .scriptName('ecc')
    .parserConfiguration(PARSER_SETTINGS);
  for (const command of COMMANDS) line.command(command as CommandModule);
  return line
    .completion('completion', 'Print the completion script for bash or zsh')
    .option('debug', { type: 'boolean', describe: 'Show stack traces', global: true, hidden: true })
    .version('version', 'Show the version', `ecc ${VERSION}`)
    .alias('version', 'V')
    .help('help', 'Show help')
    .alias('help', 'h')
    .strict()
    .middleware(showDashes)
    .check(checkRepeated, true)
    .wrap(Math.min(110, process.stdout.columns ?? 110))
    .exitProcess(false)
    .fail((message: string | null, error: unknown, instance) => {
      throw usageError(message, error, argv, knownOptions(instance));
    });
}

/** What yargs finds wrong, in our words; errors of ours pass. */
function usageError(
  message: string | null,
  error: unknown,
  argv: readonly string[],
  known: ReadonlySet<string>,
): unknown {
  const ofYargs = error instanceof Error && error.name === 'YError';
  if (error !== undefined && error !== null && !ofYargs) return error;
  const text = message ?? (ofYargs ? error.message : 'the command line is not understood');
  const unknown = argv.find(
    (word) =>
      /^--?[a-z]/i.test(word) && !known.has(word.replace(/^--?/, '').replace(/=.*/s, '')) && !/^-[a-z]./i.test(word),
  );
  const value = /^Not enough arguments following: (.+)$/.exec(text)?.[1];
  const missing = /^Not enough non-option arguments/.test(text);
  const what =
    value !== undefined
      ? `${value.length === 1 ? '-' : '--'}${value}: a value is expected`
      : missing && unknown !== undefined
        ? `unknown option ${unknown}`
        : missing
          ? (missingOf(argv[0]) ?? 'no source or file is given')
          : text;
  return new UsageError('USAGE', what, { hint: 'ecc --help shows what can be given' });
}

/** What a subcommand takes. */
function missingOf(name: string | undefined): string | undefined {
  const usage = COMMANDS.flatMap(({ command }) => command ?? []).find((text) => text.split(' ')[0] === name);
  return usage === undefined ? undefined : `ecc ${usage} is expected`;
}

/** Names that the options of the running command have, without dashes. yargs does not type this. */
function knownOptions(instance: object): ReadonlySet<string> {
  const options = (
    instance as { getOptions?: () => { key: Record<string, unknown>; alias: Record<string, string[]> } }
  ).getOptions?.();
  if (options === undefined) return new Set();
  return new Set([
    ...Object.keys(options.key),
    ...Object.entries(options.alias).flatMap(([name, aliases]) => [name, ...aliases]),
  ]);
}

/** Options that take one value, given twice, are a slip: which of the two is meant? */
const LISTS = new Set(['_', '--', 'files', 'sources', 'args', 'additional-cflags', 'a', 'type', 't', 'attach']);

function checkRepeated(argv: Readonly<Record<string, unknown>>): true {
  for (const [name, value] of Object.entries(argv)) {
    if (!Array.isArray(value) || LISTS.has(name) || /[A-Z]/.test(name)) continue;
    throw new UsageError(
      'USAGE_REPEATED',
      `${name.length === 1 ? '-' : '--'}${name} is given ${value.length} times, and takes one value`,
    );
  }
  return true;
}
