/**
 * A reader of plain command lines for the case that matters most: the same build again, where loading yargs would take longer than all
 * the rest. It goes by the table of options, and gives up on whatever is not plain: subcommands, joined short options, mistakes. Then
 * yargs reads the line, and says what is wrong with it.
 */
import { joinCflags } from './argv.ts';
import { COMPILE_OPTIONS, type CompileArguments } from './compile-options.ts';

interface Option {
  readonly type: 'boolean' | 'string';
  readonly alias?: string;
  readonly array?: boolean;
  readonly choices?: readonly string[];
}

/** What yargs would make of the words, or `undefined` when they are not plain. */
export function readPlainArgv(argv: readonly string[]): CompileArguments | undefined {
  const files: string[] = [];
  const values = new Map<string, boolean | string | string[]>();
  const words = joinCflags(argv);
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (!word.startsWith('-')) {
      // no subcommand is called like a source
      if (!/\.[ch]$/.test(word)) return undefined;
      files.push(word);
      continue;
    }
    const [, dashes, name, joined] = /^(--?)([a-z][a-z-]*)(?:=(.*))?$/s.exec(word) ?? [];
    const found = name === undefined ? undefined : findOption(name, dashes === '--');
    if (found === undefined) return undefined;
    const { key, option } = found;
    if (values.has(key) && option.array !== true) return undefined;
    const next = words[i + 1];
    if (option.type === 'boolean') {
      if (joined !== undefined || next === 'true' || next === 'false') return undefined;
      values.set(key, true);
      continue;
    }
    const value = joined ?? next;
    if (joined === undefined) i++;
    // values that yargs treats in ways of its own
    if (value === undefined) return undefined;
    const isPlain = !/^$|^-|^["']/.test(value);
    const isFlag = key === 'additional-cflags' && value.startsWith('-');
    if (!isPlain && !isFlag && !(key === 'timings' && value === '')) return undefined;
    if (option.choices?.includes(value) === false) return undefined;
    if (option.array !== true) values.set(key, value);
    else values.set(key, [...((values.get(key) as string[] | undefined) ?? []), value]);
  }
  return files.length === 0 ? undefined : { ...Object.fromEntries(values), files };
}

/**
 * Which kernel an `ecc vmlinux` that says no more than that is about; `undefined` for any other command line. What yargs has to say takes
 * a third of the time that the header takes.
 */
export function readPlainVmlinux(argv: readonly string[]): { readonly vmlinux: string | undefined } | undefined {
  const [command, option, value, ...others] = argv;
  if (command !== 'vmlinux' || others.length > 0) return undefined;
  if (option === undefined) return { vmlinux: undefined };
  const isPlain = (option === '--btf' || option === '--vmlinux') && value !== undefined && /^[^-"']/.test(value);
  return isPlain ? { vmlinux: value } : undefined;
}

function findOption(name: string, long: boolean): { readonly key: string; readonly option: Option } | undefined {
  for (const [key, option] of Object.entries<Option>(COMPILE_OPTIONS)) {
    if (long ? key === name : option.alias === name) return { key, option };
  }
  return undefined;
}
