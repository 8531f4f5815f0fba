/**
 * Makes what the virtual machine is given: `node payload.mjs DIRECTORY` writes the package of every fixture, what its programs are
 * attached to, and the programs that are watched.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { compile } from '../../src/build/compile.ts';
import { packPackage } from '../../src/package/pack.ts';
import { FIXTURES, fixturePath, includeFlags } from '../../test/support/fixtures.ts';
import { attachTargets } from '../../test/support/put-to-work.ts';
import type { Task } from './guest.ts';

/** Where the guest mounts control groups, and finds the payload. */
const CGROUP = '/cgroup';
const PACKAGES = '/packages';
const WORKLOAD_MS = 600_000;

const [directory] = process.argv.slice(2) as [string];
for (const fixture of FIXTURES) {
  // programs on types of modules need those modules
  if (fixture.moduleTypes !== undefined) continue;
  const compiled = await compile(fixturePath(fixture.source), {
    ...(fixture.header === undefined ? {} : { exportHeader: fixturePath(fixture.header) }),
    cflags: includeFlags(fixture),
  });
  writeFileSync(path.join(directory, `${fixture.name}.json`), packPackage(compiled));
  const { target, how } = fixture.attach;
  const binary = target === undefined ? undefined : path.basename(target, '.c');
  if (target !== undefined) execFileSync('gcc', ['-O2', '-o', path.join(directory, binary!), fixturePath(target)]);
  const place = {
    cgroup: how === 'cgroup' || how === 'sockmap' ? CGROUP : undefined,
    binary: binary === undefined ? undefined : `${PACKAGES}/${binary}`,
    timeoutMs: WORKLOAD_MS,
  };
  const task: Task = { fixture, place, attach: attachTargets(fixture, compiled.model, place) };
  writeFileSync(path.join(directory, `${fixture.name}.task`), JSON.stringify(task));
}
