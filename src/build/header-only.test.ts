/** What clang says about headers that forgot includes, and that our advice mends them. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { noteWarnings } from '../../test/support/messages.ts';
import { findForgottenIncludes, HEADER_ONLY_FLAGS } from './header-only.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'ecc-header-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function clang(text: string, ...flags: string[]): { status: number | null; stderr: string } {
  writeFileSync(path.join(directory, 'event.h'), text);
  const args = ['-target', 'bpf', '-g', '-O2', '-c', '-idirafter', '/usr/include/x86_64-linux-gnu', ...flags];
  const options = { cwd: directory, encoding: 'utf8' } as const;
  return spawnSync('clang', [...args, ...HEADER_ONLY_FLAGS, 'event.h', '-o', 'event.o'], options);
}

const isHeader = (file: string) => file === 'event.h';
const BODY = `struct event {
	__u32 pid;
	bool last;
	uint64_t when;
	char name[PATH_MAX];
	__u32 again;
	size_t length;
	pid_t parent;
};
`;

describe.skipIf(spawnSync('clang', ['--version']).status !== 0)('with clang', () => {
  test.each(['-fno-color-diagnostics', '-fcolor-diagnostics'])(
    'each name once, where it is used first (%s)',
    (flag) => {
      const { status, stderr } = clang(BODY, flag);
      expect(status).not.toBe(0);
      const found = findForgottenIncludes(stderr, isHeader);
      noteWarnings(found);
      expect(found.map(({ message, line, column }) => [message.split(' ')[0], line, column])).toEqual([
        ['__u32', 2, 2],
        ['bool', 3, 2],
        ['uint64_t', 4, 2],
        ['PATH_MAX', 5, 12],
        ['size_t', 7, 2],
        ['pid_t', 8, 2],
      ]);
    },
  );

  test('what is advised makes the header whole', () => {
    const { stderr } = clang(BODY);
    const includes = findForgottenIncludes(stderr, isHeader).map(({ hint }) => /#include (<.*?>)/.exec(hint!)![1]);
    expect(includes).toEqual([
      '<linux/types.h>',
      '<stdbool.h>',
      '<stdint.h>',
      '<limits.h>',
      '<stddef.h>',
      '<sys/types.h>',
    ]);
    // glibc's 32-bit stubs are not there for this target
    spawnSync('mkdir', ['-p', path.join(directory, 'gnu')]);
    writeFileSync(path.join(directory, 'gnu/stubs-32.h'), '');
    const whole = includes.map((include) => `#include ${include}\n`).join('') + BODY;
    const { status, stderr: after } = clang(`#pragma once\n${whole}`, '-idirafter', '.', '-Werror');
    expect(after).toBe('');
    expect(status).toBe(0);
  });

  test('names of other files are not the header’s', () => {
    writeFileSync(path.join(directory, 'other.h'), 'struct other { __u64 x; };\n');
    const { stderr } = clang('#include "other.h"\nstruct event { sock_t s; };\n');
    const found = findForgottenIncludes(stderr, isHeader);
    expect(found.map(({ message }) => message.split(' ')[0])).toEqual(['sock_t']);
    expect(found[0]!.hint).toContain('vmlinux.h');
  });

  test('a whole header gives nothing', () => {
    expect(findForgottenIncludes(clang('struct event { int pid; };\n').stderr, isHeader)).toEqual([]);
  });
});
