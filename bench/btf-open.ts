/**
 * Opens and indexes the BTF file that it is given: once as a program does that just started (cold: the engine has not compiled anything
 * yet), then again and again (warm); prints what that took as JSON.
 */
import { readFileSync } from 'node:fs';
import { type Btf, openBtf } from 'ebpf-ecc/btf';
import { NameIndex } from '../src/btf/names.ts';

const file = process.argv[2] as string;
/** The first half is for the engine to compile what runs. */
const WARM_ROUNDS = 20;

/** Most memory that the process ever had, in KB. */
function peakKb(): number {
  return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]);
}

function timed<T>(body: () => T): { readonly value: T; readonly ms: number; readonly cpuMs: number } {
  const cpu = process.cpuUsage();
  const start = process.hrtime.bigint();
  const value = body();
  const ms = Number(process.hrtime.bigint() - start) / 1e6;
  const { user, system } = process.cpuUsage(cpu);
  return { value, ms, cpuMs: (user + system) / 1e3 };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] as number;
}

/** Builds the index of names. The first look-ups of a table make none, see `Btf.named`. */
function indexed(btf: Btf): unknown {
  return new NameIndex(btf).find('task_struct')[0];
}

const before = peakKb();
const { value: bytes, ms: readMs } = timed(() => readFileSync(file));
const open = timed(() => openBtf(bytes));
const first = timed(() => open.value.find('task_struct'));
const index = timed(() => indexed(open.value));
if (first.value === undefined || index.value === undefined)
  throw new Error(`${file} has no task_struct: is it a kernel's?`);
const peakBytes = (peakKb() - before) * 1024;
const warm = Array.from({ length: WARM_ROUNDS }, () => {
  const again = timed(() => openBtf(bytes));
  return {
    openMs: again.ms,
    firstMs: timed(() => again.value.find('task_struct')).ms,
    indexMs: timed(() => indexed(again.value)).ms,
  };
}).slice(-WARM_ROUNDS / 2);
const result = {
  bytes: bytes.length,
  types: open.value.count - 1,
  readMs,
  openMs: open.ms,
  firstMs: first.ms,
  indexMs: index.ms,
  cpuMs: open.cpuMs + first.cpuMs,
  peakBytes,
  warmOpenMs: median(warm.map(({ openMs }) => openMs)),
  warmFirstMs: median(warm.map(({ firstMs }) => firstMs)),
  warmIndexMs: median(warm.map(({ indexMs }) => indexMs)),
};
process.stdout.write(`${JSON.stringify(result)}\n`);
