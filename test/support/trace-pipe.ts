/**
 * Lines of `bpf_printk`, read from a trace instance of one's own, so that readers of the machine's trace pipe and other tests neither
 * see nor steal them.
 */
import { closeSync, constants, mkdirSync, openSync, readSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { mountFileSystems, TRACEFS } from './kernel.ts';

let instances = 0;

/** Gives `use` a function that returns the lines printed since its last call, without their head (task, CPU, time). */
export async function withTracePipe<T>(use: (readLines: () => string[]) => Promise<T>): Promise<T> {
  await mountFileSystems();
  const directory = path.join(TRACEFS, 'instances', `ecc-test-${process.pid}-${instances++}`);
  mkdirSync(directory);
  try {
    writeFileSync(path.join(directory, 'events/bpf_trace/bpf_trace_printk/enable'), '1');
    const pipe = openSync(path.join(directory, 'trace_pipe'), constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      return await use(() => readAvailable(pipe).split('\n').flatMap(printed));
    } finally {
      closeSync(pipe);
    }
  } finally {
    rmdirSync(directory);
  }
}

function readAvailable(fd: number): string {
  const buffer = Buffer.alloc(1 << 16);
  let text = '';
  for (;;) {
    try {
      const count = readSync(fd, buffer, 0, buffer.length, null);
      if (count === 0) return text;
      text += buffer.toString('latin1', 0, count);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return text;
      throw error;
    }
  }
}

/** `   sh-123  [001] ...21  12.5: bpf_trace_printk: TEXT` */
function printed(line: string): string[] {
  const text = /: bpf_trace_printk: (.*)$/.exec(line)?.[1];
  return text === undefined ? [] : [text];
}
