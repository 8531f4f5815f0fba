/** `load()` with a module that `ecc --ts` wrote: what the compiler infers, and what it refuses. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { emitTypes } from 'ebpf-ecc';
import { expect, onTestFinished, test } from 'vitest';
import { run } from '../support/command.ts';
import { FixtureCompiler } from '../support/ecc.ts';
import { getFixture } from '../support/fixtures.ts';
import { requireTool } from '../support/require.ts';
import { fileDirectory } from '../support/temporary.ts';

const ROOT = path.join(import.meta.dirname, '..', '..');
const compiler = new FixtureCompiler(fileDirectory());

/** Each `@ts-expect-error` is an error itself when the line below it has none. */
const USE = `
import { load } from 'ebpf-ecc/runner';
import * as types from './execwatch.bpf.ts';
import * as rates from './sysrate.bpf.ts';

const bpf = await load('package.json', { types, rodata: { min_duration_ms: 5n } });
for await (const event of bpf.events.rb) {
  const comm: string = event.comm;
  const pid: number = event.pid;
  console.log(comm, pid);
  // @ts-expect-error no such member
  console.log(event.nope);
}
for await (const batch of bpf.events.rb.batches()) console.log(batch[0]?.comm);
const started: bigint | undefined = bpf.maps.exec_start.get(1);
const least: bigint = bpf.rodata.min_duration_ms;
const fd: number = bpf.programs.handle_exec.fd;
console.log(started, least, fd);
// @ts-expect-error no such map of events
bpf.events.exec_start;
// @ts-expect-error keys are numbers
bpf.maps.exec_start.get('1');
// @ts-expect-error no such program
bpf.programs.nope;
// @ts-expect-error of another type
await load('package.json', { types, rodata: { min_duration_ms: 'x' } });
// @ts-expect-error no such variable
await load('package.json', { types, rodata: { nope: 1 } });
// @ts-expect-error no such program
await load('package.json', { types, attach: { nope: 'lo' } });
await load('package.json', { types, attach: { handle_exec: false }, programs: ['handle_exit'] });

const perCpu = await load('package.json', { types: rates });
for (const [number, counts] of perCpu.maps.by_number) console.log(number + 1, counts.length);

const untyped = await load('package.json', { rodata: { anything: 1 } });
for await (const event of untyped.events.rb!) console.log(event.pid);
`;

test('everything is typed by the module, and mistakes are errors', async (context) => {
  requireTool(context, 'clang');
  // below the project, where the compiler finds Node's types
  const directory = mkdtempSync(path.join(ROOT, 'node_modules', '.ecc-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  for (const name of ['execwatch', 'sysrate'])
    writeFileSync(path.join(directory, `${name}.bpf.ts`), emitTypes(await compiler.compile(getFixture(name))));
  writeFileSync(path.join(directory, 'package.json'), '{"type":"module"}');
  writeFileSync(path.join(directory, 'use.ts'), USE);
  const source = (name: string) => [path.join(ROOT, 'src', name, 'index.ts')];
  writeFileSync(
    path.join(directory, 'tsconfig.json'),
    JSON.stringify({
      extends: path.join(ROOT, 'tsconfig.json'),
      compilerOptions: { paths: { 'ebpf-ecc/runner': source('runner'), 'ebpf-ecc/decode': source('decode') } },
      include: ['use.ts'],
    }),
  );
  const { status, stdout } = await run(process.execPath, [
    path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc'),
    '-p',
    directory,
  ]);
  expect(stdout.split('\n').filter((line) => line.includes('use.ts'))).toEqual([]);
  expect(status, stdout).toBe(0);
});
