import { describe, expect, test } from 'vitest';
import yargs from 'yargs';
import { joinCflags, PARSER_SETTINGS } from './argv.ts';
import { compile } from './commands/compile.ts';
import { buildOptions, type CompileArguments } from './compile-options.ts';
import { readPlainArgv, readPlainVmlinux } from './quick-argv.ts';

/** What yargs makes of a line; nothing is built. */
async function readWithYargs(argv: readonly string[]): Promise<CompileArguments> {
  let read: unknown;
  await yargs(joinCflags(argv))
    .parserConfiguration(PARSER_SETTINGS)
    .command({
      ...compile,
      handler: (taken) => {
        read = taken;
      },
    })
    .strict()
    .exitProcess(false)
    .fail((message) => {
      throw new Error(message ?? 'refused');
    })
    .parseAsync();
  return read as CompileArguments;
}

describe('a plain line is read as yargs reads it', () => {
  test.each([
    [['a.bpf.c']],
    [['./dir/a b.bpf.c', 'x.h', '-o', 'out']],
    [['-y', '-n', 'a.c', '--ts']],
    [['a.c', '-o=out', '--depfile=a.d', '--package-name', 'p.json']],
    [['a.c', '-a', '-DX', '-a', '-I. -DY="1 2"']],
    [['a.c', '--additional-cflags', '-O1']],
    [['a.c', '-a-DX=1']],
    [['a.c', '--target-arch', 'arm64', '--vmlinux', '6.18', '--strict', '-v', '--json']],
    [['a.c', '--timeout', '30', '--no-generate-package-json']],
    [['a.c', '--output-path', 'x=y']],
    [['a.c', '-c', '/usr/bin/clang-16', '-l', 'llvm-strip-16', '-w', 'space']],
    [['b.c', 'a.c', '--wasm-header', '--force', '-s', '--keep-source', '-b', '--btfhub-archive', 'd']],
  ])('%j', async (argv) => {
    const plain = readPlainArgv(argv);
    expect(plain).toBeDefined();
    const strip = (read: CompileArguments) => ({ ...buildOptions(read), onCommand: undefined });
    expect(strip(plain!)).toEqual(strip(await readWithYargs(argv)));
  });
});

describe('everything else is left to yargs', () => {
  test.each([
    [[]],
    [['--help']],
    [['compile', 'a.c']],
    [['types', 'a.c']],
    [['--unknown', 'a.c']],
    [['a.c', '-yn']],
    [['a.c', '--yaml=true']],
    [['a.c', '--yaml', 'false']],
    [['a.c', '-o']],
    [['a.c', '-o', '-y']],
    [['a.c', '-o', 'x', '-o', 'y']],
    [['a.c', '--output-path', '']],
    [['a.c', '--target-arch', 'vax']],
    [['-']],
    [['a.c', '--o', 'x']],
    [['a.c', '-output-path', 'x']],
    [['a.c', '--debug']],
    [['a.c', '--__proto__', 'x']],
    [['a.c', '--constructor', 'x']],
  ])('%j', (argv) => {
    expect(readPlainArgv(argv)).toBeUndefined();
  });
});

test.each([
  ['vmlinux', undefined],
  ['vmlinux --btf /sys/kernel/btf/vmlinux', '/sys/kernel/btf/vmlinux'],
  ['vmlinux --vmlinux host', 'host'],
])('%s is plain', (line, vmlinux) => {
  expect(readPlainVmlinux(line.split(' '))).toEqual({ vmlinux });
});

test.each([
  'vmlinuz',
  'vmlinux --btf',
  'vmlinux --btf=a',
  'vmlinux --btf a --debug',
  'vmlinux --for a.bpf.c',
  'vmlinux --btf --help',
  'vmlinux --help',
  'vmlinux a',
])('%s is for yargs', (line) => {
  expect(readPlainVmlinux(line.split(' '))).toBeUndefined();
});
