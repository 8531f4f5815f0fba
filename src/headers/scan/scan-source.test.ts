import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { requireTool } from '../../../test/support/require.ts';
import { markLine } from '../marker.ts';
import { type IncludePath, ScanCache, type ScanRequest, scanSource } from './scan-source.ts';

/** A scan in a file system that is an object. */
function scan(files: Record<string, string>, options: Partial<ScanRequest> = {}) {
  return scanSource({
    source: 'src/prog.bpf.c',
    text: files['src/prog.bpf.c'] ?? '',
    includePaths: [
      { path: 'inc', system: false },
      { path: 'first', system: true },
      { path: 'usr', system: true },
    ],
    readText: (name) => files[path.normalize(name)],
    ...options,
  });
}

describe('includes', () => {
  test('beside the including file first, then along the path; each file once', () => {
    const found = scan({
      'src/prog.bpf.c': '#include "a.h"\n#include <b.h>\n#include "a.h"',
      'src/a.h': '#include "deep/c.h"\nin_a',
      'src/deep/c.h': '#include "d.h"\n#include "../a.h"\nin_c',
      'src/deep/d.h': 'in_d',
      'inc/b.h': 'in_b',
      'usr/b.h': 'not_reached',
    });
    expect(found.files.map((file) => file.path)).toEqual([
      'src/prog.bpf.c',
      'src/a.h',
      'src/deep/c.h',
      'src/deep/d.h',
      'inc/b.h',
    ]);
    for (const name of ['in_a', 'in_b', 'in_c', 'in_d']) expect(found.identifiers).toContain(name);
    expect(found.identifiers).not.toContain('not_reached');
    expect(found.missing).toEqual([]);
  });

  test('where a file was looked for in vain is told', () => {
    const found = scan({ 'src/prog.bpf.c': '#include "a.h"', 'usr/a.h': '' });
    expect(found.missing).toEqual(['src/a.h', 'inc/a.h', 'first/a.h']);
    expect(found.files).toContainEqual({ path: 'usr/a.h', system: true, isScanned: true });
  });

  test('include_next goes on behind the directory of the including file', () => {
    const found = scan({
      'src/prog.bpf.c': '#include <x.h>',
      'first/x.h': '#include_next <x.h>\nours',
      'usr/x.h': 'theirs',
    });
    expect([...found.identifiers]).toEqual(expect.arrayContaining(['ours', 'theirs']));
    expect(found.files.map((file) => file.path)).toEqual(['src/prog.bpf.c', 'first/x.h', 'usr/x.h']);
  });

  test('a macro in place of the file: from a directive, from another macro, from -D', () => {
    const found = scan(
      {
        'src/prog.bpf.c':
          '#define TWO ONE\n#include TWO\n#include FROM_FLAG\n#include "late.h"\n#include LATE\n#include UNKNOWN',
        'src/late.h': '#define ONE "one.h"\n#define LATE <late2.h>',
        'src/one.h': 'in_one',
        'inc/flag.h': 'in_flag',
        'inc/late2.h': 'in_late2',
      },
      { defines: ['FROM_FLAG="flag.h"', 'TYPE=struct task_struct'] },
    );
    for (const name of ['in_one', 'in_flag', 'in_late2', 'task_struct']) expect(found.identifiers).toContain(name);
  });

  test('macros that name each other end', () => {
    expect(scan({ 'src/prog.bpf.c': '#define A B\n#define B A\n#include A' }).files).toHaveLength(1);
  });

  test('files of -include', () => {
    const found = scan(
      { 'src/prog.bpf.c': '', 'inc/forced.h': 'struct forced { int a; };' },
      { forcedIncludes: ['forced.h'] },
    );
    expect(found.structTags).toEqual([{ tag: 'forced', file: 'inc/forced.h', line: 1 }]);
  });

  test('-iquote does not serve <>', () => {
    const includePaths: IncludePath[] = [{ path: 'quoted', system: false, quotedOnly: true }];
    const files = { 'src/prog.bpf.c': '#include <q.h>', 'quoted/q.h': 'x' };
    expect(scan(files, { includePaths }).files).toHaveLength(1);
    expect(scan({ ...files, 'src/prog.bpf.c': '#include "q.h"' }, { includePaths }).files).toHaveLength(2);
  });
});

test('tags and definitions come from the files of the user, identifiers from all', () => {
  const found = scan({
    'src/prog.bpf.c': '#include <sys.h>\n#include "own.h"',
    'usr/sys.h': 'struct theirs { int a; };',
    'src/own.h': '\nstruct mine { int a; };',
  });
  expect(found.structTags).toEqual([{ tag: 'mine', file: 'src/own.h', line: 2 }]);
  expect([...found.own.tags.keys()]).toEqual(['mine']);
  expect(found.identifiers).toContain('theirs');
});

