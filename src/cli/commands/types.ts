/** `ecc types FILE`: TypeScript types and decoders of an object, a package, a kernel, or any BTF. */
import path from 'node:path';
import type { CommandModule } from 'yargs';
import type { Btf } from '../../btf/table.ts';
import type { TypesOptions } from '../../build/types.ts';
import { inFile, UsageError } from '../../core/errors.ts';
import type { BpfObject } from '../../object/model.ts';

interface Arguments {
  file?: string | undefined;
  type?: string[] | undefined;
  btf?: string | undefined;
  base?: string | undefined;
  u64?: string | undefined;
  chars?: string | undefined;
  enums?: string | undefined;
  output?: string | undefined;
}

export const types: CommandModule<object, Arguments> = {
  command: 'types [file]',
  describe: 'Print TypeScript types and decoders of an object, a package, a kernel, or BTF',
  builder: (argv) =>
    argv
      .positional('file', { type: 'string', describe: 'Object, package, or BTF file; - for standard input' })
      .options({
        type: {
          alias: 't',
          type: 'string',
          array: true,
          nargs: 1,
          describe: 'A type to write, with all that it needs; repeatable',
        },
        btf: { type: 'string', requiresArg: true, describe: 'host: the types of the running kernel' },
        base: {
          type: 'string',
          requiresArg: true,
          describe: 'BTF that a split BTF (of a kernel module) continues, or host',
        },
        u64: {
          choices: ['bigint', 'number'],
          describe: '64-bit integers as bigint, or as numbers that are checked [default: bigint]',
        },
        chars: { choices: ['string', 'bytes'], describe: 'char arrays as text or as bytes [default: string]' },
        enums: {
          choices: ['closed', 'open'],
          describe:
            "Members of enum types as their values only, or as any number, for flags that are or'ed [default: closed]",
        },
        output: { alias: 'o', type: 'string', requiresArg: true, describe: 'File to write [default: standard output]' },
      })
      .example('$0 types package.json -o events.ts', 'the events, maps and globals of a package')
      .example('$0 types --btf host -t task_struct', "a kernel struct and all that it's made of"),
  handler: async (argv) => {
    const text = await moduleText(argv);
    if (argv.output === undefined) process.stdout.write(text);
    else {
      const { writeFiles } = await import('../../build/write.ts');
      writeFiles([{ artefact: { path: argv.output }, content: text }]);
    }
  },
};

async function moduleText(argv: Arguments): Promise<string> {
  if (argv.btf !== undefined && argv.file !== undefined) {
    throw new UsageError('USAGE_SOURCE', `types come from one file, not from ${argv.file} and --btf ${argv.btf}`, {
      hint: 'for the BTF of a kernel module: ecc types FILE --base host',
    });
  }
  const file = argv.btf === undefined ? argv.file : hostOrFile(argv.btf);
  if (file === undefined)
    throw new UsageError('USAGE_SOURCE', 'nothing to read types from', { hint: 'name a file, or give --btf host' });
  const { inputName, readInput } = await import('../../core/read-input.ts');
  const bytes = await readInput(file);
  const base = argv.base === undefined ? undefined : await readBase(hostOrFile(argv.base));
  return inFile(inputName(file), () => textOf(bytes, inputName(file), base, argv));
}

function hostOrFile(name: string): string {
  return name === 'host' ? '/sys/kernel/btf/vmlinux' : name;
}

async function textOf(bytes: Uint8Array, file: string, base: Btf | undefined, argv: Arguments): Promise<string> {
  const { isBtf } = await import('../../btf/table.ts');
  const { openBtf } = await import('../../btf/open.ts');
  const { getType } = await import('../../btf/get-type.ts');
  const options: TypesOptions = {
    ...(argv.u64 === undefined ? {} : { u64: argv.u64 as 'bigint' | 'number' }),
    ...(argv.chars === undefined ? {} : { charArrays: argv.chars as 'string' | 'bytes' }),
    ...(argv.enums === undefined ? {} : { enums: argv.enums as 'closed' | 'open' }),
  };
  const source = path.basename(file);
  const found = isBtf(bytes) || base !== undefined ? undefined : await objectOf(bytes);
  const object = found?.object;
  const btf = object?.btf ?? openBtf(object?.elf.bytes ?? bytes, base === undefined ? {} : { base });
  const wanted = (argv.type ?? []).map((name) => getType(btf, name));
  if (object !== undefined && wanted.length === 0) {
    const { emitObjectTypes } = await import('../../build/types.ts');
    return emitObjectTypes(object, source, options, found?.exported);
  }
  if (wanted.length === 0) {
    throw new UsageError('USAGE_TYPE', `which types? there are ${btf.count - 1}`, {
      hint: 'name them: ecc types FILE --type NAME',
    });
  }
  const { emitTypeScript } = await import('../../codegen/ts/module.ts');
  return emitTypeScript({ btf, types: wanted, options, source });
}

/** The object, and the structs of events that its package names. An ELF file that is no eBPF object (a kernel, a module) has types only. */
async function objectOf(bytes: Uint8Array): Promise<{ object: BpfObject; exported: readonly string[] } | undefined> {
  const { EM_BPF, isElf, parseElf } = await import('../../elf/elf.ts');
  const { openObject } = await import('../../object/open.ts');
  if (!isElf(bytes)) {
    const { readPackage } = await import('../../package/unpack.ts');
    const { object, meta } = await readPackage(bytes);
    return { object: openObject(object), exported: (meta.export_types ?? []).map(({ name }) => name) };
  }
  return parseElf(bytes).machine === EM_BPF ? { object: openObject(bytes), exported: [] } : undefined;
}

async function readBase(file: string): Promise<Btf> {
  const { readInput } = await import('../../core/read-input.ts');
  const { openBtf } = await import('../../btf/open.ts');
  const bytes = await readInput(file);
  return inFile(file, () => openBtf(bytes));
}
