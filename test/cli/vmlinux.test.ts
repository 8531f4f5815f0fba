/** `ecc vmlinux` writes the whole header without a stream: it has to come out whole all the same, wherever it goes. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { ECC, ecc } from '../support/cli.ts';
import { run } from '../support/command.ts';
import { fileDirectory } from '../support/temporary.ts';

const directory = fileDirectory();
let whole: string;

beforeAll(async () => {
  // an option more, and yargs reads the line
  const { status, stdout } = await ecc(['vmlinux', '--vmlinux', '6.18', '--target-arch', 'x86']);
  expect(status).toBe(0);
  expect(stdout.length).toBeGreaterThan(2e6);
  whole = stdout;
});

test('to a file', async () => {
  const file = path.join(directory, 'vmlinux.h');
  await run('sh', ['-c', '"$0" "$1" vmlinux --vmlinux 6.18 >"$2"', process.execPath, ECC, file]);
  expect(readFileSync(file, 'utf8') === whole).toBe(true);
});

test('to a reader that takes its time', async () => {
  const child = spawn(process.execPath, [ECC, 'vmlinux', '--vmlinux', '6.18'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  await new Promise((resolve) => setTimeout(resolve, 1500));
  for await (const chunk of child.stdout.setEncoding('latin1')) text += chunk;
  expect(text === whole).toBe(true);
});
