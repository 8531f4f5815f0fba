import { describe, expect, test } from 'vitest';
import type { WatchResult } from '../build/watch.ts';
import { CompileError } from '../core/errors.ts';
import { WatchScreen } from './watch-screen.ts';

const NOON = new Date(2024, 0, 1, 12, 0, 0);
const CLEAR = '\x1b[2J\x1b[3J\x1b[H';

function result(source: string, given: Partial<WatchResult> = {}): WatchResult {
  return { source, error: undefined, events: [], durationMs: 123.4, ...given };
}

const broken = (source: string) => result(source, { error: new CompileError('COMPILE_FAILED', 'bad').in(source) });

describe('on a terminal', () => {
  test('an error stays until it is mended, whatever else is built', () => {
    const screen = new WatchScreen(['a.c', 'b.c'], true, {});
    const add = (one: WatchResult) => screen.add(one, NOON);
    expect(add(result('a.c'))).toBe('12:00:00 a.c: built in 123 ms\n');
    expect(add(broken('a.c'))).toBe('12:00:00 a.c: failed after 123 ms\nerror[COMPILE_FAILED]: a.c: bad\n');
    expect(add(result('b.c'))).toBe(`${CLEAR}12:00:00 b.c: built in 123 ms\nerror[COMPILE_FAILED]: a.c: bad\n`);
    expect(add(result('a.c'))).toBe(`${CLEAR}12:00:00 a.c: built in 123 ms\n`);
    expect(add(result('a.c'))).toBe('12:00:00 a.c: built in 123 ms\n');
  });

  test('messages are in the order of the sources', () => {
    const screen = new WatchScreen(['a.c', 'b.c'], true, {});
    screen.add(broken('b.c'), NOON);
    expect(screen.add(broken('a.c'), NOON)).toMatch(/a\.c: bad\nerror\[COMPILE_FAILED\]: b\.c: bad\n$/);
  });
});

test('elsewhere it is a log', () => {
  const screen = new WatchScreen(['a.c'], false, {});
  screen.add(broken('a.c'), NOON);
  expect(screen.add(result('a.c'), NOON)).toBe('12:00:00 a.c: built in 123 ms\n');
});

test.each([
  [false, 'a.c: up to date, 123 ms'],
  [true, 'a.c: restored from the cache in 123 ms'],
])('reused, restored %s', (restored, line) => {
  const screen = new WatchScreen(['a.c'], false, {});
  expect(screen.add(result('a.c', { events: [{ kind: 'reused', source: 'a.c', restored }] }), NOON)).toContain(line);
});

test('warnings are shown, progress is not', () => {
  const screen = new WatchScreen(['a.c'], false, {});
  const events: WatchResult['events'] = [
    { kind: 'progress', source: 'a.c', text: 'Compiling' },
    { kind: 'warning', source: 'a.c', warning: { code: 'DOC_VALUE', message: 'hm' } },
  ];
  expect(screen.add(result('a.c', { events }), NOON)).toBe('12:00:00 a.c: built in 123 ms\nwarning[DOC_VALUE]: hm\n');
});
