import { describe, expect, test } from 'vitest';
import { isEccError } from '../core/errors.ts';
import { hideDashes, joinCflags, separateProgramArgs, showDashes, splitWords } from './argv.ts';

describe('joinCflags', () => {
  test.each([
    [
      ['-a', '-DX', 'a.bpf.c'],
      ['--additional-cflags=-DX', 'a.bpf.c'],
    ],
    [['-a=-DX'], ['--additional-cflags=-DX']],
    [['-a-DX'], ['--additional-cflags=-DX']],
    [
      ['--additional-cflags', '-DX -DY'],
      ['--additional-cflags=-DX', '--additional-cflags=-DY'],
    ],
    [['-a', "'-Ia b'"], ['--additional-cflags=-Ia b']],
    [['--additional-cflags=-DX -DY'], ['--additional-cflags=-DX', '--additional-cflags=-DY']],
    [
      ['x', '--', '-a', 'b'],
      ['x', './-a', 'b'],
    ],
  ])('%j', (argv, joined) => {
    expect(joinCflags(argv)).toEqual(joined);
  });

  test('a value is needed', () => {
    expect(() => joinCflags(['-a'])).toThrow(/a value is expected/);
  });
});

describe('splitWords', () => {
  test.each([
    ['-DX  -DY', ['-DX', '-DY']],
    [`-DNAME='a b' "-Ic d"`, ['-DNAME=a b', '-Ic d']],
    [String.raw`-DS=\"x\" a\ b`, ['-DS="x"', 'a b']],
    [`-D'$(x)'`, ['-D$(x)']],
    [`''`, ['']],
    ['', []],
  ])('%s', (text, words) => {
    expect(splitWords(text)).toEqual(words);
  });

  test('an open quote is an error', () => {
    let caught: unknown;
    try {
      splitWords(`-D'x`);
    } catch (error) {
      caught = error;
    }
    expect(isEccError(caught) && caught.code).toBe('USAGE_QUOTE');
  });
});

describe('a dash for standard input', () => {
  test('survives the parser, and is left alone where it is not ours', () => {
    const hidden = hideDashes(['run', '-', '--name=-', '-', '--', '-', '-x']);
    expect(hidden.slice(0, 4)).not.toContain('-');
    expect(hidden.slice(4)).toEqual(['--', '-', '-x']);
    const parsed: Record<string, unknown> = { package: hidden[1], files: [hidden[1], 'a'], json: true, '--': ['-'] };
    showDashes(parsed);
    expect(parsed).toEqual({ package: '-', files: ['-', 'a'], json: true, '--': ['-'] });
  });
});

describe('separateProgramArgs', () => {
  test.each([
    [
      ['run', '-j', 'p.json', '--pid', '1'],
      ['run', '-j', 'p.json', '--', '--pid', '1'],
    ],
    [
      ['run', '--duration', '3', 'p.json', '--', '-x'],
      ['run', '--duration', '3', 'p.json', '--', '-x'],
    ],
    [
      ['run', '-', '-j'],
      ['run', '-', '--', '-j'],
    ],
    [
      ['run', 'p.json'],
      ['run', 'p.json'],
    ],
    [
      ['a.bpf.c', '-o', 'x'],
      ['a.bpf.c', '-o', 'x'],
    ],
  ])('%j', (argv, separated) => {
    expect(separateProgramArgs(argv)).toEqual(separated);
  });
});
