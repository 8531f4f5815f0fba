/** One process of the long run: told which numbers to try, it answers what came of each. Its own peak of memory is part of the answer. */
import { makeInputs } from './inputs.ts';

export interface Order {
  readonly from: number;
  readonly to: number;
}

export interface Report {
  readonly from: number;
  readonly to: number;
  /** By kind, by outcome. */
  readonly outcomes: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** The slowest of each kind. */
  readonly slowest: Readonly<Record<string, { readonly number: number; readonly ms: number }>>;
  readonly failures: readonly { readonly number: number; readonly kind: string; readonly error: string }[];
  readonly polluted: boolean;
  /** Bytes, of the whole process since its start. */
  readonly maxRss: number;
  /** Milliseconds of processor time. */
  readonly cpuMs: number;
}

/** Time that this process has computed: the same on a busy machine. */
const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** The least of three: on a virtual machine even processor time counts what others do. */
async function measure(body: () => unknown): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 3; i++) {
    const start = cpuMs();
    try {
      await body();
    } catch {
      // reported the first time
    }
    least = Math.min(least, cpuMs() - start);
  }
  return least;
}

const inputs = await makeInputs();
process.on('message', async ({ from, to }: Order) => {
  const outcomes: Record<string, Record<string, number>> = {};
  const slowest: Record<string, { number: number; ms: number }> = {};
  const failures: { number: number; kind: string; error: string }[] = [];
  const before = cpuMs();
  for (let number = from; number < to; number++) {
    const input = inputs.get(number);
    const start = performance.now();
    let result: string;
    try {
      result = await input.run();
    } catch (error) {
      result = 'FAILURE';
      failures.push({
        number,
        kind: input.kind,
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
    }
    let ms = performance.now() - start;
    // other processes may have had the processor, so what looks slow is tried again with its own clock, which is dear to read
    if (ms > 250) ms = await measure(inputs.get(number).run);
    if (ms > (slowest[input.kind]?.ms ?? 0)) slowest[input.kind] = { number, ms };
    outcomes[input.kind] ??= {};
    outcomes[input.kind]![result] = (outcomes[input.kind]![result] ?? 0) + 1;
  }
  const polluted = Object.keys(Object.prototype).length > 0 || Object.keys(Array.prototype).length > 0;
  const report: Report = {
    from,
    to,
    outcomes,
    slowest,
    failures,
    polluted,
    maxRss: process.resourceUsage().maxRSS * 1024,
    cpuMs: cpuMs() - before,
  };
  process.send!(report);
});
process.send!('ready');
