/** What the pages claim, run: options, exit statuses, doc comments, the package's keys, warnings, the README's program. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { compile, packPackage } from 'ebpf-ecc';
import { expect, test } from 'vitest';
import { ExitCode } from '../../src/core/errors.ts';
import { ecc, TINY } from '../support/cli.ts';
import { fixturePath, getFixture } from '../support/fixtures.ts';
import { testDirectory } from '../support/temporary.ts';

const root = path.join(import.meta.dirname, '../..');
const page = (name: string) => readFileSync(path.join(root, name), 'utf8');
/** The code blocks of a page in one language. */
const blocks = (name: string, language: string) =>
  [...page(name).matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map((match) => match[1]!);

async function compileText(text: string) {
  const source = path.join(testDirectory(), 'example.bpf.c');
  writeFileSync(source, text);
  return compile(source);
}

const long = (text: string) => new Set([...text.matchAll(/(?<![\w-])--[a-z][a-z-]+/g)].map(([option]) => option));

test('usage.md names every option that --help shows, and no other', async () => {
  const help = long((await ecc(['--help'])).stdout);
  const usage = long(page('docs/usage.md').split('## The kernel header')[0]!);
  for (const option of ['--help', '--version']) help.delete(option);
  const elsewhere = long(page('docs/artefacts.md'));
  expect([...help].filter((option) => !usage.has(option) && !elsewhere.has(option))).toEqual([]);
  expect([...usage].filter((option) => !help.has(option))).toEqual([]);
});

test('usage.md lists the exit statuses', () => {
  const listed = [...page('docs/usage.md').matchAll(/^\| (\d+) \|/gm)].map(([, status]) => Number(status));
  expect(listed).toEqual(Object.values(ExitCode));
});

test('the two includes of usage.md are enough for a program', async () => {
  const [includes] = blocks('docs/usage.md', 'c');
  const { object } = await compileText(
    `${includes}\nint size(struct task_struct *t) { return sizeof(*t); }\nchar LICENSE[] SEC("license") = "GPL";\n`,
  );
  expect(object.length).toBeGreaterThan(0);
});

test('the comments of doc-comments.md become what it says', async () => {
  const [option, rest] = blocks('docs/doc-comments.md', 'c');
  const types = '#include "vmlinux.h"\n#include <bpf/bpf_helpers.h>\nstruct hist { u32 slots[8]; };\n';
  const { meta, warnings } = await compileText(`${types}${option}\n${rest}`);
  const { data_sections, maps, progs, doc } = meta.bpf_skel;
  expect(data_sections[0]?.variables[0]).toMatchObject({
    name: 'target_pid',
    description: 'Process to trace.',
    cmdarg: { default: 0, short: 'p', long: 'pid', help: 'process id, 0 for all' },
  });
  expect(maps[0]).toMatchObject({ name: 'hists', sample: { interval: 1000, type: 'log2_hist' } });
  expect(progs[0]).toMatchObject({ name: 'pass', attach: 'xdp', ifindex: 1, flags: 0 });
  expect(doc).toEqual({ brief: 'Traces signals.', version: '0.1' });
  expect(meta.export_types?.map(({ name }) => name)).toEqual(['hist']);
  expect(warnings).toEqual([]);
});

test('package-format.md names the keys that a package has', async () => {
  const { source, header } = getFixture('annotated');
  const compiled = await compile(fixturePath(source), { exportHeader: fixturePath(header!) });
  const file = JSON.parse(packPackage(compiled)) as Record<string, Record<string, object>>;
  const text = page('docs/package-format.md');
  const keys = [...Object.keys(file), ...Object.keys(file.meta!), ...Object.keys(file.meta!.bpf_skel!)].filter(
    (key) => key !== 'meta',
  );
  expect(keys.length).toBeGreaterThan(8);
  expect(keys.filter((key) => !text.includes(key))).toEqual([]);
});

test('package-format.md lists the warnings about the loader', () => {
  const loader = path.join(root, 'src/package/loader');
  const sources = readdirSync(loader).map((name) => readFileSync(path.join(loader, name), 'utf8'));
  const codes = (text: string) => [...new Set(text.match(/LOADER_[A-Z0-9_]+/g))].sort();
  expect(codes(page('docs/package-format.md'))).toEqual(codes(sources.join('\n')));
});

test("the README's example for TypeScript", async () => {
  const [example] = blocks('README.md', 'ts');
  const { source, header } = getFixture('annotated');
  const directory = testDirectory();
  const body = example!
    .replace(/^import .*$/gm, '')
    .replaceAll("'bootstrap.bpf.c'", JSON.stringify(fixturePath(source)))
    .replaceAll("'bootstrap.h'", JSON.stringify(fixturePath(header!)))
    .replaceAll("'package.json'", JSON.stringify(path.join(directory, 'package.json')));
  const printed: unknown[] = [];
  const { readFile, writeFile } = await import('node:fs/promises');
  const { readPackage } = await import('ebpf-ecc');
  const names = {
    compile,
    packPackage,
    readPackage,
    readFile,
    writeFile,
    console: { log: (value: unknown) => printed.push(value) },
  };
  const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor as FunctionConstructor;
  await new AsyncFunction(...Object.keys(names), body)(...Object.values(names));
  expect(printed).toEqual([['lie_down', 'get_up']]);
});

test('the first lines of the README are what ecc prints', async () => {
  const expected = /\$ ecc sigsnoop\.bpf\.c\n((?: {4}.*\n)+)/.exec(page('README.md'))![1]!.replaceAll('    ', '');
  const directory = testDirectory();
  writeFileSync(path.join(directory, 'sigsnoop.bpf.c'), TINY);
  expect((await ecc(['sigsnoop.bpf.c'], { cwd: directory })).stderr).toBe(expected);
});
