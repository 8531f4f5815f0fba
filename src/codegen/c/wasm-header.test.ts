/** The header through real compilers, C and C++, with every warning an error, and the program that includes it printing it back. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { emitWasmHeader } from './wasm-header.ts';

const COMPILERS = [
  ['gcc', 'c', '-std=c99'],
  ['gcc', 'c', '-std=c11'],
  ['clang', 'c', '-std=c99'],
  ['g++', 'c++', '-std=c++98'],
  ['g++', 'c++', '-std=c++17'],
  ['clang++', 'c++', '-std=c++17'],
] as const;
const STRICT = ['-Wall', '-Wextra', '-Werror', '-pedantic'];

const TEXTS: Readonly<Record<string, string>> = {
  'quotes, backslashes and escapes': JSON.stringify({ a: 'say "hi"\n\t\\ end', b: "it's", c: '\u0001' }),
  'other scripts': '{"details":"Größe 日本語 🙂 é"}',
  'trigraphs and comments': '{"a":"??=??/??\'","b":"*/ // /*","c":"%d %s","d":"@GUARD@"}',
  'digits after an escape': '{"é0":"é7ü9"}',
  'longer than any string literal may be': JSON.stringify({ bpf_object: 'QUJD'.repeat(30_000) }),
  nothing: '',
};

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'ecc-wasm-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const has = (compiler: string) => spawnSync(compiler, ['--version']).status === 0;

/** Two files that include the header twice; each prints its copy. */
const FIRST = `#include "ewasm-skel.h"
#include "ewasm-skel.h"
#include <stdio.h>
#include <string.h>
int second(void);
int main(void)
{
	char *text = program_data;
	if (strlen(text) != sizeof(program_data) - 1)
		return 2;
	fwrite(text, 1, sizeof(program_data) - 1, stdout);
	return second();
}
`;
const SECOND = `#include <stdio.h>
#include "ewasm-skel.h"
int second(void);
int second(void)
{
	fwrite(program_data, 1, sizeof(program_data) - 1, stdout);
	return 0;
}
`;
const UNUSED = '#include "ewasm-skel.h"\nint third(void);\nint third(void) { return 3; }\n';

describe.each(COMPILERS)('%s -x %s %s', (compiler, language, standard) => {
  test.skipIf(!has(compiler)).each(Object.entries(TEXTS))('%s', (_name, text) => {
    writeFileSync(path.join(directory, 'ewasm-skel.h'), emitWasmHeader(text));
    writeFileSync(path.join(directory, 'first.c'), FIRST);
    writeFileSync(path.join(directory, 'second.c'), SECOND);
    writeFileSync(path.join(directory, 'unused.c'), UNUSED);
    const options = { cwd: directory, encoding: 'utf8' } as const;
    const files = ['first.c', 'second.c', 'unused.c'];
    const built = spawnSync(compiler, [standard, ...STRICT, '-x', language, ...files, '-o', 'print'], options);
    expect(`${built.stderr}${built.error ?? ''}`).toBe('');
    const { status, stdout } = spawnSync('./print', { ...options, maxBuffer: 1 << 24 });
    expect(status).toBe(0);
    expect(stdout).toBe(text + text);
  });
});

test('headers of two packages have different guards', () => {
  const guard = (text: string) => /#ifndef (\w+)/.exec(emitWasmHeader(text))?.[1];
  expect(guard('{"a":1}')).not.toBe(guard('{"a":2}'));
  expect(guard('{"a":1}')).toBe(guard('{"a":1}'));
});
