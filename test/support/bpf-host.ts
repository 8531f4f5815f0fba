/** `bpf-host.c`: an object loaded and attached by libbpf alone while a command runs, and what its maps then hold. */
import { existsSync, mkdirSync, rmdirSync, statfsSync } from 'node:fs';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { run, runOk } from './command.ts';
import { type Fixture, fixturePath } from './fixtures.ts';
import { requireTool, type Skippable } from './require.ts';

export interface HostReport {
  readonly attached: readonly string[];
  /** Program, then the error. */
  readonly refused: ReadonlyMap<string, string>;
  /** Records of ring and perf buffers and what iterators printed, by map or program. */
  readonly events: ReadonlyMap<string, readonly Buffer[]>;
  /** Number of keys, by map. */
  readonly entries: ReadonlyMap<string, number>;
  /** Contents of `.bss` and `.data`. */
  readonly data: ReadonlyMap<string, Buffer>;
}

/** Builds the program in `directory`; skips where there is no libbpf to link with. */
export async function buildBpfHost(context: Skippable, directory: string): Promise<string> {
  const program = path.join(directory, 'bpf-host');
  if (existsSync(program)) return program;
  const gcc = requireTool(context, 'gcc');
  if (!existsSync('/usr/include/bpf/libbpf.h')) context.skip('libbpf-dev is not installed');
  await runOk(gcc, ['-O1', '-Wall', '-Werror', '-o', program, path.join(import.meta.dirname, 'bpf-host.c'), '-lbpf']);
  return program;
}

const CGROUP2_MAGIC = 0x63677270;

/** A new cgroup for the running test; skips where cgroup v2 is not mounted. */
export function makeCgroup(context: Skippable): string {
  const roots = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'];
  const root = roots.find((directory) => existsSync(directory) && statfsSync(directory).type === CGROUP2_MAGIC);
  if (root === undefined) return context.skip('cgroup v2 is not mounted');
  const directory = path.join(root, `ecc-test-${process.pid}-${Date.now()}`);
  mkdirSync(directory);
  onTestFinished(async () => {
    // Tasks that just ended may hold it for a moment.
    for (let attempt = 0; attempt < 50; attempt++) {
      try {
        rmdirSync(directory);
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
    throw new Error(`${directory} stays busy`);
  });
  return directory;
}

/** Attaches a fixture's object the way its manifest says, and runs its workload. */
export async function runFixture(
  context: Skippable,
  host: string,
  fixture: Fixture,
  object: string,
): Promise<HostReport> {
  const cgroup = ['cgroup', 'sockmap'].includes(fixture.attach.how) ? makeCgroup(context) : undefined;
  const { target, probes = {} } = fixture.attach;
  const binary = target === undefined ? undefined : await buildTarget(context, target, path.dirname(object));
  const args = [
    ...Object.entries(probes).flatMap(([program, probe]) => ['-u', `${program}=${probe}`]),
    ...(binary === undefined ? [] : ['-t', binary]),
    ...(fixture.attach.programs ?? []).flatMap((name) => ['-p', name]),
    ...(cgroup === undefined ? [] : ['-g', cgroup]),
    object,
    fixture.workload ?? 'true',
  ];
  const { status, stdout, stderr } = await run(host, args, { env: { CGROUP: cgroup, TARGET: binary } });
  if (status !== 0 && status !== 3) throw new Error(`bpf-host ${args.join(' ')}\nexited with ${status}\n${stderr}`);
  return parseReport(stdout);
}

async function buildTarget(context: Skippable, source: string, directory: string): Promise<string> {
  const binary = path.join(directory, path.basename(source, '.c'));
  await runOk(requireTool(context, 'gcc'), ['-O2', '-Wall', '-Werror', '-o', binary, fixturePath(source)]);
  return binary;
}

function parseReport(text: string): HostReport {
  const attached: string[] = [];
  const refused = new Map<string, string>();
  const events = new Map<string, Buffer[]>();
  const entries = new Map<string, number>();
  const data = new Map<string, Buffer>();
  for (const line of text.split('\n')) {
    const [, word = '', name = '', rest = ''] = /^(\w+) (\S+) ?(.*)$/.exec(line) ?? [];
    if (word === 'attached') attached.push(name);
    else if (word === 'refused') refused.set(name, rest);
    else if (word === 'entries') entries.set(name, Number(rest));
    else if (word === 'data') data.set(name, Buffer.from(rest, 'hex'));
    else if (word === 'event' || word === 'read') {
      const list = events.get(name) ?? [];
      list.push(Buffer.from(rest, 'hex'));
      events.set(name, list);
    }
  }
  return { attached, refused, events, entries, data };
}
