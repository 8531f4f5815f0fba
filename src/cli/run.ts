/** `ecc run`: loads a package, shows its events until Ctrl-C, a count or a time ends it. Events go to standard output, the rest to standard error. */
import { ExitCode, inFile, UsageError } from '../core/errors.ts';
import { inputName } from '../core/read-input.ts';
import type { OpenedPackage } from '../runner/load.ts';
import type { OutputMode } from '../runner/output.ts';
import { interruptSignal } from './interrupt.ts';
import { checkBtfFile, openPackageInput } from './open-package.ts';

export interface RunFlags {
  /** JSON lines instead of tables. */
  readonly json?: boolean | undefined;
  /** Also show what the program prints with bpf_printk(). */
  readonly trace?: boolean | undefined;
  /** Seconds after which it ends. */
  readonly duration?: number | undefined;
  /** Events after which it ends. */
  readonly maxEvents?: number | undefined;
  /** `PROG=TARGET`; `PROG=none`: do not attach it. */
  readonly attach?: readonly string[] | undefined;
  /** BTF of the running kernel. */
  readonly btf?: string | undefined;
  /** Show libbpf's messages. */
  readonly verbose?: boolean | undefined;
  /** Print the verifier's whole log when it refuses a program. */
  readonly verifierLog?: boolean | undefined;
}

/** Flags of ours that may also stand behind the package, unless the program has an option of that name. */
const FLAGS: ReadonlyMap<string, number> = new Map([
  ['--json', 0],
  ['-j', 0],
  ['-v', 0],
  ['--trace', 0],
  ['--verifier-log', 0],
  ['--duration', 1],
  ['--max-events', 1],
  ['--attach', 1],
  ['--btf', 1],
]);

/**
 * @param packagePath  package (JSON, YAML, tar), object, or source; `-` for a package on standard input
 * @param programArgs  the words behind it
 * @returns the exit status: 0, also after Ctrl-C
 */
export async function run(packagePath: string, programArgs: readonly string[], flags: RunFlags = {}): Promise<number> {
  const { parseProgramOptions, programHelp, programOptions } = await import('../runner/options.ts');
  const { opened, kernelBtf } = await openPackageInput(packagePath);
  const options = programOptions(opened.model, opened.meta);
  const parsed = parseProgramOptions(options, programArgs, { foreign: FLAGS });
  if (parsed.help) {
    process.stdout.write(programHelp(`ecc run ${packagePath}`, options, opened.meta));
    return ExitCode.ok;
  }
  if (parsed.version) {
    process.stdout.write(`${opened.meta?.bpf_skel.doc?.version || '0.1.0'}\n`);
    return ExitCode.ok;
  }
  const all = mergeFlags(flags, parsed.rest, parsed.verbose);
  if (all.btf !== undefined) await checkBtfFile(all.btf);
  return inFile(inputName(packagePath), () => runOpened(opened, all, parsed.values, all.btf ?? kernelBtf));
}

function mergeFlags(flags: RunFlags, words: readonly string[], verbose: boolean): RunFlags {
  const merged: { -readonly [K in keyof RunFlags]: RunFlags[K] } = {
    ...flags,
    verbose: flags.verbose === true || verbose,
  };
  const attach = [...(flags.attach ?? [])];
  for (let i = 0; i < words.length; i++) {
    const [name, inline] = words[i]!.split(/=(.*)/s);
    const value = () => {
      const found = inline ?? words[++i];
      if (found === undefined) throw new UsageError('USAGE_VALUE', `${name} needs a value`);
      return found;
    };
    const on = () => {
      if (inline === undefined || inline === 'true') return true;
      if (inline === 'false') return false;
      throw new UsageError('USAGE_VALUE', `${name}=${inline}: true or false is expected`);
    };
    switch (name) {
      case '--json':
      case '-j':
        merged.json = on();
        break;
      case '-v':
        merged.verbose = on();
        break;
      case '--trace':
        merged.trace = on();
        break;
      case '--verifier-log':
        merged.verifierLog = on();
        break;
      case '--duration':
        merged.duration = Number(value());
        break;
      case '--max-events':
        merged.maxEvents = Number(value());
        break;
      case '--btf':
        merged.btf = value();
        break;
      default:
        attach.push(value());
    }
  }
  if (merged.duration !== undefined && !(merged.duration > 0))
    throw new UsageError('USAGE_VALUE', '--duration: a number of seconds above 0 is expected');
  if (merged.maxEvents !== undefined && !(Number.isInteger(merged.maxEvents) && merged.maxEvents > 0))
    throw new UsageError('USAGE_VALUE', '--max-events: a whole number above 0 is expected');
  return { ...merged, attach };
}

function attachTargets(words: readonly string[]): Record<string, string | false> {
  const targets: Record<string, string | false> = Object.create(null);
  for (const word of words) {
    const equals = word.indexOf('=');
    if (equals < 1)
      throw new UsageError('USAGE_ATTACH', `--attach ${word}: PROGRAM=TARGET is expected`, {
        hint: 'such as --attach on_open=/bin/bash:readline, or --attach on_open=none to leave it out',
      });
    const target = word.slice(equals + 1);
    targets[word.slice(0, equals)] = target === 'none' ? false : target;
  }
  return targets;
}

async function runOpened(
  opened: OpenedPackage,
  flags: RunFlags,
  values: ReadonlyMap<string, unknown>,
  kernelBtf: string | undefined,
): Promise<number> {
  const { openNative } = await import('../runner/native.ts');
  const { LoadedPackage } = await import('../runner/load.ts');
  const { printPackage } = await import('../runner/output.ts');
  const { PrintLevel, withPrint } = await import('../runner/print.ts');
  const { VerifierError } = await import('../runner/diagnose.ts');
  const native = await openNative();
  const options = {
    globals: values,
    attach: attachTargets(flags.attach ?? []),
    ...(kernelBtf === undefined ? {} : { kernelBtf }),
  };
  const mode: OutputMode = flags.json ? 'json' : 'table';
  const { signal, release } = interruptSignal();
  const load = () => LoadedPackage.load<undefined>(native, opened, options);
  try {
    const chatty = (message: string) => process.stderr.write(message);
    const bpf = await (flags.verbose ? withPrint(native, PrintLevel.debug, chatty, load) : load());
    // whatever ends the process: nothing stays attached (tc filters would)
    const dispose = () => bpf[Symbol.dispose]();
    process.once('exit', dispose);
    try {
      await printPackage(bpf, {
        mode,
        trace: flags.trace === true,
        maxEvents: flags.maxEvents,
        durationMs: flags.duration === undefined ? undefined : flags.duration * 1000,
        signal,
        write,
        note: (line) => process.stderr.write(`${line}\n`),
      });
    } finally {
      await bpf.close();
      process.off('exit', dispose);
    }
    return ExitCode.ok;
  } catch (error) {
    if (flags.verifierLog && error instanceof VerifierError) process.stderr.write(error.log);
    throw error;
  } finally {
    release();
  }
}

/** Resolves when standard output has taken it, so that a slow reader holds up the reading of events; but not the end, at `stop`. */
function write(text: string, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (process.stdout.write(text) || stop.aborted) return resolve();
    const done = () => {
      process.stdout.off('drain', done);
      stop.removeEventListener('abort', done);
      resolve();
    };
    process.stdout.on('drain', done);
    stop.addEventListener('abort', done);
  });
}
