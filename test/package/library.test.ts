/** The bundle that `import 'ebpf-ecc'` gives: what it loads only when it is needed is there, under the names that it is asked for. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { ecc, TINY } from '../support/cli.ts';
import { run } from '../support/command.ts';
import { testDirectory } from '../support/temporary.ts';

const LIBRARY = pathToFileURL(path.join(import.meta.dirname, '..', '..', 'dist', 'index.js')).href;

test('packages in both formats, by plain Node', async () => {
  const directory = testDirectory();
  writeFileSync(path.join(directory, 'sample.bpf.c'), TINY);
  for (const flags of [[], ['-y']])
    expect(await ecc(['sample.bpf.c', ...flags], { cwd: directory })).toMatchObject({ status: 0 });
  const script = `
    import { readFileSync, writeFileSync } from 'node:fs';
    const { build, readPackage } = await import(${JSON.stringify(LIBRARY)});
    for (const name of ['package.json', 'package.yaml']) console.log((await readPackage(readFileSync(name))).object.length);
    await build({ sources: ['sample.bpf.c'], outDir: 'out', yaml: true, cacheDir: false });
  `;
  const { stdout, stderr, status } = await run(process.execPath, ['--input-type=module', '-e', script], {
    cwd: directory,
  });
  expect(status, stderr).toBe(0);
  const size = readFileSync(path.join(directory, 'sample.bpf.o')).length;
  expect(stdout).toBe(`${size}\n${size}\n`);
  expect(readFileSync(path.join(directory, 'out/package.yaml'))).toEqual(
    readFileSync(path.join(directory, 'package.yaml')),
  );
});
