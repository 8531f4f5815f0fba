/** The cache of finished builds: what is built again, what is not, and what broken entries and hands in the artefacts lead to. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { requireTool } from '../support/require.ts';
import { fileDirectory, testDirectory } from '../support/temporary.ts';
import { HEADER, Project, SOURCE } from './project.ts';

/** Kernel types are unpacked once, by the first build; the finished builds of each test are its own. */
const warm = fileDirectory();

beforeAll(async () => {
  await new Project(path.join(warm, 'first'), path.join(warm, 'cache')).build();
});

function freshCache(): string {
  const cacheDir = path.join(testDirectory(), 'cache');
  mkdirSync(cacheDir);
  for (const name of readdirSync(path.join(warm, 'cache')))
    if (name.startsWith('kernel-')) symlinkSync(path.join(warm, 'cache', name), path.join(cacheDir, name));
  return cacheDir;
}

const project = (files: Readonly<Record<string, string>> = {}) => new Project(testDirectory(), freshCache(), files);

function entries(cacheDir: string, shelf: 'blobs' | 'records'): string[] {
  return readdirSync(path.join(cacheDir, 'builds', shelf), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
}

describe('nothing changed', () => {
  test('nothing is run and nothing is written', async () => {
    const it = project();
    expect(await it.outcome()).toBe('built');
    const times = () => ['prog.bpf.o', 'prog.skel.json', 'package.json'].map((name) => it.modified(name));
    const before = times();
    const artefacts = it.artefacts();
    expect(await it.outcome()).toBe('up to date');
    expect(times()).toEqual(before);
    expect(it.artefacts()).toBe(artefacts);
  });

  test('a touched input is no change, but the artefacts become newer than it, for make', async () => {
    const it = project();
    await it.build();
    it.touch('package.json', -100);
    it.touch('shared.h', -50);
    expect(await it.outcome()).toBe('up to date');
    expect(it.modified('package.json')).toBeGreaterThan(it.modified('shared.h'));
  });

  test('saved with the same content', async () => {
    const it = project();
    await it.build();
    it.write('prog.bpf.c', SOURCE);
    expect(await it.outcome()).toBe('up to date');
  });

  test('several sources, each for itself', async () => {
    const it = project({ 'other.bpf.c': SOURCE });
    const sources = [it.at('prog.bpf.c'), it.at('other.bpf.c')];
    await it.build({ sources });
    it.write('other.bpf.c', `${SOURCE}int changed;\n`);
    const { events } = await it.build({ sources });
    const reused = events.flatMap((event) => (event.kind === 'reused' ? [path.basename(event.source)] : []));
    expect(reused).toEqual(['prog.bpf.c']);
  });
});

describe('an input changed', () => {
  test('the source', async () => {
    const it = project();
    await it.build();
    const before = it.artefacts();
    it.write('prog.bpf.c', SOURCE.replace('> limit', '>= limit'));
    expect(await it.outcome()).toBe('built');
    expect(it.artefacts()).not.toBe(before);
    expect(await it.outcome()).toBe('up to date');
  });

  test('a header, and back again', async () => {
    const it = project();
    await it.build();
    const before = it.artefacts();
    it.write('shared.h', '#define LIMIT 2000\n');
    expect(await it.outcome()).toBe('built');
    expect(it.artefacts()).not.toBe(before);
    it.write('shared.h', HEADER);
    expect(await it.outcome()).toBe('restored');
    expect(it.artefacts()).toBe(before);
  });

  test('a header that a header includes, from a directory of -I', async () => {
    const it = project({ 'shared.h': '#include <deep.h>\n', 'inc/deep.h': HEADER });
    const cflags = ['-I', it.at('inc')];
    await it.build({ cflags });
    expect(await it.outcome({ cflags })).toBe('up to date');
    it.write('inc/deep.h', '#define LIMIT 7\n');
    expect(await it.outcome({ cflags })).toBe('built');
  });

  test('a header is gone', async () => {
    const it = project();
    await it.build();
    rmSync(it.at('shared.h'));
    await expect(it.build()).rejects.toThrow(/shared\.h.*not found/s);
    it.write('shared.h', HEADER);
    expect(await it.outcome()).toBe('up to date');
  });

  test('a header appears in a place where it would have been taken first', async () => {
    const it = project({ 'prog.bpf.c': SOURCE.replace('"shared.h"', '<shared.h>'), 'second/shared.h': HEADER });
    mkdirSync(it.at('first'));
    const cflags = [`-I${it.at('first')}`, `-I${it.at('second')}`];
    await it.build({ cflags });
    const before = it.artefacts();
    it.write('first/shared.h', '#define LIMIT 5\n');
    expect(await it.outcome({ cflags })).toBe('built');
    expect(it.artefacts()).not.toBe(before);
  });

  test("a vmlinux.h of the user's appears beside the source", async () => {
    const it = project();
    await it.build();
    it.write(
      'vmlinux.h',
      'typedef unsigned int __u32; typedef unsigned long long __u64; typedef unsigned short __u16; typedef unsigned char __u8;\n' +
        'typedef int __s32; typedef long long __s64; typedef __u16 __be16; typedef __u32 __be32; typedef __u32 __wsum;\n' +
        'enum bpf_map_type { BPF_MAP_TYPE_HASH = 1 };\nstruct trace_event_raw_sys_enter { int own; };\n',
    );
    expect(await it.outcome()).toBe('built');
  });

  test('a file of --vmlinux', async () => {
    const it = project();
    const vmlinux = it.at('kernel.btf');
    writeFileSync(vmlinux, readFileSync('/sys/kernel/btf/vmlinux'));
    await it.build({ vmlinux });
    expect(await it.outcome({ vmlinux })).toBe('up to date');
    writeFileSync(vmlinux, it.read('prog.bpf.o'));
    await it.build({ vmlinux }).catch(() => undefined);
    writeFileSync(vmlinux, readFileSync('/sys/kernel/btf/vmlinux'));
    expect(await it.outcome({ vmlinux })).toBe('up to date');
  });
});

describe('the request changed', () => {
  test.each([
    ['a define', { cflags: ['-DX=1'] }],
    ['another optimisation', { cflags: ['-O1'] }],
    ['an include directory', { cflags: ['-I/nonexistent'] }],
    ['the architecture', { arch: 'arm64' as const }],
    ['YAML', { yaml: true }],
    ['types as well', { types: true }],
    ['no package', { noPackage: true }],
  ])('%s', async (_, options) => {
    const it = project();
    await it.build();
    expect(await it.outcome(options)).toBe('built');
    expect(await it.outcome(options)).toBe('up to date');
  });

  test('a variable that clang reads', async () => {
    const it = project();
    await it.build();
    process.env.SOURCE_DATE_EPOCH = '1';
    try {
      expect(await it.outcome()).toBe('built');
    } finally {
      delete process.env.SOURCE_DATE_EPOCH;
    }
    expect(await it.outcome()).toBe('up to date');
  });

  test('another clang', async (context) => {
    const clang = requireTool(context, 'clang-16');
    const llvmStrip = requireTool(context, 'llvm-strip-16');
    const it = project();
    await it.build();
    const before = it.artefacts();
    expect(await it.outcome({ clang, llvmStrip })).toBe('built');
    expect(it.artefacts()).not.toBe(before);
    expect(await it.outcome()).toBe('restored');
    expect(it.artefacts()).toBe(before);
  });

  test('the same flags from another directory mean other files', async () => {
    const it = project({
      'prog.bpf.c': SOURCE.replace('"shared.h"', '<flag.h>'),
      'a/inc/flag.h': HEADER,
      'b/inc/flag.h': '#define LIMIT 3\n',
    });
    const cwd = process.cwd();
    try {
      process.chdir(it.at('a'));
      await it.build({ cflags: ['-Iinc'] });
      const before = it.artefacts();
      process.chdir(it.at('b'));
      expect(await it.outcome({ cflags: ['-Iinc'] })).toBe('built');
      expect(it.artefacts()).not.toBe(before);
    } finally {
      process.chdir(cwd);
    }
  });

  test('--no-cache neither looks nor keeps', async () => {
    const it = project();
    expect(await it.outcome({ noCache: true })).toBe('built');
    expect(existsSync(path.join(it.cacheDir, 'builds'))).toBe(false);
    await it.build();
    expect(await it.outcome({ noCache: true })).toBe('built');
  });

  test('--strict does not take a build that had warnings', async () => {
    const it = project({ 'prog.bpf.c': SOURCE.replace('return bpf', 'int unused = *"x"; unused++; return bpf') });
    const cflags = ['-Wunused-but-set-variable', '-Wall', '-Wshadow', '-DLOADER'];
    it.write('ab.bpf.c', it.read('prog.bpf.c').toString());
    const sources = [it.at('ab.bpf.c')];
    const { events } = await it.build({ sources, cflags });
    expect(events.some(({ kind }) => kind === 'warning')).toBe(true);
    await expect(it.build({ sources, cflags, strict: true })).rejects.toThrow(/--strict/);
  });
});

describe('the artefacts changed', () => {
  test.each(['prog.bpf.o', 'prog.skel.json', 'package.json'])('%s was deleted', async (name) => {
    const it = project();
    await it.build();
    const before = it.artefacts();
    rmSync(it.at(name));
    expect(await it.outcome()).toBe('restored');
    expect(it.artefacts()).toBe(before);
  });

  test('one was edited, the others are left alone', async () => {
    const it = project();
    await it.build();
    const before = it.artefacts();
    it.write('prog.skel.json', it.read('prog.skel.json').toString().replace('on_kill', 'on_bill'));
    const time = it.modified('prog.bpf.o');
    expect(await it.outcome()).toBe('restored');
    expect(it.artefacts()).toBe(before);
    expect(it.modified('prog.bpf.o')).toBe(time);
  });

  test("npm's package.json has come into the place of ours", async () => {
    const it = project();
    await it.build();
    it.write('package.json', '{"name":"mine"}');
    await expect(it.build()).rejects.toMatchObject({ code: 'USAGE_FOREIGN_PACKAGE' });
    expect(it.read('package.json').toString()).toBe('{"name":"mine"}');
    expect(await it.outcome({ force: true })).toBe('restored');
  });

  test('another output directory is filled from the cache', async () => {
    const it = project();
    await it.build();
    expect(await it.outcome({ outDir: it.at('out') })).toBe('restored');
    expect(it.artefacts('out/')).toBe(it.artefacts());
  });
});

describe('another place', () => {
  test('a checkout elsewhere gets the same bytes without a compiler', async () => {
    const it = project({ 'shared.h': '#include <deep.h>\n', 'inc/deep.h': HEADER });
    const cwd = process.cwd();
    try {
      process.chdir(it.directory);
      await it.build({ sources: ['prog.bpf.c'], cflags: ['-Iinc'] });
      const other = new Project(path.join(testDirectory(), 'deeper/than that'), it.cacheDir, {
        'shared.h': '#include <deep.h>\n',
        'inc/deep.h': HEADER,
      });
      process.chdir(other.directory);
      expect(await other.outcome({ sources: ['prog.bpf.c'], cflags: ['-Iinc'] })).toBe('restored');
      expect(other.artefacts()).toBe(it.artefacts());
      const restored = other.artefacts();
      await other.build({ sources: ['prog.bpf.c'], cflags: ['-Iinc'], noCache: true });
      expect(other.artefacts()).toBe(restored);
    } finally {
      process.chdir(cwd);
    }
  });

  test('dependency files name files as they were named', async () => {
    const it = project();
    const depfile = it.at('prog.d');
    await it.build({ depfile });
    expect(await it.outcome({ depfile })).toBe('up to date');
    const other = new Project(testDirectory(), it.cacheDir);
    expect(await other.outcome({ depfile: other.at('prog.d') })).toBe('built');
    expect(other.read('prog.d').toString()).toContain(other.at('prog.bpf.c'));
  });

  test('warnings name the source as it is named now', async () => {
    const it = project({ 'prog.bpf.c': `#warning look here\n${SOURCE}` });
    const first = await it.build();
    const told = (events: typeof first.events) => events.filter(({ kind }) => /diagnostics|warning/.test(kind));
    expect(told(first.events)).toHaveLength(1);
    const second = await it.build();
    expect(second.outcome).toBe('up to date');
    expect(told(second.events)).toEqual(told(first.events));
    const cwd = process.cwd();
    try {
      process.chdir(it.directory);
      const relative = await it.build({ sources: ['prog.bpf.c'] });
      expect(relative.outcome).toBe('built');
      expect(JSON.stringify(told(relative.events))).toContain('prog.bpf.c:1:2: warning: look here');
      expect(JSON.stringify(told(relative.events))).not.toContain(it.directory);
    } finally {
      process.chdir(cwd);
    }
  });
});

describe('what cannot be followed is not kept', () => {
  test.each([
    ['the time', { 'prog.bpf.c': `${SOURCE}char built[] = __TIME__;\n` }, {}, /uses __TIME__/],
    ['the date, in a header', { 'shared.h': `${HEADER}#define D __DATE__\n` }, {}, /shared\.h uses __DATE__/],
    ['__has_include', { 'shared.h': `#if __has_include("x.h")\n#endif\n${HEADER}` }, {}, /uses __has_include/],
    [
      'a flag with unknown inputs',
      {},
      { cflags: ['-Xclang', '-disable-llvm-verifier'] },
      /what -Xclang makes clang read/,
    ],
    ['a response file', { 'flags.txt': '-DX' }, { cflags: ['@flags.txt'] }, /what @flags\.txt makes/],
  ])('%s', async (_, files, options, obstacle) => {
    const it = project(files);
    const cwd = process.cwd();
    process.chdir(it.directory);
    try {
      expect((await it.build(options)).obstacle).toMatch(obstacle);
      expect(await it.outcome(options)).toBe('built');
    } finally {
      process.chdir(cwd);
    }
  });

  test('a wrapper in the place of clang', async () => {
    const it = project();
    const clang = it.at('bin/clang');
    it.write('bin/clang', '#!/bin/sh\nexec clang "$@"\n');
    const { chmodSync } = await import('node:fs');
    chmodSync(clang, 0o755);
    expect((await it.build({ clang })).obstacle).toMatch(/bin\/clang is a wrapper/);
    expect(await it.outcome({ clang })).toBe('built');
  });

  test('a file that is saved while it is being compiled', async () => {
    const it = project();
    const save = (command: string) => command.includes(' -c ') && it.write('shared.h', '#define LIMIT 1001\n');
    expect((await it.build({ onCommand: save })).obstacle).toMatch(/shared\.h was written during the build/);
    expect(await it.outcome()).toBe('built');
    expect(await it.outcome()).toBe('up to date');
  });

  test('a source that is saved while it is being compiled', async () => {
    const it = project();
    const save = (command: string) => command.includes(' -c ') && it.write('prog.bpf.c', `${SOURCE}int more;\n`);
    expect((await it.build({ onCommand: save })).obstacle).toMatch(/prog\.bpf\.c was written during the build/);
    expect(await it.outcome()).toBe('built');
    it.write('prog.bpf.c', SOURCE);
    expect(await it.outcome()).toBe('built');
  });
});

describe('a broken cache', () => {
  const damage: readonly (readonly [string, (text: string) => string])[] = [
    ['is empty', () => ''],
    ['is cut off', (text) => text.slice(0, text.length / 2)],
    ['is no JSON', () => '\0\0\0\0'],
    ['is other JSON', () => '{"a":[1,2]}'],
    ['is a list of something else', () => '[null, 1, {"inputs":[]}, {"inputs":[["a"]],"artefacts":[]}]'],
    [
      'names files outside as blobs',
      (text) => text.replace(/\["object","\w+"\]/, '["object","../../../../etc/passwd"]'),
    ],
  ];
  test.each(damage)('a record that %s counts as none and is replaced', async (_, spoil) => {
    const it = project();
    await it.build();
    const before = it.artefacts();
    for (const file of entries(it.cacheDir, 'records')) writeFileSync(file, spoil(readFileSync(file, 'utf8')));
    expect(await it.outcome()).toBe('built');
    expect(it.artefacts()).toBe(before);
    expect(await it.outcome()).toBe('up to date');
  });

  test.each([
    ['damaged', (file: string) => writeFileSync(file, 'garbage')],
    ['gone', (file: string) => rmSync(file)],
  ])('blobs that are %s are made again', async (_, spoil) => {
    const it = project();
    await it.build();
    const before = it.artefacts();
    rmSync(it.at('prog.bpf.o'));
    for (const file of entries(it.cacheDir, 'blobs')) spoil(file);
    expect(await it.outcome()).toBe('built');
    expect(it.artefacts()).toBe(before);
    rmSync(it.at('prog.bpf.o'));
    expect(await it.outcome()).toBe('restored');
    expect(it.artefacts()).toBe(before);
  });

  test('no place for it: the build is done all the same', async () => {
    const directory = testDirectory();
    writeFileSync(path.join(directory, 'file'), '');
    const it = new Project(path.join(directory, 'project'), path.join(directory, 'file', 'cache'));
    expect(await it.outcome()).toBe('built');
    expect(await it.outcome()).toBe('built');
  });
});
