/**
 * Every fixture through our own loader: loaded, attached as its manifest says, put to work, and its events, maps, variables and
 * printed lines are what the workload must cause. `test/fixtures/attach.test.ts` does the same with libbpf alone.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { type CompiledSource, packPackage } from 'ebpf-ecc';
import { type LoadedPackage, load } from 'ebpf-ecc/runner';
import { describe, expect, test } from 'vitest';
import { makeCgroup } from '../support/bpf-host.ts';
import { runOk } from '../support/command.ts';
import { FixtureCompiler } from '../support/ecc.ts';
import { type ExpectedEvent, FIXTURES, type Fixture, fixturePath } from '../support/fixtures.ts';
import { requireKernel, requireTool, type Skippable } from '../support/require.ts';
import { fileDirectory } from '../support/temporary.ts';
import { withTracePipe } from '../support/trace-pipe.ts';

const directory = fileDirectory();
const compiler = new FixtureCompiler(path.join(directory, 'cache'));

interface Targets {
  readonly attach: Readonly<Record<string, string | false>>;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** What the manifest says in words of `attach`: a target for each program. */
async function targetsOf(context: Skippable, fixture: Fixture, { model }: CompiledSource): Promise<Targets> {
  const attach: Record<string, string | false> = {};
  const { how, programs, probes = {}, target } = fixture.attach;
  const names = model.programs.map(({ name }) => name);
  for (const name of names) if (programs !== undefined && !programs.includes(name)) attach[name] = false;
  const env: Record<string, string | undefined> = {};
  if (how === 'cgroup' || how === 'sockmap') {
    env.CGROUP = makeCgroup(context);
    for (const { name, definition } of model.programs)
      if (definition?.programType.startsWith('cgroup') || definition?.programType === 'sock_ops')
        attach[name] = env.CGROUP;
    if (how === 'sockmap')
      for (const { name, section } of model.programs) if (/^sk_/.test(section)) attach[name] ??= sockmapFor(model);
  }
  if (target !== undefined) {
    const binary = path.join(directory, path.basename(target, '.c'));
    await runOk(requireTool(context, 'gcc'), ['-O2', '-o', binary, fixturePath(target)]);
    env.TARGET = binary;
    for (const [name, probe] of Object.entries(probes)) attach[name] = `${binary}:${probe}`;
  }
  if (how === 'perf_event') for (const name of names) attach[name] = 'cpu-clock@999';
  return { attach, env };
}

function sockmapFor({ maps }: CompiledSource['model']): string {
  return maps.find(({ typeName }) => typeName === 'sockhash')!.name;
}

interface Outcome {
  readonly bpf: LoadedPackage;
  readonly events: ReadonlyMap<string, readonly Record<string, unknown>[]>;
  readonly printed: readonly string[];
  readonly texts: ReadonlyMap<string, string>;
}

async function withFixture(context: Skippable, fixture: Fixture, check: (outcome: Outcome) => void): Promise<void> {
  if (!fixture.load.expected) context.skip(fixture.load.reason);
  if (fixture.attach.how === 'none') context.skip(fixture.attach.reason);
  await requireKernel(context, ...(fixture.load.needs ?? []), ...(fixture.attach.needs ?? []));
  const compiled = await compiler.compile(fixture);
  const file = path.join(directory, `${fixture.name}.json`);
  writeFileSync(file, packPackage(compiled));
  const { attach, env } = await targetsOf(context, fixture, compiled);
  await withTracePipe(async (readLines) => {
    const bpf = await load(file, { attach });
    try {
      const events = new Map<string, Record<string, unknown>[]>();
      const reading = Object.entries(bpf.events).map(async ([name, stream]) => {
        const list: Record<string, unknown>[] = [];
        events.set(name, list);
        for await (const event of stream) list.push(event);
      });
      await runOk('sh', ['-c', fixture.workload ?? 'true'], { env });
      // what is in the buffers when the workload has ended is read before they close
      await new Promise((resolve) => setTimeout(resolve, 100));
      const texts = new Map<string, string>();
      for (const program of Object.values(bpf.programs))
        if (program.section.startsWith('iter/')) texts.set(program.name, await program.read());
      check({ bpf, events, printed: readLines(), texts });
      for (const stream of Object.values(bpf.events)) stream.close();
      await Promise.all(reading);
    } finally {
      await bpf.close();
    }
  });
}

function matches(event: Record<string, unknown>, { members }: ExpectedEvent): boolean {
  return Object.entries(members).every(([name, value]) => String(event[name]) === String(value));
}

/** Adds up every number in a value. */
function sum(value: unknown): number {
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return Number(value);
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce((total: number, one) => total + sum(one), 0);
}

describe('attached and put to work', () => {
  test.for(FIXTURES)('$name', async (fixture, context) => {
    await withFixture(context, fixture, ({ bpf, events, printed, texts }) => {
      const expected = fixture.expect ?? {};
      const attachable = Object.values(bpf.programs).filter(({ attachable }) => attachable);
      if (fixture.attach.programs === undefined && attachable.length > 0)
        expect(bpf.attachments.length).toBeGreaterThanOrEqual(attachable.length);
      for (const pattern of expected.trace ?? [])
        expect(printed).toContainEqual(expect.stringMatching(new RegExp(pattern)));
      for (const event of expected.events ?? []) {
        if (texts.has(event.map)) {
          for (const value of Object.values(event.members))
            if (typeof value === 'string') expect(texts.get(event.map)).toContain(value);
          continue;
        }
        const seen = events.get(event.map) ?? [];
        const found = seen.filter((one) => matches(one, event)).length;
        expect(found, `${JSON.stringify(event)} among ${seen.length} events`).toBeGreaterThanOrEqual(event.atLeast);
      }
      for (const { name, atLeast, text } of expected.globals ?? []) {
        const value = bpf.global(name);
        if (atLeast !== undefined) expect(sum(value), name).toBeGreaterThanOrEqual(atLeast);
        if (text !== undefined) expect(value, name).toBe(text);
      }
      for (const { map, atLeast } of expected.entries ?? [])
        expect([...bpf.maps[map]!.keys()].length, map).toBeGreaterThanOrEqual(atLeast);
    });
  });
});
