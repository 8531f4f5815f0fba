import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { testDirectory } from '../../test/support/temporary.ts';
import { machineId } from '../core/processes.ts';
import { writeFiles } from './write.ts';

const at = (file: string, content: string) => ({ artefact: { path: file }, content });

function errorOf(body: () => void): unknown {
  try {
    body();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** As staging files of this machine are called. */
function stagingName(pid: number): string {
  return `.ecc-${machineId()}-${pid}-00ff.tmp`;
}

describe('artefacts', () => {
  test('are there whole, and nothing else is', () => {
    const directory = testDirectory();
    writeFiles([at(path.join(directory, 'a/b/one'), '1'), at(path.join(directory, 'a/two'), '2')]);
    expect(readdirSync(path.join(directory, 'a'), { recursive: true }).sort()).toEqual(['b', 'b/one', 'two']);
    expect(readFileSync(path.join(directory, 'a/two'), 'utf8')).toBe('2');
  });

  test('none is replaced when one cannot be', () => {
    const directory = testDirectory();
    const staging = path.join(directory, 'staging');
    const [good, blocked] = [path.join(directory, 'good'), path.join(directory, 'blocked')];
    writeFileSync(good, 'old');
    mkdirSync(blocked);
    const writing = errorOf(() => writeFiles([at(good, 'new'), at(blocked, 'new')], { staging: [staging] }));
    expect(writing).toMatchObject({ code: 'IO_WRITE_FAILED', file: blocked });
    expect(readFileSync(good, 'utf8')).toBe('old');
    expect(readdirSync(staging)).toEqual([]);
    const long = path.join(directory, 'x'.repeat(300));
    const tooLong = errorOf(() => writeFiles([at(good, 'new'), at(long, 'new')], { staging: [staging] }));
    expect(tooLong).toMatchObject({
      code: 'IO_WRITE_FAILED',
      message: 'cannot be written: the name is too long',
    });
    expect(readFileSync(good, 'utf8')).toBe('old');
    expect(readdirSync(staging)).toEqual([]);
  });

  test('what a killed process left goes, what a running one needs stays', () => {
    const directory = testDirectory();
    const mine = stagingName(process.pid);
    const others = [stagingName(process.ppid), '.ecc-00000000-1-00ff.tmp', '.ecc-notes.tmp'];
    for (const name of [mine, ...others, stagingName(2 ** 22 + 1)]) writeFileSync(path.join(directory, name), '');
    writeFiles([at(path.join(directory, 'one'), '1')], { staging: [] });
    expect(readdirSync(directory).sort()).toEqual([mine, ...others, 'one'].sort());
  });

  test('a staging directory that cannot be made is not used', () => {
    const directory = testDirectory();
    const file = path.join(directory, 'one');
    writeFiles([at(file, '1')], { staging: ['/proc/nowhere', '/dev/null/x'] });
    expect(readdirSync(directory)).toEqual(['one']);
    expect(existsSync('/proc/nowhere')).toBe(false);
  });

  test('programs can be run, texts cannot; both as the umask says', () => {
    const directory = testDirectory();
    const [program, text] = [path.join(directory, 'p'), path.join(directory, 't')];
    const before = process.umask(0o077);
    try {
      writeFiles([{ ...at(program, ''), executable: true }, at(text, '')]);
    } finally {
      process.umask(before);
    }
    expect(statSync(program).mode & 0o777).toBe(0o700);
    expect(statSync(text).mode & 0o777).toBe(0o600);
  });
});
