/** `ecc check FILE`: would this kernel take the programs, and at what cost? */
import type { CommandModule } from 'yargs';

interface Arguments {
  file: string;
  json?: boolean | undefined;
  btf?: string | undefined;
  'verifier-log'?: boolean | undefined;
}

export const check: CommandModule<object, Arguments> = {
  command: 'check <file>',
  describe: "Load programs without attaching them and report the verifier's verdict (needs root)",
  builder: (argv) =>
    argv
      .positional('file', {
        type: 'string',
        demandOption: true,
        describe: 'Object, package or source; - for standard input',
      })
      .options({
        json: { type: 'boolean', describe: 'Print as JSON' },
        btf: { type: 'string', requiresArg: true, describe: "File with the running kernel's BTF" },
        'verifier-log': { type: 'boolean', describe: "Show the verifier's whole log of what it refuses" },
      }),
  handler: async (argv) => {
    const { check: checkFile } = await import('../check.ts');
    process.exitCode = await checkFile(argv.file, {
      json: argv.json,
      btf: argv.btf,
      verifierLog: argv['verifier-log'],
    });
  },
};
