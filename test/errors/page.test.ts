/** docs/errors.md lists every code that the program can give, and no other; and each has a test that expects it. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { errorText } from '../../src/cli/report.ts';
import { ecc } from '../support/cli.ts';
import { noteOutput } from '../support/messages.ts';
import { testDirectory } from '../support/temporary.ts';

const ROOT = path.join(import.meta.dirname, '..', '..');

const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');

function typescript(directory: string): string[] {
  return readdirSync(path.join(ROOT, directory), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => path.join(directory, name));
}

const isTest = (file: string) => file.endsWith('.test.ts');

/** Every string of the source that looks like a code. */
function codesInSource(): Set<string> {
  const codes = new Set<string>();
  for (const file of typescript('src').filter((name) => !isTest(name))) {
    const text = read(file);
    for (const [, code] of text.matchAll(
      /'((?:USAGE|TOOL|COMPILE|ELF|BTF|PKG|UNSUP|LOAD|LOADER|IO|DOC|HEADER|EXPORT|SECTION)_[A-Z0-9_]*[A-Z0-9])'/g,
    ))
      codes.add(code!);
    for (const [, code] of text.matchAll(/(?:Error\(|code: )'([A-Z][A-Z0-9_]+)'/g)) codes.add(code!);
  }
  // made of what is looked for: a map, a program
  codes.add('USAGE_MAP').add('USAGE_PROGRAM');
  for (const errno of ['EISDIR']) codes.delete(errno);
  return codes;
}

test('the page lists exactly the codes that there are', () => {
  const listed = [...read('docs/errors.md').matchAll(/^\| `([A-Z][A-Z0-9_]+)` \|/gm)].map(([, code]) => code!);
  expect(
    listed.filter((code, i) => listed.indexOf(code) !== i),
    'listed twice',
  ).toEqual([]);
  expect(listed.sort()).toEqual([...codesInSource()].sort());
});

test('every code is expected by a test', () => {
  const tests = [...typescript('src').filter(isTest), ...typescript('test')]
    .filter((file) => !file.endsWith('page.test.ts'))
    .map(read)
    .join('\n');
  const untested = [...codesInSource()].filter((code) => !new RegExp(`\\b${code}\\b`).test(tests));
  expect(untested).toEqual([]);
});

test('the first example of the page is what ecc prints', async () => {
  const block = /^ {4}\$ ecc (.*)\n((?: {4}.*\n)+)/m.exec(read('docs/errors.md'));
  const directory = testDirectory();
  writeFileSync(
    path.join(directory, 'queue.bpf.c'),
    '#include "vmlinux.h"\n#include <bpf/bpf_helpers.h>\n\nchar LICENSE[] SEC("license") = "GPL";\n\nSEC("tc")\nint queued(struct cfs_rq *q)\n{\n\treturn q->nr_queued;\n}\n',
  );
  const { stderr } = await ecc(block![1]!.split(' '), { cwd: directory });
  // the page leaves out the line of the source and what clang draws below
  const lines = stderr.split('\n').filter((line) => /^(error|queue\.bpf\.c:| {2}help: | {8}repeat)/.test(line));
  expect(lines).toEqual(block![2]!.replaceAll(/^ {4}/gm, '').trimEnd().split('\n'));
});

test('what is no error of ours is told as a bug, with where it arose', () => {
  const text = errorText(new TypeError('x is not a function'));
  noteOutput(text);
  expect(text).toMatch(/^error\[INTERNAL\]: this is a bug in ecc\nTypeError: x is not a function\n {4}at .*\n/);
  expect(text).toMatch(/\n {2}help: please report it with the lines above\n$/);
});
