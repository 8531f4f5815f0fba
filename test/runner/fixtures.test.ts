/**
 * Every fixture through our own loader: loaded, attached as its manifest says, put to work, and its events, maps, variables and
 * printed lines are what the workload must cause. `test/fixtures/attach.test.ts` does the same with libbpf alone;
 * `scripts/test-kernels.mjs` does it on other kernels.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { packPackage } from 'ebpf-ecc';
import { describe, expect, test } from 'vitest';
import { makeCgroup } from '../support/bpf-host.ts';
import { runOk } from '../support/command.ts';
import { FixtureCompiler } from '../support/ecc.ts';
import { FIXTURES, type Fixture, fixturePath } from '../support/fixtures.ts';
import { takeLoopback } from '../support/loopback.ts';
import { attachTargets, isChecked, putToWork } from '../support/put-to-work.ts';
import { requireKernel, requireTool, type Skippable } from '../support/require.ts';
import { fileDirectory } from '../support/temporary.ts';

const directory = fileDirectory();
const compiler = new FixtureCompiler(path.join(directory, 'cache'));

/** The program with static probes that a fixture watches. */
async function buildTarget(context: Skippable, { attach: { target } }: Fixture): Promise<string | undefined> {
  if (target === undefined) return undefined;
  const binary = path.join(directory, path.basename(target, '.c'));
  await runOk(requireTool(context, 'gcc'), ['-O2', '-o', binary, fixturePath(target)]);
  return binary;
}

describe('attached and put to work', () => {
  test.for(FIXTURES)('$name', async (fixture, context) => {
    if (!fixture.load.expected) context.skip(fixture.load.reason);
    if (fixture.attach.how === 'none') context.skip(fixture.attach.reason);
    await requireKernel(context, ...(fixture.load.needs ?? []), ...(fixture.attach.needs ?? []));
    const compiled = await compiler.compile(fixture);
    if (['xdp', 'tc'].includes(fixture.attach.how)) await takeLoopback();
    const file = path.join(directory, `${fixture.name}.json`);
    writeFileSync(file, packPackage(compiled));
    const cgroup = ['cgroup', 'sockmap'].includes(fixture.attach.how) ? makeCgroup(context) : undefined;
    const place = { cgroup, binary: await buildTarget(context, fixture) };
    const attach = attachTargets(fixture, compiled.model, place);
    expect(await putToWork(fixture, file, attach, place)).toEqual([]);
  });

  test('the effects of every workload are known, but for those of which there is a reason', () => {
    expect(
      FIXTURES.filter((fixture) => fixture.attach.how !== 'none' && !isChecked(fixture)).map(({ name }) => name),
    ).toEqual([
      // its probes are in no C library here
      'usdtjmp',
      // decides for the kernel and leaves no trace
      'flowkeys',
      // reads a ring that user space writes: by-hand.test.ts
      'userring',
      // needs a disk: by-hand.test.ts
      'blockio',
    ]);
  });
});
