/** `ecc inspect skeleton|structs|package FILE`: what is in an object or a package, as JSON on standard output. Nothing is executed. */
import path from 'node:path';
import type { CommandModule } from 'yargs';
import { inFile } from '../../core/errors.ts';

const WHAT = ['skeleton', 'structs', 'package'] as const;

interface Arguments {
  what: (typeof WHAT)[number];
  file: string;
}

export const inspect: CommandModule<object, Arguments> = {
  command: 'inspect <what> <file>',
  describe: 'Print the skeleton or the structs of an object, or how a package was made',
  builder: (argv) =>
    argv
      .positional('what', {
        choices: WHAT,
        demandOption: true,
        describe: 'skeleton and structs: of an object (or BTF file); package: of a package',
      })
      .positional('file', { type: 'string', demandOption: true, describe: '- for standard input' }),
  handler: async ({ what, file }) => {
    const { inputName, readInput } = await import('../../core/read-input.ts');
    const bytes = await readInput(file);
    process.stdout.write(`${await inFile(inputName(file), () => printers[what](bytes, file))}\n`);
  },
};

const printers: Readonly<Record<Arguments['what'], (bytes: Uint8Array, file: string) => Promise<string>>> = {
  skeleton: async (bytes, file) => {
    const { openObject } = await import('../../object/open.ts');
    const { makeSkeleton } = await import('../../skeleton/skeleton.ts');
    // to be compared with what the reference tool prints, so found in its way
    return JSON.stringify(makeSkeleton(openObject(bytes), path.basename(file), { findSectionBy: 'ident' }));
  },
  structs: async (bytes) => {
    const { openBtf } = await import('../../btf/open.ts');
    const { emitStructs } = await import('../../skeleton/structs.ts');
    return emitStructs(openBtf(bytes)).trimEnd();
  },
  package: async (bytes) => {
    const { readPackage } = await import('../../package/unpack.ts');
    const { sha256 } = await import('../../core/hash.ts');
    const { object, meta, buildInfo } = await readPackage(bytes);
    const { bpf_skel: skel } = meta;
    return JSON.stringify(
      {
        obj_name: skel.obj_name,
        object: { size: object.length, sha256: sha256(object) },
        programs: skel.progs.map(({ name, attach }) => ({ name, attach })),
        maps: skel.maps.map(({ name }) => name),
        export_types: (meta.export_types ?? []).map(({ name, size }) => ({ name, size })),
        build_info: buildInfo ?? null,
      },
      null,
      2,
    );
  },
};
