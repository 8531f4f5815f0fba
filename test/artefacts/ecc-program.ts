/** The command line as it is installed. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { inCi, type Skippable } from '../support/require.ts';

const ROOT = path.join(import.meta.dirname, '../..');

/**
 * Path of `ecc`, built by `npm run build`; skips where it is not.
 * @throws {Error} in CI
 */
export function eccProgram(context: Skippable): string {
  if (existsSync(path.join(ROOT, 'dist/cli.cjs'))) return path.join(ROOT, 'bin/ecc.js');
  if (inCi()) throw new Error('dist/cli.cjs is missing: npm run build');
  return context.skip('the command line is not built: npm run build');
}
