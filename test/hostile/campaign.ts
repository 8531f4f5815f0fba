/**
 * The long run: `npm run fuzz -- --inputs 1000000 --from 0 --jobs 2`. Every input has to give a value or a typed error, within a second and
 * within 256 MB for the whole process. An input that hangs or kills the process is found by trying its batch one by one.
 */
import { fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Order, Report } from './worker.ts';

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    from: { type: 'string', default: '0' },
    jobs: { type: 'string', default: String(os.availableParallelism()) },
    out: { type: 'string' },
  },
});
const [inputs, first, jobs] = [Number(values.inputs), Number(values.from), Number(values.jobs)];
const BATCH = 1000;
/** Of wall time for a batch: a machine that does other things is slow. */
const PATIENCE_MS = 600_000;
const LIMIT_MS = 1000;
const LIMIT_RSS = 256 * 1024 * 1024;
/** V8 may not take more: an input that needs more kills its process, which counts as a finding. */
const WORKER_FLAGS = ['--max-old-space-size=120', '--max-semi-space-size=8'];

const total = {
  inputs: 0,
  cpuMs: 0,
  maxRss: 0,
  outcomes: {} as Record<string, Record<string, number>>,
  slowest: {} as Record<string, { number: number; ms: number }>,
  failures: [] as { number: number; kind: string; error: string }[],
};
const queue: Order[] = [];
for (let at = first; at < first + inputs; at += BATCH)
  queue.push({ from: at, to: Math.min(at + BATCH, first + inputs) });
const start = Date.now();

function add(report: Report): void {
  total.inputs += report.to - report.from;
  total.cpuMs += report.cpuMs;
  total.maxRss = Math.max(total.maxRss, report.maxRss);
  for (const [kind, counts] of Object.entries(report.outcomes)) {
    total.outcomes[kind] ??= {};
    for (const [code, count] of Object.entries(counts))
      total.outcomes[kind]![code] = (total.outcomes[kind]![code] ?? 0) + count;
  }
  for (const [kind, one] of Object.entries(report.slowest))
    if (one.ms > (total.slowest[kind]?.ms ?? 0)) total.slowest[kind] = one;
  total.failures.push(...report.failures);
  if (report.polluted) fail(report.from, 'prototype', 'Object.prototype has a property');
}

function fail(number: number, kind: string, error: string): void {
  total.failures.push({ number, kind, error });
  process.stdout.write(`FINDING at ${number}: ${kind}: ${error}\n`);
}

function save(): void {
  const hours = (Date.now() - start) / 3_600_000;
  const text = JSON.stringify({ ...total, first, hours: Number(hours.toFixed(3)), node: process.version }, null, 2);
  if (values.out !== undefined) writeFileSync(values.out, `${text}\n`);
}

/** One process after the other until the queue is empty. */
async function work(): Promise<void> {
  while (queue.length > 0) {
    const child = fork(path.join(import.meta.dirname, 'worker.mjs'), {
      execArgv: WORKER_FLAGS,
      serialization: 'advanced',
    });
    let order: Order | undefined;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      const next = () => {
        order = queue.shift();
        clearTimeout(timer);
        if (order === undefined) {
          child.kill();
          return;
        }
        timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
        child.send(order);
      };
      child.on('message', (message: Report | 'ready') => {
        if (message !== 'ready') {
          add(message);
          if ((total.inputs / BATCH) % 10 < 1) {
            save();
            process.stdout.write(
              `${total.inputs} inputs, ${total.failures.length} findings, ${Math.round(total.maxRss / 2 ** 20)} MB, ${Math.round((Date.now() - start) / 1000)} s\n`,
            );
          }
        }
        next();
      });
      child.on('exit', (code, signal) => {
        clearTimeout(timer);
        if (order !== undefined) {
          if (order.to - order.from === 1) fail(order.from, 'process', `ended with ${code ?? signal}`);
          else for (let at = order.from; at < order.to; at++) queue.unshift({ from: at, to: at + 1 });
        }
        resolve();
      });
    });
  }
}

await Promise.all(Array.from({ length: jobs }, work));
for (const [kind, { number, ms }] of Object.entries(total.slowest))
  if (ms > LIMIT_MS) fail(number, kind, `${Math.round(ms)} ms of processor time`);
if (total.maxRss > LIMIT_RSS) fail(-1, 'memory', `${Math.round(total.maxRss / 2 ** 20)} MB`);
save();
process.stdout.write(`${JSON.stringify(total, null, 2)}\n${total.inputs} inputs, ${total.failures.length} findings\n`);
process.exitCode = total.failures.length === 0 ? 0 : 1;
