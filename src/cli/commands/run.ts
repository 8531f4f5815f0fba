/** `ecc run PACKAGE [options of the program]`: loads a package and shows its events. */
import type { CommandModule } from 'yargs';
import { UsageError } from '../../core/errors.ts';

interface Arguments {
  package: string;
  json?: boolean | undefined;
  trace?: boolean | undefined;
  duration?: string | undefined;
  'max-events'?: string | undefined;
  attach?: string[] | undefined;
  btf?: string | undefined;
  verbose?: boolean | undefined;
  'verifier-log'?: boolean | undefined;
  /** What stands behind the package; see `separateProgramArgs`. */
  '--'?: string[] | undefined;
}

export const run: CommandModule<object, Arguments> = {
  command: 'run <package> [args..]',
  describe: 'Load a package and show its events (needs root)',
  builder: (argv) =>
    argv
      .positional('package', {
        type: 'string',
        demandOption: true,
        describe: 'package.json, package.yaml, OBJ.tar, an object, or a source; - for standard input',
      })
      .positional('args', {
        type: 'string',
        array: true,
        describe: 'Options of the program: see ecc run PACKAGE --help',
      })
      .options({
        json: { alias: 'j', type: 'boolean', describe: 'Events as JSON, one a line' },
        trace: { type: 'boolean', describe: 'Also show what the program prints with bpf_printk()' },
        duration: { type: 'string', requiresArg: true, describe: 'End after this many seconds' },
        'max-events': { type: 'string', requiresArg: true, describe: 'End after this many events' },
        attach: { type: 'string', array: true, nargs: 1, describe: 'PROGRAM=TARGET, PROGRAM=none; repeatable' },
        btf: { type: 'string', requiresArg: true, describe: "File with the running kernel's BTF" },
        'verifier-log': { type: 'boolean', describe: "Show the verifier's whole log when it refuses" },
        verbose: { alias: 'v', type: 'boolean', describe: "Show libbpf's messages" },
      })
      .example('sudo $0 run package.json --trace', 'events and trace lines until Ctrl-C')
      .example('sudo $0 run -j package.json --pid 42', 'an option of the program behind the package'),
  handler: async (argv) => {
    const { run: runPackage } = await import('../run.ts');
    process.exitCode = await runPackage(argv.package, argv['--'] ?? [], {
      json: argv.json,
      trace: argv.trace,
      duration: numberOf('--duration', argv.duration),
      maxEvents: numberOf('--max-events', argv['max-events']),
      attach: argv.attach,
      btf: argv.btf,
      verbose: argv.verbose,
      verifierLog: argv['verifier-log'],
    });
  },
};

function numberOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() !== '' && value > 0) return value;
  throw new UsageError('USAGE_VALUE', `${name} ${text}: a number above 0 is expected`);
}
