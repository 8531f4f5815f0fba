/** Addresses of real processes: programs made by gcc say where their functions are, and the table must name them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parseMaps, userSymbols } from '../../src/runner/user-symbols.ts';
import { runOk } from '../support/command.ts';
import { requireTool, type Skippable } from '../support/require.ts';
import { fileDirectory } from '../support/temporary.ts';

const directory = fileDirectory();

const PROGRAM = `
#include <stdio.h>
#include <unistd.h>
__attribute__((noinline)) int visible(int x) { return x * 3 + 1; }
__attribute__((noinline)) static int hidden(int x) { return x * 5 + visible(x); }
static char data[16];
int main(void) {
	printf("%p %p %p %p\\n", (void *)visible, (void *)hidden, (void *)puts, (void *)data);
	fflush(stdout);
	return hidden(getchar());
}
`;

interface Running {
  readonly pid: number;
  readonly child: ChildProcess;
  readonly visible: bigint;
  readonly hidden: bigint;
  readonly puts: bigint;
  readonly data: bigint;
}

/** Builds the program with these options, and starts it. */
async function start(context: Skippable, name: string, ...flags: string[]): Promise<Running> {
  const source = path.join(directory, 'program.c');
  const binary = path.join(directory, name);
  writeFileSync(source, PROGRAM);
  await runOk(requireTool(context, 'gcc'), ['-O1', ...flags, '-o', binary, source]);
  const child = spawn(binary, { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const line = await new Promise<string>((resolve) => child.stdout!.once('data', (chunk) => resolve(String(chunk))));
  const [visible, hidden, puts, data] = line.trim().split(' ').map(BigInt) as [bigint, bigint, bigint, bigint];
  return { pid: child.pid!, child, visible, hidden, puts, data };
}

describe('functions of a running process', () => {
  test.for([
    ['a position-independent program', 'pie', ['-pie', '-fPIE']],
    ['a program at a fixed address', 'fixed', ['-no-pie', '-fno-pie']],
    ['a static program', 'static', ['-static']],
  ] as const)('%s', async ([, name, flags], context) => {
    const { pid, visible, hidden, puts } = await start(context, name, ...flags);
    const symbols = userSymbols();
    expect(symbols.find(pid, visible)).toBe('visible');
    expect(symbols.find(pid, visible + 2n)).toBe('visible+0x2');
    expect(symbols.find(pid, hidden + 1n)).toBe('hidden+0x1');
    // out of a library, but for the static one; in a program at a fixed address it is a stub of its own
    expect(symbols.find(pid, puts)).toMatch(name === 'fixed' ? /^fixed\+0x/ : /^(_IO_)?puts$/);
  });

  test('a stripped program: what it exports by name, the rest by its place in the file', async (context) => {
    const { pid, visible, hidden, data } = await start(context, 'stripped', '-s', '-rdynamic');
    const symbols = userSymbols();
    expect(symbols.find(pid, visible + 1n)).toBe('visible+0x1');
    const place = /^stripped\+0x([0-9a-f]+)$/.exec(symbols.find(pid, hidden) ?? '')?.[1];
    // the first segments of a file lie in memory as they do in the file
    expect(Number.parseInt(place!, 16) & 0xfff).toBe(Number(hidden & 0xfffn));
    expect(symbols.find(pid, data)).not.toBe('visible');
  });

  test('memory of no file, processes that are gone, numbers that were given anew', async (context) => {
    const { pid, child, visible } = await start(context, 'gone', '-pie', '-fPIE');
    const symbols = userSymbols();
    expect(symbols.find(pid, 4096n)).toBeUndefined();
    expect(symbols.find(pid, 0xffff_ffff_8100_0000n)).toBeUndefined();
    expect(symbols.find(pid, visible)).toBe('visible');
    const ended = new Promise((resolve) => child.once('close', resolve));
    child.stdin!.end();
    await ended;
    // its last samples may still be read
    expect(symbols.find(pid, visible)).toBe('visible');
    expect(userSymbols().find(pid, visible)).toBeUndefined();
  });
});

test('lines of /proc/PID/maps', () => {
  const text = [
    '55d0c8a00000-55d0c8a02000 r-xp 00001000 08:01 1234                       /tmp/with blank (deleted)',
    '7ffd1c5f2000-7ffd1c5f4000 r-xp 00000000 00:00 0                          [vdso]',
    '7f0000000000-7f0000001000 rw-p 00000000 00:00 0 ',
    '',
  ].join('\n');
  expect(parseMaps(text)).toEqual([
    {
      range: '55d0c8a00000-55d0c8a02000',
      start: 0x55d0c8a00000,
      end: 0x55d0c8a02000,
      offset: 0x1000,
      file: '08:01 1234',
      path: '/tmp/with blank',
    },
    expect.objectContaining({ path: '[vdso]' }),
    expect.objectContaining({ path: '' }),
  ]);
});
