/**
 * Opens and indexes the BTF file that it is given: once as a program does that just started (cold: the engine has not compiled anything
 * yet), then again and again (warm); prints what that took as JSON.
 */
import { readFileSync } from 'node:fs';
import { type Btf, openBtf } from 'ebpf-ecc/btf';
import { NameIndex, OTHER_NAMES, TYPE_NAMES } from '../src/btf/names.ts';

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

/** Builds the index of the types' names. The first look-ups of a table make none, see `Btf.named`. */
function typesIndexed(btf: Btf): unknown {
  return new NameIndex(btf, TYPE_NAMES).find('task_struct')[0];
}

/** Builds the other one: functions, variables. */
function othersIndexed(btf: Btf): unknown {
  return new NameIndex(btf, OTHER_NAMES).find('vfs_read')[0];
}

const before = peakKb();
const { value: bytes, ms: readMs } = timed(() => readFileSync(file));
const open = timed(() => openBtf(bytes));
const first = timed(() => open.value.find('task_struct'));
const types = timed(() => typesIndexed(open.value));
const others = timed(() => othersIndexed(open.value));
if (first.value === undefined || types.value === undefined || others.value === undefined)
  throw new Error(`${file} has no task_struct or no vfs_read: is it a kernel's?`);
const peakBytes = (peakKb() - before) * 1024;
const warm = Array.from({ length: WARM_ROUNDS }, () => {
  const again = timed(() => openBtf(bytes));
  return {
    openMs: again.ms,
    firstMs: timed(() => again.value.find('task_struct')).ms,
    typesMs: timed(() => typesIndexed(again.value)).ms,
    othersMs: timed(() => othersIndexed(again.value)).ms,
  };
}).slice(-WARM_ROUNDS / 2);
const result = {
  bytes: bytes.length,
  types: open.value.count - 1,
  readMs,
  openMs: open.ms,
  firstMs: first.ms,
  typesMs: types.ms,
  othersMs: others.ms,
  cpuMs: open.cpuMs + first.cpuMs,
  peakBytes,
  warmOpenMs: median(warm.map(({ openMs }) => openMs)),
  warmFirstMs: median(warm.map(({ firstMs }) => firstMs)),
  warmTypesMs: median(warm.map(({ typesMs }) => typesMs)),
  warmOthersMs: median(warm.map(({ othersMs }) => othersMs)),
};
process.stdout.write(`${JSON.stringify(result)}\n`);
