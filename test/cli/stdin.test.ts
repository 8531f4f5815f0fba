/** `-` for a file: every command that reads one takes it from standard input. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { packPackage } from 'ebpf-ecc';
import { beforeAll, expect, test } from 'vitest';
import { ecc } from '../support/cli.ts';
import { FixtureCompiler } from '../support/ecc.ts';
import { getFixture } from '../support/fixtures.ts';
import { fileDirectory } from '../support/temporary.ts';

const directory = fileDirectory();
const compiler = new FixtureCompiler(path.join(directory, 'cache'));
let input: string;

beforeAll(async () => {
  input = Buffer.from(packPackage(await compiler.compile(getFixture('execwatch')))).toString();
});

test('inspect, types and unpack read a package', async () => {
  const [info, types, unpacked] = await Promise.all([
    ecc(['inspect', 'package', '-'], { input }),
    ecc(['types', '-'], { input }),
    ecc(['unpack', '-', '-o', directory], { input }),
  ]);
  for (const { status, stderr } of [info, types, unpacked]) expect(status, stderr).toBe(0);
  expect(JSON.parse(info.stdout)).toBeInstanceOf(Object);
  // Nothing but the package's list of export types leads to it.
  expect(types.stdout).toMatch(/^\/\/ Types and decoders of standard input, [\s\S]*export interface Event {/);
  expect(readFileSync(path.join(directory, 'execwatch.bpf.o')).subarray(0, 4).toString('latin1')).toBe('\x7fELF');
});

test('nothing there is said to be so', async () => {
  const { status, stderr } = await ecc(['types', '-'], { input: '' });
  expect(status).not.toBe(0);
  expect(stderr).toMatch(/^error\[\w+\]: /);
});
