/** Builds of several sources, and over an archive of kernels, on a pseudo terminal. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { ECC, TINY } from '../support/cli.ts';
import { run } from '../support/command.ts';
import { requireTool, type Skippable } from '../support/require.ts';
import { fileDirectory, testDirectory } from '../support/temporary.ts';
import { runOnTerminal, screenOf, type TerminalOptions, type TerminalResult } from '../support/terminal.ts';

const cache = fileDirectory();

function build(
  context: Skippable,
  args: readonly string[],
  options: Omit<TerminalOptions, 'env'>,
): Promise<TerminalResult> {
  const env = { ECC_CACHE_DIR: cache, ECC_CACHE_SIZE: '0', NO_COLOR: '1' };
  return runOnTerminal(requireTool(context, 'script'), [process.execPath, ECC, ...args], { ...options, env });
}

/** Sources that compile, and others of which each fails in its own way or warns. */
function project(...good: string[]): string {
  const directory = testDirectory();
  for (const name of good) writeFileSync(path.join(directory, name), TINY);
  writeFileSync(path.join(directory, 'bad.bpf.c'), 'int x = ;\n');
  writeFileSync(path.join(directory, 'empty.bpf.c'), '');
  writeFileSync(path.join(directory, 'warning.bpf.c'), `${TINY}#warning look here\n`);
  return directory;
}

const BAR = /^\[#*-*\] \d+\/\d+/;

test('a bar that is drawn again; what is said stays whole, in the order of the sources', async (context) => {
  const cwd = project('alpha.bpf.c', 'bravo.bpf.c');
  const sources = ['missing.bpf.c', 'warning.bpf.c', 'alpha.bpf.c', 'bad.bpf.c', 'empty.bpf.c', 'bravo.bpf.c'];
  const { status, output } = await build(context, sources, { cwd, columns: 80 });
  const lines = screenOf(output, 80);
  // clang's own lines around them look different in each version
  expect(lines.filter((line) => /^error|\.bpf\.c:|sources/.test(line))).toEqual([
    'warning.bpf.c:18:2: warning: look here [-W#warnings]',
    '6 sources: 3 built, 3 failed',
    'error[USAGE_NO_FILE]: missing.bpf.c: no such file',
    'error[COMPILE_FAILED]: bad.bpf.c: clang exited with 1',
    'bad.bpf.c:1:9: error: expected expression',
    'error[USAGE_EMPTY]: empty.bpf.c: the file is empty',
  ]);
  expect(lines.filter((line) => BAR.test(line))).toEqual([]);
  expect(output).toMatch(/\r\x1b\[K\[#+-+\] [1-5]\/6 \w+\.bpf\.c/);
  // the worst of 2, 4 and 2
  expect(status).toBe(4);
  expect(['alpha', 'bravo', 'warning'].map((name) => existsSync(path.join(cwd, `${name}.package.json`)))).toEqual([
    true,
    true,
    true,
  ]);
});

test('elsewhere lines, with the same messages', async () => {
  const cwd = project();
  const env = { ECC_CACHE_DIR: cache, ECC_CACHE_SIZE: '0', NO_COLOR: '1' };
  const args = [ECC, 'bad.bpf.c', 'missing.bpf.c', 'warning.bpf.c'];
  const { stderr, status } = await run(process.execPath, args, { cwd, env });
  expect(stderr).not.toMatch(/[\r\x1b]|\[#|built/);
  expect(stderr).toContain('warning.bpf.c: Compiling bpf object...\n');
  expect(stderr.indexOf('look here')).toBeLessThan(stderr.indexOf('error['));
  expect(stderr.indexOf('bad.bpf.c:1:9')).toBeLessThan(stderr.indexOf('missing.bpf.c: no such file'));
  expect(status).toBe(4);
});

describe('a narrow terminal', () => {
  const names = ['a', 'bb', 'ccc'].map((name) => `${name}-a-name-that-is-longer-than-the-terminal-is-wide.bpf.c`);
  test.for([24, 12])('%i columns', async (columns, context) => {
    const { status, output } = await build(context, names, { cwd: project(...names), columns });
    expect(screenOf(output, columns).join('')).toBe('3 sources: 3 built');
    expect(status).toBe(0);
  });
});

test('Ctrl-C leaves a clean line', async (context) => {
  const names = Array.from({ length: 12 }, (_, i) => `source${i}.bpf.c`);
  const cwd = project(...names);
  const { status, output } = await build(context, names, { cwd, columns: 60, interruptAt: / 2\/12/ });
  expect(output).toContain('^C');
  expect(screenOf(output, 60)).toEqual(['']);
  expect(status).toBe(130);
  expect(existsSync(path.join(cwd, 'source0.package.json'))).toBe(true);
  expect(existsSync(path.join(cwd, 'source11.package.json'))).toBe(false);
});

test('one source has its lines, and a bar for the kernels of an archive', async (context) => {
  requireTool(context, 'bpftool');
  const kernel = '/sys/kernel/btf/vmlinux';
  if (!existsSync(kernel)) context.skip(`no ${kernel} to make an archive of`);
  const cwd = project('alpha.bpf.c');
  const releases = path.join(cwd, 'archive/debian/12/x86_64');
  mkdirSync(releases, { recursive: true });
  for (const release of ['6.1.0-1', '6.1.0-2', '6.1.0-3'])
    writeFileSync(path.join(releases, `${release}.btf`), readFileSync(kernel));
  const args = ['alpha.bpf.c', '--btfgen', '--btfhub-archive', 'archive', '--target-arch', 'x86'];
  const { status, output } = await build(context, args, { cwd, columns: 80 });
  expect(screenOf(output, 80)).toEqual([
    'Compiling bpf object...',
    'Generating export types...',
    'Packing ebpf object and config into package.json...',
    '',
  ]);
  expect(output).toMatch(/\[#{16}-{8}\] 2\/3 debian\/12\/6\.1\.0-\d/);
  expect(status).toBe(0);
  const alone = await build(context, ['alpha.bpf.c', '--no-cache'], { cwd, columns: 80 });
  expect(screenOf(alone.output, 80).some((line) => BAR.test(line))).toBe(false);
  expect(alone.output).not.toContain('\x1b');
});
