/** docs/errors.md lists every code that the program can give, and no other; and each has a test that expects it. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

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
