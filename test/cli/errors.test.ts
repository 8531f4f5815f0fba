/** What users can get wrong, and what a machine can: one clear error, its exit status, nothing half written, nothing of theirs changed. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { ecc, TINY } from '../support/cli.ts';
import { run } from '../support/command.ts';
import { requireRoot } from '../support/require.ts';
import { testDirectory } from '../support/temporary.ts';

function directoryWith(files: Readonly<Record<string, string | Buffer>>): string {
  const directory = testDirectory();
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(directory, name), text);
  return directory;
}

/** One error, one status, no trace of our code. */
async function refused(args: string[], cwd: string, status: number, code: string, env: Record<string, string> = {}) {
  const result = await ecc(args, { cwd, env });
  expect(result.stderr).toContain(`error[${code}]`);
  expect(result.stderr).not.toMatch(/\n\s+at .*\(|INTERNAL/);
  expect(result.status).toBe(status);
  return result.stderr;
}

describe('the command line', () => {
  const cases: [string, string[], string, RegExp][] = [
    ['no source', [], 'USAGE', /source/],
    ['an unknown option', ['--bogus', 'a.bpf.c'], 'USAGE', /bogus/],
    ['an option without its value', ['a.bpf.c', '-o'], 'USAGE', /output-path|value/],
    ['an option given twice', ['a.bpf.c', '-o', 'x', '-o', 'y'], 'USAGE_REPEATED', /twice|2 times/],
    ['an architecture that there is not', ['a.bpf.c', '--target-arch', 'vax'], 'USAGE', /riscv/],
    ['only headers', ['a.h'], 'USAGE_SOURCE', /--header-only/],
    ['two headers', ['a.bpf.c', 'a.h', 'b.h'], 'USAGE_HEADER', /a\.h, b\.h/],
    ['flags that exclude each other', ['a.bpf.c', '-n', '-s'], 'USAGE_CONFLICT', /standalone/],
    ['--keep-source alone', ['a.bpf.c', '--keep-source'], 'USAGE_CONFLICT', /--keep-source needs --standalone/],
    ['an empty directory name', ['a.bpf.c', '-o', ''], 'USAGE_VALUE', /--output-path: the value is empty/],
    ['an empty dependency file name', ['a.bpf.c', '--depfile', ''], 'USAGE_VALUE', /--depfile: the value is empty/],
    [
      'no such BTF archive',
      ['a.bpf.c', '-b', '--btfhub-archive', 'none'],
      'USAGE_BTF_ARCHIVE',
      /^error\[\w+\]: none: no such directory/,
    ],
    ['no such workspace', ['a.bpf.c', '-w', 'none'], 'USAGE_VALUE', /--workspace-path none: no such directory/],
    ['a file as workspace', ['a.bpf.c', '-w', 'a.h'], 'USAGE_VALUE', /--workspace-path a\.h: is not a directory/],
    ['an open quote in flags', ['a.bpf.c', '-a', '-D"x'], 'USAGE_QUOTE', /quote/],
    ['-target', ['a.bpf.c', '-a', '-target x86'], 'USAGE_CFLAG', /--target-arch/],
    ['-g0', ['a.bpf.c', '-a', '-g0'], 'USAGE_CFLAG', /BTF/],
    ['-emit-llvm', ['a.bpf.c', '-a', '-emit-llvm'], 'USAGE_CFLAG', /object/],
    ['half of a subcommand', ['inspect', 'package'], 'USAGE', /^error\[\w+\]: ecc inspect <what> <file> is expected\n/],
    ['a missing source', ['none.bpf.c'], 'USAGE_NO_FILE', /none\.bpf\.c: no such file/],
    ['a directory', ['.'], 'USAGE_NO_FILE', /is a directory/],
    ['a file as directory', ['a.bpf.c/x.bpf.c'], 'USAGE_NO_FILE', /not a directory/],
    ['a missing header', ['a.bpf.c', 'none.h'], 'USAGE_NO_FILE', /none\.h: no such file/],
    ['standard input', ['-'], 'USAGE_NO_FILE', /^error\[\w+\]: standard input cannot be compiled/],
    ['a device', ['/dev/null'], 'USAGE_NO_FILE', /\/dev\/null: is a pipe or a device/],
    ['an empty source', ['empty.bpf.c'], 'USAGE_EMPTY', /the file is empty/],
  ];
  test.each(cases)('%s', async (_, args, code, text) => {
    const directory = directoryWith({ 'a.bpf.c': TINY, 'a.h': 'struct a { int x; };\n', 'b.h': '', 'empty.bpf.c': '' });
    const before = readdirSync(directory).sort();
    expect(await refused(args, directory, 2, code)).toMatch(text);
    expect(readdirSync(directory).sort()).toEqual(before);
  });

  test('a header that the source includes is not replaced, by no name of it and not out of the cache', async () => {
    const directory = directoryWith({ 'a.bpf.c': `#include "sub/types.h"\n${TINY}` });
    mkdirSync(path.join(directory, 'sub'));
    const header = path.join(directory, 'sub/types.h');
    writeFileSync(header, 'struct mine { int x; };\n');
    symlinkSync('sub', path.join(directory, 'link'));
    const env = { ECC_CACHE_DIR: path.join(directory, 'cache'), ECC_CACHE_SIZE: undefined };
    const build = (...args: string[]) => ecc(['a.bpf.c', ...args], { cwd: directory, env });
    expect((await build('-o', 'out', '--package-name', 'types.h')).status).toBe(0);
    for (const args of [
      ['--depfile', 'sub/types.h'],
      ['--depfile', header],
      ['--depfile', 'link/types.h'],
      ['-o', 'sub', '--package-name', 'types.h', '--force'],
    ]) {
      const { status, stderr } = await build(...args);
      expect(stderr).toMatch(/error\[USAGE_COLLISION\]: .* would replace sub\/types\.h, which the source includes/);
      expect(status).toBe(2);
      expect(readFileSync(header, 'utf8')).toBe('struct mine { int x; };\n');
    }
  });

  test('errors as JSON', async () => {
    const { stderr, status } = await ecc(['none.bpf.c', '--json'], { cwd: testDirectory() });
    expect(status).toBe(2);
    expect(JSON.parse(stderr)).toMatchObject({ code: 'USAGE_NO_FILE', file: 'none.bpf.c', message: 'no such file' });
  });
});

describe('clang', () => {
  test('what a workspace lacks is not said to be lacking on the include path', async () => {
    const directory = directoryWith({ 'a.bpf.c': TINY });
    mkdirSync(path.join(directory, 'ws'));
    const stderr = await refused(['a.bpf.c', '-w', 'ws', '--target-arch', 'x86'], directory, 4, 'COMPILE_FAILED');
    expect(stderr).toContain('ws has neither include/vmlinux.h nor include/vmlinux/x86/vmlinux.h');
  });

  test('no note is about a file of ours', async () => {
    // a doc comment: every struct may be one to export, and is named in that file
    const text = '/// counted\nint count;\nint f(struct nowhere *e) { return e->x; }\n';
    const directory = directoryWith({ 'a.bpf.c': text });
    const stderr = await refused(['a.bpf.c'], directory, 4, 'COMPILE_FAILED');
    expect(stderr).toContain("incomplete definition of type 'struct nowhere'");
    expect(stderr).not.toMatch(/ecc-|note:/);
  });

  test('a syntax error comes as clang prints it, and old artefacts stay', async () => {
    const directory = directoryWith({ 'a.bpf.c': TINY });
    await ecc(['a.bpf.c'], { cwd: directory });
    const before = readFileSync(path.join(directory, 'package.json'));
    writeFileSync(path.join(directory, 'a.bpf.c'), TINY.replace('>> 32;', '>> 32'));
    const stderr = await refused(['a.bpf.c'], directory, 4, 'COMPILE_FAILED');
    expect(stderr).toContain("a.bpf.c:9:44: error: expected ';' at end of declaration");
    expect(stderr).toContain('repeat with: clang -target bpf');
    expect(readFileSync(path.join(directory, 'package.json'))).toEqual(before);
  });

  test('its warnings are shown', async () => {
    const directory = directoryWith({ 'a.bpf.c': TINY.replace('int pid =', 'int pid, *p = 1; pid =') });
    const { stderr, status } = await ecc(['a.bpf.c'], { cwd: directory });
    expect(status).toBe(0);
    expect(stderr).toMatch(/a\.bpf\.c:9:12: warning: incompatible integer to pointer/);
  });

  test('comments in Latin-1 are fine', async () => {
    const directory = directoryWith({ 'a.bpf.c': Buffer.from(`/* \xe9t\xe9 */\n// \xff\n${TINY}`, 'latin1') });
    expect(await ecc(['a.bpf.c'], { cwd: directory })).toMatchObject({ status: 0 });
  });

  test('missing', async () => {
    const directory = directoryWith({ 'a.bpf.c': TINY });
    const stderr = await refused(['a.bpf.c'], directory, 3, 'TOOL_MISSING', { PATH: testDirectory() });
    expect(stderr).toMatch(/clang not found \(looked for: --clang-bin, \$CLANG/);
    expect(stderr).toMatch(/help: apt install clang|help: \w+ .*clang/);
    expect(await refused(['a.bpf.c', '-c', '/no/clang'], directory, 3, 'TOOL_MISSING')).toContain('/no/clang');
    expect(await refused(['a.bpf.c'], directory, 3, 'TOOL_MISSING', { LLVM_STRIP: '/no/strip' })).toContain(
      '$LLVM_STRIP',
    );
  });

  /** A clang that is a shell script. */
  function fakeClang(directory: string, script: string): string {
    const file = path.join(directory, 'fake-clang');
    writeFileSync(file, `#!/bin/sh\n${script}\n`);
    chmodSync(file, 0o755);
    return file;
  }

  test.each([
    [
      'without the bpf target',
      `echo "error: unable to create target: 'No available targets are compatible with triple \\"bpf\\"'" >&2; exit 1`,
      'TOOL_NO_BPF',
      3,
    ],
    [
      'too old',
      'case "$*" in *--version*) echo "clang version 9.0.1";; *) echo "error: what is -gembed-source" >&2; exit 1;; esac',
      'TOOL_TOO_OLD',
      3,
    ],
    ['that is killed', 'kill -9 $$', 'TOOL_FAILED', 3],
    ['that hangs', 'sleep 60', 'TOOL_TIMEOUT', 3],
    ['that prints megabytes', 'head -c 30000000 /dev/zero | tr "\\0" x >&2; exit 1', 'COMPILE_FAILED', 4],
    [
      'that writes a broken object',
      'for a; do [ "$o" = -o ] && echo broken >"$a"; [ "$o" = -MF ] && echo "x: y" >"$a"; o=$a; done',
      'ELF_BAD_MAGIC',
      5,
    ],
  ])('%s', async (_, script, code, status) => {
    const directory = directoryWith({ 'a.bpf.c': TINY });
    const args = ['a.bpf.c', '-c', fakeClang(directory, script), '--timeout', code === 'TOOL_TIMEOUT' ? '2' : '50'];
    await refused(args, directory, status, code);
    expect(readdirSync(directory).sort()).toEqual(['a.bpf.c', 'fake-clang']);
  });
});

describe('files', () => {
  test('a package.json that is not ours is left alone', async () => {
    const npm = '{ "name": "mine" }\n';
    const directory = directoryWith({ 'a.bpf.c': TINY, 'package.json': npm });
    const stderr = await refused(['a.bpf.c'], directory, 2, 'USAGE_FOREIGN_PACKAGE');
    expect(stderr).toMatch(/-o DIR.*--package-name NAME.*--force/);
    expect(readdirSync(directory).sort()).toEqual(['a.bpf.c', 'package.json']);
    expect(readFileSync(path.join(directory, 'package.json'), 'utf8')).toBe(npm);
    expect((await ecc(['a.bpf.c', '--package-name', 'a.package.json'], { cwd: directory })).status).toBe(0);
    expect(readFileSync(path.join(directory, 'package.json'), 'utf8')).toBe(npm);
    expect((await ecc(['a.bpf.c', '--force'], { cwd: directory })).status).toBe(0);
    expect(readFileSync(path.join(directory, 'package.json'), 'utf8')).toContain('bpf_object');
    expect((await ecc(['a.bpf.c'], { cwd: directory })).status, 'one of ours may be replaced').toBe(0);
  });

  test('a read-only directory, and a disk that is full', async (context) => {
    requireRoot(context);
    const directory = directoryWith({ 'a.bpf.c': TINY });
    const mounted = path.join(directory, 'small');
    mkdirSync(mounted);
    const mount = await run('mount', ['-t', 'tmpfs', '-o', 'size=8k', 'tmpfs', mounted]);
    if (mount.status !== 0) context.skip(`mount is not permitted: ${mount.stderr.trim()}`);
    try {
      expect(await refused(['a.bpf.c', '-o', 'small'], directory, 74, 'IO_WRITE_FAILED')).toContain('no space is left');
      expect(readdirSync(mounted)).toEqual([]);
      await run('mount', ['-o', 'remount,ro', mounted]);
      expect(await refused(['a.bpf.c', '-o', 'small'], directory, 74, 'IO_WRITE_FAILED')).toContain('read-only');
      expect(await refused(['a.bpf.c', '-o', 'small/new'], directory, 74, 'IO_WRITE_FAILED')).toContain('small/new');
    } finally {
      await run('umount', [mounted]);
    }
  });

  test('a directory in the place of an artefact', async () => {
    const directory = directoryWith({ 'a.bpf.c': TINY });
    mkdirSync(path.join(directory, 'a.skel.json'));
    expect(await refused(['a.bpf.c'], directory, 74, 'IO_WRITE_FAILED')).toContain('a.skel.json');
    expect(readdirSync(directory).sort()).toEqual(['a.bpf.c', 'a.skel.json']);
  });

  test.each([
    'with space',
    "quote'quote",
    'dollar$(touch pwned)',
    'back\\slash',
    'new\nline',
    '-dash',
    'dé-ñ-日本',
    'a;b&c|d',
    'eq=ual',
    `${'x'.repeat(240)}`,
  ])('a source named %j', async (name) => {
    const directory = directoryWith({ [`${name}.bpf.c`]: TINY });
    const args = name.startsWith('-') ? ['--', `${name}.bpf.c`] : [`${name}.bpf.c`];
    const result = await ecc(args, { cwd: directory });
    expect(result).toMatchObject({ status: 0 });
    expect(readdirSync(directory).sort()).toEqual(
      [`${name}.bpf.c`, `${name}.bpf.o`, `${name}.skel.json`, 'package.json'].sort(),
    );
  });

  test.each(['with space', '$(touch pwned)', 'new\nline', '日本', '-dash', 'eq=ual'])(
    'a directory named %j for source, includes and output',
    async (name) => {
      const directory = testDirectory();
      mkdirSync(path.join(directory, name));
      writeFileSync(path.join(directory, name, 'a.bpf.c'), `#include <found.h>\n${TINY}`);
      mkdirSync(path.join(directory, name, 'inc'));
      writeFileSync(path.join(directory, name, 'inc', 'found.h'), '');
      const include = path.join(directory, name, 'inc').replaceAll("'", "'\\''");
      const result = await ecc(
        [path.join(directory, name, 'a.bpf.c'), '-a', `'-I${include}'`, '-o', path.join(directory, name, 'out')],
        { cwd: directory },
      );
      expect(result).toMatchObject({ status: 0 });
      expect(readdirSync(directory)).toEqual([name]);
      expect(readdirSync(path.join(directory, name, 'out')).sort()).toEqual(['a.bpf.o', 'a.skel.json', 'package.json']);
    },
  );

  test('a source that is a link, a home that is not there, no place for a cache', async () => {
    const directory = directoryWith({ 'real.c': TINY });
    symlinkSync('real.c', path.join(directory, 'link.bpf.c'));
    const env = { HOME: '/nonexistent', ECC_CACHE_DIR: '/dev/null/nowhere' };
    expect(await ecc(['link.bpf.c'], { cwd: directory, env })).toMatchObject({ status: 0 });
    expect(existsSync(path.join(directory, 'link.bpf.o'))).toBe(true);
    expect(await refused(['link.bpf.c'], directory, 74, 'IO_NO_TEMP', { TMPDIR: '/nonexistent' })).toContain('TMPDIR');
  });
});

describe('objects and packages from elsewhere', () => {
  test('cut, foreign, and without BTF', async () => {
    const directory = directoryWith({ 'a.bpf.c': TINY, 'n.c': 'int x;\n', text: 'hello' });
    await ecc(['a.bpf.c'], { cwd: directory });
    await run('clang', ['-target', 'bpf', '-O2', '-c', 'n.c', '-o', 'nobtf.o'], { cwd: directory });
    await run('gcc', ['-c', 'n.c', '-o', 'x86.o'], { cwd: directory });
    expect(await refused(['inspect', 'skeleton', 'text'], directory, 5, 'ELF_BAD_MAGIC')).toContain(
      'text: not an ELF file',
    );
    await refused(['inspect', 'structs', 'nobtf.o'], directory, 5, 'BTF_MISSING');
    expect((await ecc(['inspect', 'skeleton', 'x86.o'], { cwd: directory })).status).not.toBe(0);
    truncateSync(path.join(directory, 'a.bpf.o'), 700);
    expect((await ecc(['inspect', 'skeleton', 'a.bpf.o'], { cwd: directory })).status).toBe(5);
    await refused(['unpack', 'text'], directory, 5, 'PKG_BAD_SHAPE');
    await refused(['unpack', 'a.bpf.o'], directory, 6, 'UNSUP_PACKAGE');
  });

  test('unpack gives back what went in, and replaces nothing else', async () => {
    const directory = directoryWith({ 'a.bpf.c': TINY });
    await ecc(['a.bpf.c'], { cwd: directory });
    expect((await ecc(['unpack', 'package.json', '-o', 'out'], { cwd: directory })).stdout).toBe(
      'out/a.bpf.o\nout/a.skel.json\n',
    );
    for (const name of ['a.bpf.o', 'a.skel.json'])
      expect(readFileSync(path.join(directory, 'out', name))).toEqual(readFileSync(path.join(directory, name)));
    writeFileSync(path.join(directory, 'out/a.bpf.o'), 'mine');
    await refused(['unpack', 'package.json', '-o', 'out'], directory, 2, 'USAGE_EXISTS');
    expect(readFileSync(path.join(directory, 'out/a.bpf.o'), 'utf8')).toBe('mine');
  });
});

test('completion: the script, and what it asks for', async () => {
  const { status, stdout } = await ecc(['completion']);
  expect(status).toBe(0);
  expect(await run('bash', ['-n'], { input: stdout })).toMatchObject({ status: 0, stderr: '' });
  expect((await ecc(['--get-yargs-completions', 'ecc', 'ins'])).stdout).toContain('inspect');
});
