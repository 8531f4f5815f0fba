import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { testDirectory } from '../../test/support/temporary.ts';
import { KeptHeaders } from './kept.ts';
import type { HeaderRequest } from './make-header.ts';

const request: HeaderRequest = {
  identifiers: ['task_struct', 'pid'],
  declaredFunctions: new Set(['bpf_task_from_pid']),
  own: { tags: new Map([['event', 'struct']]), ordinary: new Set(['pid_t']) },
  origin: '6.18 x86',
};

function only(directory: string): string {
  const [name, ...others] = readdirSync(directory);
  expect(others).toEqual([]);
  return path.join(directory, name!);
}

test('a header is found for the request that it was made for, by whoever uses the directory', () => {
  const directory = path.join(testDirectory(), 'vmlinux');
  new KeptHeaders(directory, 'a').keep(request, 'struct \u00e9;\n');
  const found = new KeptHeaders(directory, 'a').find({ ...request, identifiers: new Set(['task_struct', 'pid']) });
  expect(found?.text).toBe('struct \u00e9;\n');
  expect(found?.isWhole()).toBe(true);
});

test('no other request finds it', () => {
  const directory = testDirectory();
  const kept = new KeptHeaders(directory, 'a');
  kept.keep(request, 'text');
  const own = request.own!;
  for (const other of [
    { ...request, identifiers: ['task_struct pid'].flatMap((words) => words.split(' ').reverse()) },
    { ...request, identifiers: ['task_struct'] },
    { ...request, declaredFunctions: new Set<string>() },
    { ...request, own: { ...own, tags: new Map([['event', 'renamed' as const]]) } },
    { ...request, own: { ...own, ordinary: new Set(['event']) } },
    { ...request, origin: '6.12 x86' },
    { identifiers: [] },
  ])
    expect(kept.find(other)).toBeUndefined();
  expect(new KeptHeaders(directory, 'b').find(request)).toBeUndefined();
  // nor one that has the same name by chance
  const file = only(directory);
  writeFileSync(file, readFileSync(file, 'utf8').replace('task_struct', 'tusk_struct'));
  expect(kept.find(request)).toBeUndefined();
});

test('what is broken is found out', () => {
  const directory = testDirectory();
  const kept = new KeptHeaders(directory, 'a');
  kept.keep(request, 'int x;\n');
  const file = only(directory);
  const whole = readFileSync(file);
  for (const size of [0, 10, 64, 100]) {
    writeFileSync(file, whole.subarray(0, size));
    expect(kept.find(request)?.isWhole() ?? false).toBe(false);
  }
  for (const broken of [whole.subarray(0, -1), Buffer.concat([whole, Buffer.from(' ')])]) {
    writeFileSync(file, broken);
    expect(kept.find(request)?.isWhole()).toBe(false);
  }
});

test('not more than a hundred and some are kept, and where nothing can be kept nothing is', () => {
  const directory = testDirectory();
  const kept = new KeptHeaders(directory, 'a');
  for (let count = 0; count < 130; count++) kept.keep({ identifiers: ['x'.repeat(count + 1)] }, 'text');
  expect(readdirSync(directory).length).toBeGreaterThanOrEqual(100);
  expect(readdirSync(directory).length).toBeLessThanOrEqual(120);
  mkdirSync(path.join(directory, 'sub'));
  writeFileSync(path.join(directory, 'sub/file'), '');
  const nowhere = new KeptHeaders(path.join(directory, 'sub/file'), 'a');
  nowhere.keep(request, 'text');
  expect(nowhere.find(request)).toBeUndefined();
});
