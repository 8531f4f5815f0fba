/**
 * With `ECC_TEST_MESSAGES=DIRECTORY` in the environment every error and warning that a test provokes, in its own process or in a program that
 * it runs, is written there: what `scripts/errors-page.mjs` holds docs/errors.md against. `npm test` sets it.
 */
import { appendFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll } from 'vitest';
import { EccError } from '../../src/core/errors.ts';
import type { Warning } from '../../src/core/warning.ts';

const directory = process.env.ECC_TEST_MESSAGES;
const errors: EccError[] = [];
const lines = new Set<string>();

/** Takes note of what a program of ours printed on standard error. */
export function noteOutput(stderr: string): void {
  if (directory === undefined) return;
  for (const line of stderr.split('\n')) {
    const [, place = '', code, message] = /^(\S+: )?(?:error|warning)\[([A-Z0-9_]+)\]: (.*)$/.exec(line) ?? [];
    if (code !== undefined) lines.add(`${code}\t${place}${message}`);
  }
}

/** Takes note of warnings that a function of the library returned. */
export function noteWarnings(
  warnings: readonly Pick<Warning, 'code' | 'message' | 'file' | 'line' | 'column'>[],
): void {
  for (const { code, message, file, line, column } of warnings) {
    const place = file === undefined ? '' : `${[path.basename(file), line, column].filter((part) => part).join(':')}: `;
    lines.add(`${code}\t${place}${message}`);
  }
}

if (directory !== undefined) {
  // the constructor sets the name after the message, which makes this the place where errors pass by
  Object.defineProperty(EccError.prototype, 'name', {
    configurable: true,
    set(this: EccError, name: string) {
      Object.defineProperty(this, 'name', { value: name, writable: true, configurable: true });
      errors.push(this);
    },
  });
  afterAll(() => {
    for (const { code, file, message } of errors) {
      const text = message.split('\n')[0];
      lines.add(`${code}\t${text}`);
      if (file !== undefined) lines.add(`${code}\t${path.basename(file)}: ${text}`);
    }
    errors.length = 0;
    if (lines.size > 0) appendFileSync(path.join(directory, `${process.pid}.tsv`), `${[...lines].join('\n')}\n`);
    lines.clear();
  });
}
