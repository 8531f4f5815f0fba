import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { testDirectory } from '../../test/support/temporary.ts';
import { makeDirectory } from './make-directory.ts';

const refused = (code: string) => expect.objectContaining({ code });

test('with all parents, and again', () => {
  const directory = path.join(testDirectory(), 'a/b/c');
  makeDirectory(directory);
  makeDirectory(directory);
  makeDirectory(path.join(directory, '../../d/'));
  expect(existsSync(path.join(directory, '../../d'))).toBe(true);
  makeDirectory('.');
  makeDirectory('/');
});

test('through links, not through what is no directory', () => {
  const directory = testDirectory();
  mkdirSync(path.join(directory, 'real'));
  symlinkSync('real', path.join(directory, 'link'));
  symlinkSync('nowhere', path.join(directory, 'broken'));
  writeFileSync(path.join(directory, 'file'), '');
  makeDirectory(path.join(directory, 'link'));
  makeDirectory(path.join(directory, 'link/more'));
  expect(existsSync(path.join(directory, 'real/more'))).toBe(true);
  expect(() => makeDirectory(path.join(directory, 'broken'))).toThrow(refused('EEXIST'));
  expect(() => makeDirectory(path.join(directory, 'file'))).toThrow(refused('EEXIST'));
  expect(() => makeDirectory(path.join(directory, 'file/x'))).toThrow(refused('ENOTDIR'));
});

test('ends where the kernel makes no directories', () => {
  expect(() => makeDirectory('/proc/nowhere/at/all')).toThrow(refused('ENOENT'));
});
