/** Directories that live as long as a test or a test file. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, onTestFinished } from 'vitest';

function makeDirectory(): string {
  return mkdtempSync(path.join(tmpdir(), 'ecc-test-'));
}

function remove(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
}

/** A new empty directory, removed when the running test ends. */
export function testDirectory(): string {
  const directory = makeDirectory();
  onTestFinished(() => remove(directory));
  return directory;
}

/** A new empty directory, removed after the last test of the file (or of the `describe` that calls this). */
export function fileDirectory(): string {
  const directory = makeDirectory();
  afterAll(() => remove(directory));
  return directory;
}
