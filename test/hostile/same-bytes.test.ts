/** The same source gives the same bytes: wherever, whoever, whenever, with each clang; and no artefact names the machine. */
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { openObject } from '../../src/object/open.ts';
import { readPackage } from '../../src/package/unpack.ts';
import { ecc, TINY } from '../support/cli.ts';
import { fileDirectory } from '../support/temporary.ts';
import { installedClangs } from '../support/tools.ts';

const SOURCE = TINY.replace(
  'char LICENSE',
  '#include "event.h"\n#include <common.h>\nstruct event e = {};\nint c = COMMON;\nchar LICENSE',
);
const EVENT = '/** what is sent */\nstruct event { int pid; char comm[16]; };\n';

function makeProject(directory: string): void {
  mkdirSync(path.join(directory, 'inc'), { recursive: true });
  writeFileSync(path.join(directory, 'a.bpf.c'), SOURCE);
  writeFileSync(path.join(directory, 'event.h'), EVENT);
  writeFileSync(
    path.join(directory, 'inc', 'common.h'),
    'static const char *where(void) { return __FILE__; }\n#define COMMON 3\n',
  );
}

/** Artefacts by name. */
function artefacts(directory: string): ReadonlyMap<string, Buffer> {
  const names = readdirSync(directory).filter((name) => /\.(o|json|yaml|ts)$/.test(name));
  return new Map(names.sort().map((name) => [name, readFileSync(path.join(directory, name))]));
}