describe('vmlinux.h', () => {
  test('there need not be one', () => {
    const found = scan({ 'src/prog.bpf.c': '#include "vmlinux.h"' });
    expect(found.includesVmlinux).toBe(true);
    expect(found.ownVmlinux).toBeUndefined();
    expect(scan({ 'src/prog.bpf.c': '' }).includesVmlinux).toBe(false);
  });

  test("the user's own is found and its thousands of names are not taken", () => {
    const large = `struct task_struct { int pid; };${' '.repeat(70_000)}`;
    const found = scan({ 'src/prog.bpf.c': '#include <vmlinux.h>', 'inc/vmlinux.h': large });
    expect(found.ownVmlinux).toBe('inc/vmlinux.h');
    expect(found.identifiers).not.toContain('task_struct');
  });

  test('a stub is followed', () => {
    const found = scan({
      'src/prog.bpf.c': '#include "vmlinux.h"',
      'src/vmlinux.h': '#include "vmlinux_601.h"',
      'src/vmlinux_601.h': '',
    });
    expect(found.ownVmlinux).toBe('src/vmlinux.h');
    expect(found.files.map((file) => file.path)).toContain('src/vmlinux_601.h');
  });

  test('a stub that includes one that is nowhere adds to ours', () => {
    const stub = { 'src/prog.bpf.c': '#include "vmlinux.h"', 'src/vmlinux.h': '#include <vmlinux.h>\nint more;' };
    const found = scan(stub);
    expect(found.includesVmlinux).toBe(true);
    expect(found.ownVmlinux).toBeUndefined();
    expect(found.identifiers).toContain('more');
    expect(scan({ ...stub, 'inc/vmlinux.h': 'struct a {};' }).ownVmlinux).toBe('src/vmlinux.h');
  });

  test('one that we wrote is none', () => {
    const found = scan({ 'src/prog.bpf.c': '#include "vmlinux.h"', 'src/vmlinux.h': markLine('6.18 x86') });
    expect(found.ownVmlinux).toBeUndefined();
  });
});

test('the prototypes of the helpers are not searched for names', () => {
  const found = scan({
    'src/prog.bpf.c': '#include <bpf_helper_defs.h>',
    'usr/bpf_helper_defs.h': 'struct tcp6_sock;',
  });
  expect(found.files).toHaveLength(2);
  expect(found.identifiers).not.toContain('tcp6_sock');
});

test('a cache serves files that are the same, and only those', () => {
  const cache = new ScanCache();
  const source = { 'src/prog.bpf.c': '#include "a.h"' };
  expect(scan({ ...source, 'src/a.h': 'one' }, { cache }).identifiers).toContain('one');
  expect(scan({ ...source, 'src/a.h': 'one' }, { cache }).identifiers).toContain('one');
  expect([...scan({ ...source, 'src/a.h': 'two' }, { cache }).identifiers]).toEqual(['two']);
});

test('every file that clang reads was seen', (context) => {
  const clang = requireTool(context, 'clang');
  const fixtures = path.resolve('fixtures');
  const includes = ['/usr/include/x86_64-linux-gnu', '/usr/include', path.resolve('templates/include')];
  let compared = 0;
  for (const name of readdirSync(fixtures)) {
    const source = path.join(fixtures, name, `${name}.bpf.c`);
    const flags = ['-I', includes[2]!, '-I', path.join(fixtures, name, 'include'), '-idirafter', includes[0]!];
    let rule: string;
    try {
      const args = ['-target', 'bpf', '-M', '-MG', '-D__TARGET_ARCH_x86', ...flags, source];
      rule = execFileSync(clang, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    } catch {
      continue; // needs more than this test gives it
    }
    const scanned = scanSource({
      source,
      text: readFileSync(source, 'utf8'),
      includePaths: [
        { path: includes[2]!, system: true },
        { path: path.join(fixtures, name, 'include'), system: false },
        { path: includes[1]!, system: true },
        { path: includes[0]!, system: true },
      ],
    });
    const seen = new Set(scanned.files.map((file) => realpathSync(file.path)));
    const read = rule.slice(rule.indexOf(':') + 1).match(/[^\s\\]+/g) ?? [];
    // clang's own headers are not on the path that was given
    const expected = read.filter((file) => file.startsWith('/') && !file.includes('/lib/clang/'));
    for (const file of expected) expect(seen, `${name}: ${file}`).toContain(realpathSync(file));
    compared += expected.length;
  }
  expect(compared).toBeGreaterThan(100);
});
