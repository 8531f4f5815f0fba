/** `ecc unpack PACKAGE`: object and skeleton out of a package again. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { CommandModule } from 'yargs';
import { inFile, UsageError } from '../../core/errors.ts';

interface Arguments {
  package: string;
  'output-path'?: string | undefined;
  force?: boolean | undefined;
}

export const unpack: CommandModule<object, Arguments> = {
  command: 'unpack <package>',
  describe: 'Take object and skeleton out of a package',
  builder: (argv) =>
    argv
      .positional('package', {
        type: 'string',
        demandOption: true,
        describe: 'package.json or package.yaml; - for standard input',
      })
      .option('output-path', {
        alias: 'o',
        type: 'string',
        requiresArg: true,
        describe: 'Directory to write to [default: that of the package]',
      })
      .option('force', { type: 'boolean', describe: 'Replace files that are there and differ' }),
  handler: async (argv) => {
    const { readInput } = await import('../../core/read-input.ts');
    const { readPackage } = await import('../../package/unpack.ts');
    const { canonicalJson } = await import('../../package/canonical.ts');
    const { writeFiles } = await import('../../build/write.ts');
    const file = argv.package;
    const bytes = await readInput(file);
    const { object, meta } = await inFile(file, () => readPackage(bytes));
    const directory = argv['output-path'] ?? (file === '-' ? '.' : path.dirname(file));
    const name = safeName(meta.bpf_skel.obj_name);
    const files = [
      { artefact: { path: path.join(directory, `${name}.bpf.o`) }, content: object },
      { artefact: { path: path.join(directory, `${name}.skel.json`) }, content: canonicalJson(meta) },
    ];
    if (!argv.force) for (const { artefact, content } of files) await refuseOther(artefact.path, Buffer.from(content));
    writeFiles(files);
    for (const { artefact } of files) process.stdout.write(`${artefact.path}\n`);
  },
};

/** The object's name comes from the package, so it must not lead out of the directory. */
function safeName(objName: string): string {
  const name = objName.replace(/_bpf$/, '').replace(/[^A-Za-z0-9_]/g, '_');
  return name === '' ? 'object' : name.slice(0, 63);
}

async function refuseOther(file: string, content: Buffer): Promise<void> {
  const existing = await readFile(file).catch(() => undefined);
  if (existing === undefined || existing.equals(content)) return;
  throw new UsageError('USAGE_EXISTS', 'exists and differs; it is left alone', {
    hint: 'write elsewhere with -o DIR, or replace it with --force',
  }).in(file);
}
