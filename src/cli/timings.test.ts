import { expect, test } from 'vitest';
import type { Span } from '../core/trace.ts';
import { timingsTable, traceFile } from './timings.ts';

const span = (name: string, startMs: number, durationMs: number, subject?: string): Span => ({
  name,
  startMs,
  durationMs,
  subject,
});

test('a table in the order of time, with the whole at the end', () => {
  const table = timingsTable([span('second', 50, 50), span('first', 0, 50), span('inner', 25, 25)]);
  expect(table).toBe(
    [
      'step     from ms   took ms',
      'first        0.0      50.0  |================                |',
      'inner       25.0      25.0  |        ========                |',
      'second      50.0      50.0  |                ================|',
      'whole        0.0     100.0',
      '',
    ].join('\n'),
  );
});

test('several sources are named', () => {
  expect(timingsTable([span('x', 0, 1, 'a.c'), span('x', 1, 1, 'b.c')])).toMatch(/^a\.c: x .*\nb\.c: x /m);
});

interface TraceEvent {
  ph: string;
  name: string;
  ts: number;
  dur: number;
  tid: number;
  args: Record<string, string>;
}

test('a trace file in which nothing on one track overlaps', () => {
  const spans = [span('a', 0, 10), span('b', 5, 10, 'x.c'), span('c', 12, 3), span('d', 6, 1)];
  const { traceEvents } = JSON.parse(traceFile(spans)) as { traceEvents: TraceEvent[] };
  const complete = traceEvents.filter(({ ph }) => ph === 'X');
  expect(complete.map(({ name, ts, dur }) => [name, ts, dur])).toEqual([
    ['a', 0, 10_000],
    ['b', 5000, 10_000],
    ['d', 6000, 1000],
    ['c', 12_000, 3000],
  ]);
  expect(complete[1]!.args).toEqual({ source: 'x.c' });
  for (const one of complete) {
    for (const other of complete) {
      if (one === other || one.tid !== other.tid) continue;
      expect(one.ts + one.dur <= other.ts || other.ts + other.dur <= one.ts).toBe(true);
    }
  }
  const named = traceEvents.filter(({ name }) => name === 'thread_name').map(({ tid }) => tid);
  expect(new Set(complete.map(({ tid }) => tid))).toEqual(new Set(named));
});
