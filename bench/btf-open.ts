/** Opens and indexes the BTF file that it is given, once, as a program does that just started; prints what that took as JSON. */
import { readFileSync } from 'node:fs';
import { openBtf } from 'ebpf-ecc/btf';

const file = process.argv[2] as string;

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

const before = peakKb();
const { value: bytes, ms: readMs } = timed(() => readFileSync(file));
const open = timed(() => openBtf(bytes));
const index = timed(() => open.value.find('task_struct'));
if (index.value === undefined) throw new Error(`${file} has no task_struct: is it a kernel's?`);
const result = {
  bytes: bytes.length,
  types: open.value.count - 1,
  readMs,
  openMs: open.ms,
  indexMs: index.ms,
  cpuMs: open.cpuMs + index.cpuMs,
  peakBytes: (peakKb() - before) * 1024,
};
process.stdout.write(`${JSON.stringify(result)}\n`);
