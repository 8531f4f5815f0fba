/**
 * What runs inside the virtual machine: checks and attaches every package in `/packages`, one line of JSON on standard output for
 * each. `/packages/NAME.targets` holds targets that a fixture's programs need.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { checkPrograms } from '../../src/runner/check.ts';
import { load, openPackage } from '../../src/runner/load.ts';

interface Row {
  readonly name: string;
  readonly programs: number;
  readonly loaded: number;
  readonly attached: number;
  /** The first error, in a line. */
  readonly error: string;
  readonly ms: number;
}

async function tryPackage(name: string): Promise<Row> {
  const start = performance.now();
  const file = `/packages/${name}.json`;
  const targetsFile = `/packages/${name}.targets`;
  const targets = existsSync(targetsFile)
    ? (JSON.parse(readFileSync(targetsFile, 'utf8')) as Record<string, string | false>)
    : {};
  const row = { name, programs: 0, loaded: 0, attached: 0, error: '' };
  const done = (): Row => ({ ...row, ms: Math.round(performance.now() - start) });
  try {
    const checks = await checkPrograms(await openPackage(file));
    row.programs = checks.length;
    row.loaded = checks.filter(({ passed }) => passed).length;
    const refused = checks.find(({ error }) => error !== undefined)?.error;
    if (refused !== undefined) row.error = `${refused.code}: ${refused.message}`;
    if (row.loaded < row.programs) return done();
    const bpf = await load(file, { attach: false });
    try {
      for (const program of Object.values(bpf.programs)) {
        const target = targets[program.name];
        if (target === false || !program.attachable) {
          row.attached++;
          continue;
        }
        await program.attach(target);
        row.attached++;
      }
    } finally {
      await bpf.close();
    }
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    row.error = `${code ?? 'INTERNAL'}: ${message}`;
  }
  return done();
}

const names = readdirSync('/packages')
  .filter((file) => file.endsWith('.json'))
  .map((file) => file.slice(0, -'.json'.length))
  .sort();
for (const name of names) {
  const row = await tryPackage(name);
  process.stdout.write(`@@ ${JSON.stringify({ ...row, error: row.error.replaceAll(/\s+/g, ' ').slice(0, 400) })}\n`);
}
