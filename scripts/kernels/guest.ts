/**
 * What runs inside the virtual machine: checks every package in `/packages`, attaches it, puts it to work, one line of JSON on
 * standard output for each.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { checkPrograms } from '../../src/runner/check.ts';
import { load, openPackage } from '../../src/runner/load.ts';
import type { Fixture } from '../../test/support/fixtures.ts';
import { isChecked, type Place, putToWork, type Targets } from '../../test/support/put-to-work.ts';

const PACKAGES = '/packages';

/** A package and what to do with it: `/packages/NAME.task`. */
export interface Task {
  readonly fixture: Fixture;
  readonly place: Place;
  readonly attach: Targets;
}

interface Row {
  readonly name: string;
  readonly programs: number;
  readonly loaded: number;
  readonly attached: number;
  /** What its workload should have caused and did not; `null` where nothing is known about that. */
  readonly missing: readonly string[] | null;
  /** The first error, in a line. */
  readonly error: string;
  readonly ms: number;
}

/** Attaches one program after the other, so that what is refused does not hide the others. */
async function attachAll(file: string, targets: Targets): Promise<number> {
  let attached = 0;
  const bpf = await load(file, { attach: false });
  try {
    for (const program of Object.values(bpf.programs)) {
      const target = targets[program.name];
      if (target !== false && program.attachable) await program.attach(target);
      attached++;
    }
    return attached;
  } finally {
    await bpf.close();
  }
}

async function tryPackage({ fixture, place, attach }: Task): Promise<Row> {
  const start = performance.now();
  const { name } = fixture;
  const file = `${PACKAGES}/${name}.json`;
  const row = { name, programs: 0, loaded: 0, attached: 0, missing: null as string[] | null, error: '' };
  try {
    const checks = await checkPrograms(await openPackage(file));
    row.programs = checks.length;
    row.loaded = checks.filter(({ passed }) => passed).length;
    const refused = checks.find(({ error }) => error !== undefined)?.error;
    if (refused !== undefined) throw refused;
    if (fixture.attach.how === 'none') throw new Error(`not attached: ${fixture.attach.reason}`);
    row.attached = await attachAll(file, attach);
    if (isChecked(fixture)) row.missing = await putToWork(fixture, file, attach, place);
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    row.error = code === undefined ? message : `${code}: ${message}`;
  }
  return { ...row, error: row.error.replaceAll(/\s+/g, ' ').slice(0, 400), ms: Math.round(performance.now() - start) };
}

for (const file of readdirSync(PACKAGES).sort()) {
  if (!file.endsWith('.task')) continue;
  const row = await tryPackage(JSON.parse(readFileSync(`${PACKAGES}/${file}`, 'utf8')) as Task);
  process.stdout.write(`@@ ${JSON.stringify(row)}\n`);
}
process.exit(0);
