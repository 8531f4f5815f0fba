/**
 * What `ecc <source..>` can be given, in one table, and what a build makes of it. Both readers of a command line go by the table: yargs,
 * and the short one that looks whether there is anything to do at all.
 */
import type { Options } from 'yargs';
import type { BuildOptions } from '../build/build.ts';
import { UsageError } from '../core/errors.ts';
import { ARCHITECTURES, type Arch } from '../toolchain/arch.ts';

/** Options keep the reference compiler's names; ours are in groups of their own. */
export const COMPILE_OPTIONS = {
  'output-path': {
    alias: 'o',
    type: 'string',
    requiresArg: true,
    describe: 'Directory for what is written; made if missing',
    group: 'Output:',
  },
  yaml: { alias: 'y', type: 'boolean', describe: 'Write skeleton and package as YAML', group: 'Output:' },
  'no-generate-package-json': {
    alias: 'n',
    type: 'boolean',
    describe: 'Write object and skeleton only',
    group: 'Output:',
  },
  'object-only': {
    type: 'boolean',
    describe: 'Write only the object, for linking with bpftool gen object',
    group: 'Output:',
  },
  'package-name': {
    type: 'string',
    requiresArg: true,
    describe: 'File name of the package instead of package.json',
    group: 'Output:',
  },
  ts: { type: 'boolean', describe: 'Write TypeScript types and decoders (OBJ.bpf.ts)', group: 'Output:' },
  'header-only': {
    type: 'boolean',
    describe: 'The source is a header: object and skeleton of its types',
    group: 'Output:',
  },
  'wasm-header': {
    type: 'boolean',
    describe: 'Write a C header that holds the package (ewasm-skel.h)',
    group: 'Output:',
  },
  standalone: {
    alias: 's',
    type: 'boolean',
    describe: 'Write a static executable that loads the program (OBJ.out)',
    group: 'Output:',
  },
  'keep-source': { type: 'boolean', describe: 'With --standalone: keep its C source', group: 'Output:' },
  btfgen: {
    alias: 'b',
    type: 'boolean',
    describe: 'Write OBJ.tar with BTF for kernels that have none',
    group: 'Output:',
  },
  'btfhub-archive': {
    type: 'string',
    requiresArg: true,
    describe: 'With --btfgen: directory of the BTF archive',
    group: 'Output:',
  },
  depfile: {
    type: 'string',
    requiresArg: true,
    describe: 'Write the files that the build depends on, for Make and Ninja',
    group: 'Output:',
  },
  force: { type: 'boolean', describe: 'Replace a package.json that is not a package of ours', group: 'Output:' },
  'additional-cflags': {
    alias: 'a',
    type: 'string',
    array: true,
    nargs: 1,
    describe: 'More flags for clang: -a -DX, -a "-DX -DY"',
    group: 'Compiler:',
  },
  'target-arch': {
    type: 'string',
    choices: ARCHITECTURES,
    describe: 'Architecture that the program is for [default: this one]',
    group: 'Compiler:',
  },
  vmlinux: {
    type: 'string',
    requiresArg: true,
    describe: 'Kernel types: a version (6.18), host, or a file (.h or BTF)',
    group: 'Compiler:',
  },
  'clang-bin': { alias: 'c', type: 'string', requiresArg: true, describe: 'clang to use', group: 'Compiler:' },
  'llvm-strip-bin': {
    alias: 'l',
    type: 'string',
    requiresArg: true,
    describe: 'llvm-strip to use',
    group: 'Compiler:',
  },
  'bpftool-bin': {
    type: 'string',
    requiresArg: true,
    describe: 'bpftool to use (only for --btfgen)',
    group: 'Compiler:',
  },
  'workspace-path': {
    alias: 'w',
    type: 'string',
    requiresArg: true,
    describe: 'Directory whose include/ and bin/ are used instead of ours',
    group: 'Compiler:',
  },
  timeout: { type: 'string', requiresArg: true, describe: 'Seconds that one tool may take', group: 'Compiler:' },
  watch: {
    alias: 'W',
    type: 'boolean',
    describe: 'Build again whenever a file changes that went into it',
    group: 'Compiler:',
  },
  'no-cache': {
    type: 'boolean',
    describe: 'Build even if nothing changed, and keep nothing for the next time',
    group: 'Compiler:',
  },
  strict: { type: 'boolean', describe: 'Treat warnings as errors', group: 'Messages:' },
  verbose: { alias: 'v', type: 'boolean', describe: 'Show the commands that are run', group: 'Messages:' },
  timings: {
    type: 'string',
    describe: 'Show where the time went; --timings=FILE: also as a trace for Perfetto and chrome://tracing',
    group: 'Messages:',
  },
  json: { type: 'boolean', describe: 'Errors and warnings as JSON, one a line', group: 'Messages:' },
} as const satisfies Readonly<Record<string, Options>>;

