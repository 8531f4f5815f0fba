/** The trace pipe ends when it is closed, whatever it is doing then. */
import { beforeEach, expect, test } from 'vitest';
import { openTracePipe } from '../../src/runner/trace-pipe.ts';
import { mountFileSystems } from '../support/kernel.ts';
import { requireKernel } from '../support/require.ts';

beforeEach(async (context) => {
  await requireKernel(context);
  await mountFileSystems();
});

test('closed before it is read, while it reads, and while it waits', async () => {
  for (const close of [
    (end: () => void) => end(),
    (end: () => void) => queueMicrotask(end),
    (end: () => void) => setImmediate(end),
    (end: () => void) => setTimeout(end, 200),
  ]) {
    const pipe = await openTracePipe();
    close(() => pipe.close());
    // lines of other tests may be there
    for await (const line of pipe.lines) expect(line).toContain('bpf_trace_printk: ');
  }
});
