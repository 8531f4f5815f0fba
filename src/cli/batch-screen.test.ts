import { describe, expect, test } from 'vitest';
import type { BuildEvent } from '../build/build.ts';
import { BatchScreen } from './batch-screen.ts';

const begin = (source: string): BuildEvent => ({ kind: 'progress', source, text: 'Compiling' });
const said = (source: string, text: string): BuildEvent => ({ kind: 'diagnostics', source, text });
const done = (source: string, error?: Error): BuildEvent => ({ kind: 'done', source, error });
const CLEAR = '\r\x1b[K';

describe('messages', () => {
  test.for([undefined, () => 80])(
    'in the order of the sources, each source when those before it are done',
    (columns) => {
      const screen = new BatchScreen(['a', 'b', 'c'], columns, {});
      const add = (event: BuildEvent) => screen.add(event).replace(/\r\x1b\[K|\[[#-]+\].*/g, '');
      expect(add(said('b', 'b says\n'))).toBe('');
      expect(add(said('a', 'a says\n'))).toBe('a says\n');
      expect(add(done('b'))).toBe('');
      expect(add(said('c', 'c says\n'))).toBe('');
      expect(add(done('a'))).toBe('b says\nc says\n');
      expect(add(said('c', 'more\n'))).toBe('more\n');
      add(done('c'));
      expect(screen.end()).toBe(columns === undefined ? '' : '3 sources: 3 built\n');
    },
  );

  test('what was held back is not lost at an early end', () => {
    const screen = new BatchScreen(['a', 'b'], () => 80, {});
    screen.add(begin('a'));
    screen.add(said('b', 'b says\n'));
    expect(screen.end()).toBe(`${CLEAR}b says\n`);
  });
});

describe('the bar', () => {
  test('is drawn when it changes, and counts', () => {
    const screen = new BatchScreen(['a', 'b', 'c'], () => 30, {});
    expect(screen.add(begin('a'))).toBe('[----------] 0/3 a');
    expect(screen.add(begin('a'))).toBe('');
    expect(screen.add(begin('b'))).toBe(`${CLEAR}[----------] 0/3 b`);
    expect(screen.add(done('b', new Error()))).toBe(`${CLEAR}[###-------] 1/3 a`);
    expect(screen.add({ kind: 'reused', source: 'a', restored: false })).toBe('');
    expect(screen.add(done('a'))).toBe(CLEAR);
    screen.add(done('c'));
    expect(screen.end()).toBe('3 sources: 1 built, 1 up to date, 1 failed\n');
  });

  test.for([0, 1, 5, 8, 12, 16, 24, 30, 79, 200])('is shorter than a terminal of %i columns', (columns) => {
    for (const name of ['a', 'a/long/way/to/a/source/'.repeat(9), '日本語のソースファイル'.repeat(9), 'é\x1b[2J\n\t']) {
      const screen = new BatchScreen([name, 'b'], () => columns, {});
      const bar = screen.add(begin(name));
      const width = Array.from(bar).reduce((sum, letter) => sum + (letter > '\u2e80' ? 2 : 1), 0);
      expect(width).toBeLessThan(columns || 80);
      expect(bar).toMatch(/^[^\0-\x1f]*$/);
    }
  });

  test('of one source counts its steps, below its lines', () => {
    const screen = new BatchScreen(['a'], () => 30, {});
    expect(screen.add(begin('a'))).toBe('Compiling\n');
    const step = (steps: number): BuildEvent => ({
      kind: 'progress',
      source: 'a',
      text: `${steps} of 4`,
      steps: { done: steps, total: 4, name: 'kernel' },
    });
    expect(screen.add(step(1))).toBe('[##--------] 1/4 kernel');
    expect(screen.add(begin('a'))).toBe(`${CLEAR}Compiling\n[##--------] 1/4 kernel`);
    expect(screen.add(step(4))).toBe(`${CLEAR}[##########] 4/4 kernel`);
    expect(screen.end()).toBe(CLEAR);
  });
});