describe.each(installedClangs())('%s', (clang) => {
  const root = fileDirectory();
  const common = ['a.bpf.c', 'event.h', '--ts', '-c', clang];

  test('in two places, by different ways', async () => {
    const [one, two, three] = ['one', 'two/deeper still', 'three'].map((name) => path.join(root, name)) as [
      string,
      string,
      string,
    ];
    for (const directory of [one, two, three]) makeProject(directory);
    const out = path.join(root, 'out');
    const temporary = path.join(root, 'tmp');
    mkdirSync(temporary);
    const build = async (args: string[], cwd: string, env: Record<string, string> = {}) =>
      expect(await ecc(args, { cwd, env }), args.join(' ')).toMatchObject({ status: 0 });

    await build([...common, '-a', '-Iinc'], one, { TZ: 'UTC', LANG: 'C' });
    const expected = artefacts(one);
    expect([...expected.keys()]).toEqual(['a.bpf.o', 'a.bpf.ts', 'a.skel.json', 'package.json']);

    const elsewhere = {
      TZ: 'Asia/Tokyo',
      LANG: 'ja_JP.UTF-8',
      LC_ALL: 'tr_TR',
      TMPDIR: temporary,
      HOME: '/nonexistent',
      USER: 'somebody',
      SOURCE_DATE_EPOCH: '1',
      ECC_CACHE_DIR: path.join(root, 'cache'),
      ECC_CACHE_SIZE: '64',
    };
    await build([...common, '-a', '-Iinc'], two, elsewhere);
    expect(artefacts(two)).toEqual(expected);
    await build([...common, '-a', '-Iinc', '-o', out], two, elsewhere);
    expect(artefacts(out), 'with -o, from the cache').toEqual(expected);
    await build([...common, '-a', '-Iinc', '--no-cache'], two, elsewhere);
    expect(artefacts(two), 'without the cache').toEqual(expected);
    // beside another source; packages of several are called after them
    cpSync(path.join(three, 'a.bpf.c'), path.join(three, 'b.bpf.c'));
    await build([...common, 'b.bpf.c', '-a', '-Iinc', '--no-cache'], three);
    expect(artefacts(three).get('a.package.json')).toEqual(expected.get('package.json'));
    expect(artefacts(three).get('a.bpf.ts')).toEqual(expected.get('a.bpf.ts'));
  });

  test('in directories with = in their names', async () => {
    const [plain, odd] = ['plain', 'a=b=c'].map((name) => path.join(root, name)) as [string, string];
    const temporary = path.join(root, 'tmp=dir');
    mkdirSync(temporary);
    for (const directory of [plain, odd]) makeProject(directory);
    const build = async (cwd: string, files: readonly string[], include: string, env: Record<string, string> = {}) => {
      const args = [...files, '--ts', '-c', clang, '-a', include, '--depfile', path.join(root, 'deps')];
      expect(await ecc(args, { cwd, env })).toMatchObject({ status: 0, stdout: '' });
      return readFileSync(path.join(root, 'deps'), 'utf8');
    };
    await build(plain, ['a.bpf.c', 'event.h'], '-Iinc');
    const expected = artefacts(plain);
    const below = ['a=b=c/a.bpf.c', 'a=b=c/event.h'];
    const deps = await build(root, below, '-Ia=b=c/inc');
    expect(deps).toMatch(/: \\\n {2}a=b=c\/a\.bpf\.c \\\n {2}a=b=c\/event\.h \\\n {2}a=b=c\/inc\/common\.h\n/);
    const objects = (directory: string) =>
      new Map([...artefacts(directory)].filter(([name]) => name !== 'package.json'));
    expect(objects(odd), 'relative').toEqual(objects(plain));
    await build(root, below, `-I${odd}/inc/`, { TMPDIR: temporary });
    expect(objects(odd), 'include directory absolute').toEqual(objects(plain));
    await build(odd, ['a.bpf.c', 'event.h'], '-Iinc', { TMPDIR: temporary });
    expect(artefacts(odd), 'from within, TMPDIR likewise').toEqual(expected);
    expect(readdirSync(temporary)).toEqual([]);

    // clang's messages have the names that were given
    writeFileSync(path.join(odd, 'inc', 'common.h'), '#define COMMON oops\n');
    const failed = await ecc([...below, '-c', clang, '-a', '-Ia=b=c/inc'], { cwd: root });
    expect(failed.status).toBe(4);
    expect(failed.stderr).toMatch(/^a=b=c\/a\.bpf\.c:\d+:\d+: error: /m);
    expect(failed.stderr).toMatch(/^a=b=c\/inc\/common\.h:1:\d+: note: /m);
    expect(failed.stderr).not.toContain('directory0');
  });

  test('named from elsewhere, and no artefact names the machine', async () => {
    const [one, two] = ['secret-home-1', 'secret-home-2'].map((name) => path.join(root, name)) as [string, string];
    const made: ReadonlyMap<string, Buffer>[] = [];
    for (const directory of [one, two]) {
      makeProject(directory);
      const args = [
        path.join(directory, 'a.bpf.c'),
        path.join(directory, 'event.h'),
        '--ts',
        '-c',
        clang,
        '-a',
        `-I${directory}/inc`,
      ];
      expect(await ecc(args, { cwd: root, env: { USER: 'secret-user', LOGNAME: 'secret-user' } })).toMatchObject({
        status: 0,
      });
      made.push(artefacts(directory));
    }
    expect(made[0]).toEqual(made[1]);
    const { object, buildInfo } = await readPackage(made[0]!.get('package.json')!);
    for (const [name, bytes] of [...made[0]!, ['the object in the package', object] as const]) {
      const text = Buffer.from(bytes).toString('latin1');
      expect(text, name).not.toMatch(/secret|\/tmp|ecc-test/);
    }
    expect(buildInfo?.sources.map(({ name }) => name)).toEqual(['a.bpf.c', 'event.h', 'inc/common.h']);
    expect(buildInfo?.cflags).toEqual(['-Iinc']);
    const { btf, btfExt } = openObject(object);
    const lines = [...(btfExt?.lines.values() ?? [])].flat();
    expect(new Set(lines.map(({ fileNameOff }) => btf!.string(fileNameOff)))).toEqual(new Set(['./a.bpf.c']));
    expect(lines.map(({ lineOff }) => btf!.string(lineOff))).toContain('\tint pid = bpf_get_current_pid_tgid() >> 32;');
  });
});