type Table = typeof COMPILE_OPTIONS;
type Value<Option> = Option extends { readonly type: 'boolean' }
  ? boolean
  : Option extends { readonly array: true }
    ? string[]
    : string;

/** A command line, taken apart. */
export type CompileArguments = { readonly files: string[] } & {
  readonly [Name in keyof Table]?: Value<Table[Name]> | undefined;
};

/** The command line as the build understands it, without what depends on the terminal. */
export function buildOptions(argv: CompileArguments): BuildOptions {
  const { sources, exportHeader } = sortFiles(argv.files, argv['header-only'] === true);
  const timeout = argv.timeout === undefined ? undefined : Number(argv.timeout);
  if (timeout !== undefined && !(timeout > 0))
    throw new UsageError('USAGE_VALUE', `--timeout ${argv.timeout}: a number of seconds above 0 is expected`);
  refuseEmptyValues(argv);
  return {
    sources,
    exportHeader,
    outDir: argv['output-path'],
    yaml: argv.yaml === true,
    noPackage: argv['no-generate-package-json'] === true,
    packageName: argv['package-name'],
    types: argv.ts === true,
    headerOnly: argv['header-only'] === true,
    objectOnly: argv['object-only'] === true,
    wasmHeader: argv['wasm-header'] === true,
    standalone: argv.standalone === true,
    keepSource: argv['keep-source'] === true,
    btfgen: argv.btfgen === true,
    btfhubArchive: argv['btfhub-archive'],
    depfile: argv.depfile,
    force: argv.force === true,
    cflags: argv['additional-cflags'] ?? [],
    arch: argv['target-arch'] as Arch | undefined,
    vmlinux: argv.vmlinux,
    clang: argv['clang-bin'],
    llvmStrip: argv['llvm-strip-bin'],
    bpftool: argv['bpftool-bin'],
    workspace: argv['workspace-path'],
    timeoutMs: timeout === undefined ? undefined : timeout * 1000,
    strict: argv.strict === true,
    noCache: argv['no-cache'] === true,
    onCommand: argv.verbose === true ? (command) => process.stderr.write(`$ ${command}\n`) : undefined,
  };
}

/** `-o "$OUT"` without an `OUT` is a slip. */
function refuseEmptyValues(argv: CompileArguments): void {
  for (const [name, option] of Object.entries(COMPILE_OPTIONS)) {
    if ('requiresArg' in option && argv[name as keyof Table] === '')
      throw new UsageError('USAGE_VALUE', `--${name}: the value is empty`);
  }
  if (argv.files.includes('')) throw new UsageError('USAGE_VALUE', 'the name of a source is empty');
}

/** Headers are told from sources by their suffix. With `--header-only` the header is the source. */
function sortFiles(
  files: readonly string[],
  headerOnly: boolean,
): { sources: string[]; exportHeader: string | undefined } {
  if (headerOnly) return { sources: [...files], exportHeader: undefined };
  const isHeader = (file: string) => /\.(h|hpp|hh)$/.test(file);
  const headers = files.filter(isHeader);
  const sources = files.filter((file) => !isHeader(file));
  if (sources.length === 0) {
    throw new UsageError('USAGE_SOURCE', `${files.join(', ')}: only headers were given, a source is needed`, {
      hint: 'for an object of just the types of a header give --header-only',
    });
  }
  if (headers.length > 1)
    throw new UsageError(
      'USAGE_HEADER',
      `one export header can be given, not ${headers.length}: ${headers.join(', ')}`,
      { hint: 'give one that includes the others' },
    );
  return { sources, exportHeader: headers[0] };
}
