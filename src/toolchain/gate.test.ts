import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { GATE_FILE } from './gate.ts';
import { type RunOptions, runTool } from './run.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'ecc-gate-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const SH = { name: 'sh', path: '/bin/sh' };

/** A tool that notes that it runs, reads the gate, if it has one, and then the input. */
const READER = 'echo started >"$1/started"; [ -z "$2" ] || cat "$2" || exit 1; cat "$1/input"; exit 7';

function start(script: string, until: Promise<void>, options: RunOptions = {}) {
  const args = ['-c', script, 'sh', directory];
  return runTool(SH, args, { ...options, isUrgent: true, held: { until, args: [...args, GATE_FILE] } });
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(condition()).toBe(true);
}

/** Command lines of all processes that name the test's directory. */
function processes(): string {
  return spawnSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
    .stdout.split('\n')
    .filter((line) => line.includes(directory))
    .join('\n');
}

test('starts at once, reads its input when that is there', async () => {
  let open = () => {};
  const result = start(
    READER,
    new Promise((resolve) => {
      open = resolve;
    }),
  );
  await until(() => existsSync(path.join(directory, 'started')));
  writeFileSync(path.join(directory, 'input'), 'made late');
  open();
  const { exitCode, stdout, stderr } = await result;
  expect([exitCode, stdout.toString(), stderr]).toEqual([7, 'made late', '']);
  expect(processes()).toBe('');
});

test('names are no shell code', async () => {
  const word = '$(touch x) "`id`';
  const args = ['-c', 'echo "$1"', 'sh', word];
  const { stdout } = await runTool(SH, args, { isUrgent: true, held: { until: Promise.resolve(), args } });
  expect(stdout.toString()).toBe(`${word}\n`);
});

test('ends when the input cannot be made', async () => {
  const failure = new Error('no input');
  await expect(start(READER, Promise.reject(failure))).rejects.toBe(failure);
  await until(() => processes() === '');
});

test('a tool that is cancelled', async () => {
  const stop = new AbortController();
  const result = start(READER, new Promise(() => {}), { signal: stop.signal });
  await until(() => existsSync(path.join(directory, 'started')));
  stop.abort();
  await expect(result).rejects.toThrow('aborted');
  await until(() => processes() === '');
});

test('how the tool ends, by itself or by a signal, early or late', async () => {
  expect((await start('exit 3', Promise.resolve())).exitCode).toBe(3);
  await expect(start('kill -9 $$', Promise.resolve())).rejects.toMatchObject({
    message: '/bin/sh: was killed by SIGKILL',
  });
  await expect(start('cat "$2"; kill -11 $$', Promise.resolve())).rejects.toMatchObject({
    message: '/bin/sh: was killed by SIGSEGV',
  });
});

test('a tool that does not get the pipe through, one that is not there: run as usual', async () => {
  writeFileSync(path.join(directory, 'input'), 'x');
  const { exitCode, stdout } = await start(`exec 3<&-; ${READER}`, Promise.resolve());
  expect([exitCode, stdout.toString()]).toEqual([7, 'x']);
  const missing = { name: 'clang', path: path.join(directory, 'clang') };
  const held = { until: Promise.resolve(), args: [] };
  await expect(runTool(missing, [], { isUrgent: true, held })).rejects.toMatchObject({ code: 'TOOL_FAILED' });
});

test('when our own process is killed, the tool goes on and ends', async () => {
  const script = path.join(directory, 'parent.mjs');
  const run = path.join(import.meta.dirname, '..', '..', 'dist', 'index.js');
  expect(existsSync(run)).toBe(true);
  // a clang that tells when it runs, and what became of its gate
  const clang = path.join(directory, 'clang');
  writeFileSync(clang, `#!/bin/sh\necho $$ >"${directory}/started"\ncat <&3\necho over >"${directory}/over"\n`, {
    mode: 0o755,
  });
  writeFileSync(
    script,
    `import { compile } from ${JSON.stringify(run)};
import { existsSync } from 'node:fs';
const source = ${JSON.stringify(path.join(directory, 'x.bpf.c'))};
setInterval(() => { if (existsSync(${JSON.stringify(path.join(directory, 'started'))})) process.kill(process.pid, 'SIGKILL'); }, 1);
await compile(source, { clang: ${JSON.stringify(clang)}, cacheDir: false });
`,
  );
  writeFileSync(path.join(directory, 'x.bpf.c'), '#include "vmlinux.h"\nint x;\n');
  spawnSync(process.execPath, [script]);
  await until(() => existsSync(path.join(directory, 'over')));
  await until(() => processes() === '');
  expect(readFileSync(path.join(directory, 'over'), 'utf8')).toBe('over\n');
});
