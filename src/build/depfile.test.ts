/** What GNU make and Ninja themselves do with our dependency files: the first run builds, the second does nothing, a touched file rebuilds. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { emitDepfile } from './depfile.ts';

const hasTool = (name: string) => spawnSync(name, ['--version']).status === 0;

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'ecc-depfile-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const at = (name: string) => path.join(directory, name);
const builds = () => readFileSync(at('log'), 'utf8').length;
const touch = (name: string, seconds: number) => {
  const time = Date.now() / 1000 + seconds;
  utimesSync(at(name), time, time);
};

function prepare(names: readonly string[], depfile: string): void {
  for (const name of names) {
    mkdirSync(path.dirname(at(name)), { recursive: true });
    writeFileSync(at(name), '');
    touch(name, -100);
  }
  writeFileSync(at('d'), depfile);
  touch('d', -50);
  writeFileSync(at('log'), '');
}

function run(tool: string): void {
  const { status, stdout, stderr } = spawnSync(tool, { cwd: directory, encoding: 'utf8' });
  expect(status, `${stdout}${stderr}`).toBe(0);
}

/** Builds, builds again, touches each dependency. */
function expectRebuilds(tool: string, dependencies: readonly string[]): void {
  run(tool);
  expect(builds()).toBe(1);
  run(tool);
  expect(builds(), 'second run').toBe(1);
  dependencies.forEach((name, index) => {
    touch(name, 10 + index);
    run(tool);
    expect(builds(), `after touching ${name}`).toBe(2 + index);
    touch('out', 10 + index);
    touch(name, -100);
  });
}

const NAMES = [
  'a.bpf.c',
  'plain.h',
  'with blank.h',
  'sh#arp.h',
  'do$llar.h',
  '$(x).h',
  'ünï.h',
  'dir/sub dir/x.h',
  '-dash.h',
  'at@.h',
  '{b}+~.h',
];
/** Make takes `a=b` for a variable where it is the first dependency; Ninja has no way to write a quote. */
const MAKE_ONLY = ['eq=ual.h', "quo'te.h"];

describe.skipIf(!hasTool('make'))('make', () => {
  const makefile = 'out:\n\t@printf x >> log\n\t@touch out\n-include d\n';

  test.each([...NAMES, 'co:lon.h', 'per%cent.h', 'back\\slash.h', 'back\\ blank.h', "quo'te.h"])('%s', (name) => {
    prepare([name], emitDepfile({ targets: ['out'], dependencies: [name] }));
    writeFileSync(at('Makefile'), makefile);
    expectRebuilds('make', [name]);
  });

  test('all at once, and a deleted header', () => {
    const names = [...NAMES, ...MAKE_ONLY];
    prepare(names, emitDepfile({ targets: ['out', 'second out'], dependencies: names }));
    writeFileSync(at('Makefile'), makefile);
    expectRebuilds('make', names);
    const before = builds();
    rmSync(at('plain.h'));
    run('make');
    expect(builds()).toBe(before + 1);
  });
});

describe.skipIf(!hasTool('ninja'))('ninja', () => {
  const ninja = 'rule r\n  command = printf x >> log; touch out\n  depfile = d\nbuild out: r\n';

  test.each([...NAMES, 'co:lon.h', 'per%cent.h', 'back\\slash.h'])('%s', (name) => {
    prepare([name], emitDepfile({ targets: ['out'], dependencies: [name] }));
    writeFileSync(at('build.ninja'), ninja);
    expectRebuilds('ninja', [name]);
  });

  test('all at once, with several outputs', () => {
    prepare(NAMES, emitDepfile({ targets: ['out', 'sub/second out'], dependencies: NAMES }));
    const declared = ninja.replace('build out:', 'build out sub/second$ out:');
    writeFileSync(at('build.ninja'), declared.replace('touch out', "mkdir -p sub; touch out 'sub/second out'"));
    expectRebuilds('ninja', NAMES);
  });
});

test('each file once, in the order given', () => {
  expect(emitDepfile({ targets: ['o/a.bpf.o', 'o/package.json'], dependencies: ['a.bpf.c', 'a.h', 'a.bpf.c'] })).toBe(
    'o/a.bpf.o o/package.json: \\\n  a.bpf.c \\\n  a.h\n\na.h:\n',
  );
});

test('a name with a line break is refused', () => {
  expect(() => emitDepfile({ targets: ['a'], dependencies: ['b\nc'] })).toThrow(
    expect.objectContaining({ code: 'USAGE_DEPFILE_NAME' }),
  );
});
