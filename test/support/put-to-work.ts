/**
 * A fixture loaded by our own runner, attached as its manifest says, put to work, and what the workload should have caused and did
 * not. Used by the tests, and inside the virtual machines of `scripts/test-kernels.mjs`: no test runner here.
 */
import type { BpfObject } from 'ebpf-ecc';
import { type LoadedPackage, load } from 'ebpf-ecc/runner';
import { runOk } from './command.ts';
import type { ExpectedEvent, Fixture } from './fixtures.ts';
import { SCENARIOS } from './scenarios.ts';
import { withTracePipe } from './trace-pipe.ts';

/** What a program is attached to; `false`: nothing. */
export type Targets = Readonly<Record<string, string | false>>;

export interface Place {
  /** Directory of the control group that the workload moves to. */
  readonly cgroup: string | undefined;
  /** The program with static probes, built. */
  readonly binary: string | undefined;
  /** How long a workload may take; emulated machines are slow. Milliseconds; 60,000 by default. */
  readonly timeoutMs?: number;
}

/** What the manifest says in words of `attach`: a target for each program that needs one. */
export function attachTargets(fixture: Fixture, model: BpfObject, { cgroup, binary }: Place): Targets {
  const attach: Record<string, string | false> = {};
  const { how, programs, probes = {} } = fixture.attach;
  for (const { name, section, definition } of model.programs) {
    const type = definition?.programType ?? '';
    if (programs !== undefined && !programs.includes(name)) attach[name] = false;
    else if (cgroup !== undefined && (type.startsWith('cgroup') || type === 'sock_ops')) attach[name] = cgroup;
    else if (how === 'sockmap' && section.startsWith('sk_'))
      attach[name] = model.maps.find(({ typeName }) => typeName === 'sockhash')!.name;
    else if (how === 'perf_event') attach[name] = 'cpu-clock@999';
  }
  if (binary !== undefined) for (const [name, probe] of Object.entries(probes)) attach[name] = `${binary}:${probe}`;
  return attach;
}

/** True when there is something to compare with: a workload whose effects are known. */
export function isChecked(fixture: Fixture): boolean {
  return fixture.expect !== undefined || SCENARIOS.has(fixture.name);
}

interface Outcome {
  readonly bpf: LoadedPackage;
  readonly events: ReadonlyMap<string, readonly Record<string, unknown>[]>;
  readonly printed: readonly string[];
  /** What iterators printed, by program. */
  readonly texts: ReadonlyMap<string, string>;
}

/**
 * @param file  the fixture's package
 * @returns what is missing, a sentence each
 * @throws {LoadError} what the kernel refuses
 */
export async function putToWork(fixture: Fixture, file: string, attach: Targets, place: Place): Promise<string[]> {
  const scenario = SCENARIOS.get(fixture.name);
  const env = { CGROUP: place.cgroup, TARGET: place.binary };
  return withTracePipe(async (readLines) => {
    const rodata = scenario?.rodata ?? {};
    const bpf = await load(file, { attach, rodata });
    let undo: (() => Promise<void>) | undefined;
    try {
      undo = await scenario?.prepare?.(bpf);
      const events = new Map<string, Record<string, unknown>[]>();
      const reading = Object.entries(bpf.events).map(async ([name, stream]) => {
        const list: Record<string, unknown>[] = [];
        events.set(name, list);
        for await (const event of stream) list.push(event);
      });
      await runOk('sh', ['-c', scenario?.workload ?? fixture.workload ?? 'true'], {
        env,
        ...(place.timeoutMs === undefined ? {} : { timeoutMs: place.timeoutMs }),
      });
      // what is in the buffers when the workload has ended is read before they close
      await new Promise((resolve) => setTimeout(resolve, 100));
      const texts = new Map<string, string>();
      for (const program of Object.values(bpf.programs))
        if (program.section.startsWith('iter/')) texts.set(program.name, await program.read());
      const missing = [
        ...shortfalls(fixture, { bpf, events, printed: readLines(), texts }),
        ...((await scenario?.missing({ bpf, events, cgroup: place.cgroup })) ?? []),
      ];
      for (const stream of Object.values(bpf.events)) stream.close();
      await Promise.all(reading);
      return missing;
    } finally {
      await undo?.();
      await bpf.close();
    }
  });
}

/** What the manifest expects and is not there. */
function shortfalls(fixture: Fixture, { bpf, events, printed, texts }: Outcome): string[] {
  const { trace = [], events: wanted = [], globals = [], entries = [] } = fixture.expect ?? {};
  const missing: string[] = [];
  const attachable = Object.values(bpf.programs).filter((program) => program.attachable).length;
  if (fixture.attach.programs === undefined && bpf.attachments.length < attachable)
    missing.push(`${bpf.attachments.length} of ${attachable} programs are attached`);
  for (const pattern of trace)
    if (!printed.some((line) => new RegExp(pattern).test(line))) missing.push(`no line ${pattern} was printed`);
  for (const event of wanted) {
    const text = texts.get(event.map);
    if (text !== undefined) {
      for (const value of Object.values(event.members))
        if (typeof value === 'string' && !text.includes(value)) missing.push(`${event.map} does not print ${value}`);
      continue;
    }
    const seen = events.get(event.map) ?? [];
    const found = seen.filter((one) => matches(one, event)).length;
    if (found < event.atLeast)
      missing.push(`${found} events ${JSON.stringify(event.members)} among the ${seen.length} of ${event.map}`);
  }
  for (const { name, atLeast, text } of globals) {
    const value = bpf.global(name);
    if (atLeast !== undefined && sum(value) < atLeast) missing.push(`${name} adds up to ${sum(value)}`);
    if (text !== undefined && value !== text) missing.push(`${name} is ${String(value)}`);
  }
  for (const { map, atLeast } of entries) {
    const count = [...bpf.maps[map]!.keys()].length;
    if (count < atLeast) missing.push(`${map} has ${count} entries`);
  }
  return missing;
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
