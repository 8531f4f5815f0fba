/** What `--timings` shows: where the time of a build went, as a table, and as a trace file that chrome://tracing and Perfetto open. */
import type { Span } from '../core/trace.ts';

const BAR_WIDTH = 32;

/** The part of the time before our own code ran. */
export function startupSpans(mainMs: number, bootstrapMs: number): Span[] {
  return [
    { name: 'Node starts', startMs: 0, durationMs: bootstrapMs, subject: undefined },
    { name: 'load the command line', startMs: bootstrapMs, durationMs: mainMs - bootstrapMs, subject: undefined },
  ];
}

/** One line a span, in the order in which they began, each with a bar that shows when it was under way. Ends with the whole time. */
export function timingsTable(spans: readonly Span[]): string {
  const rows = inOrder(spans);
  const end = endOf(rows);
  const subjects = new Set(rows.flatMap(({ subject }) => subject ?? []));
  const label = ({ name, subject }: Span) =>
    subjects.size > 1 && subject !== undefined ? `${subject}: ${name}` : name;
  const width = Math.max(0, ...rows.map((row) => label(row).length));
  const lines = rows.map((row) => {
    const from = Math.floor((row.startMs / end) * BAR_WIDTH);
    const to = Math.max(from + 1, Math.round(((row.startMs + row.durationMs) / end) * BAR_WIDTH));
    const bar = `${' '.repeat(from)}${'='.repeat(to - from)}`.slice(0, BAR_WIDTH).padEnd(BAR_WIDTH);
    return `${label(row).padEnd(width)}  ${number(row.startMs)}  ${number(row.durationMs)}  |${bar}|`;
  });
  const head = `${'step'.padEnd(width)}  ${'from ms'.padStart(8)}  ${'took ms'.padStart(8)}`;
  return [head, ...lines, `${'whole'.padEnd(width)}  ${number(0)}  ${number(end)}`, ''].join('\n');
}

function number(ms: number): string {
  return ms.toFixed(1).padStart(8);
}

/**
 * Text of a trace file. Spans that overlap are put on tracks of their own.
 * @see the Trace Event Format, "complete events"
 */
export function traceFile(spans: readonly Span[]): string {
  const tracks: Span[][] = [];
  const events = inOrder(spans).map((span) => {
    let track = tracks.findIndex((open) => open.every((other) => fits(span, other)));
    if (track < 0) track = tracks.push([]) - 1;
    tracks[track]!.push(span);
    const { name, startMs, durationMs, subject } = span;
    const args = subject === undefined ? {} : { source: subject };
    return { name, ph: 'X', ts: startMs * 1000, dur: durationMs * 1000, pid: 1, tid: track + 1, args };
  });
  const names = [
    { name: 'process_name', ph: 'M', pid: 1, args: { name: 'ecc' } },
    ...tracks.map((_, index) => ({
      name: 'thread_name',
      ph: 'M',
      pid: 1,
      tid: index + 1,
      args: { name: index === 0 ? 'main' : `beside ${index}` },
    })),
  ];
  return `${JSON.stringify({ displayTimeUnit: 'ms', traceEvents: [...names, ...events] })}\n`;
}

/** True when the earlier span has ended before the other begins. */
function fits(span: Span, earlier: Span): boolean {
  return earlier.startMs + earlier.durationMs <= span.startMs;
}

function inOrder(spans: readonly Span[]): Span[] {
  return spans.toSorted((a, b) => a.startMs - b.startMs || b.durationMs - a.durationMs);
}

function endOf(spans: readonly Span[]): number {
  return Math.max(1, ...spans.map(({ startMs, durationMs }) => startMs + durationMs));
}
