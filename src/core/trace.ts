/**
 * Where the time of a build goes: named spans with start and length. Recording costs two clock reads a span, so it is always on;
 * printing is `--timings`' business.
 */

export interface Span {
  readonly name: string;
  /** Milliseconds since the process started. */
  readonly startMs: number;
  readonly durationMs: number;
  /** What it was done for, where there are several: a source. */
  readonly subject: string | undefined;
}

/** Milliseconds since the process started. `performance` would say the same, and be loaded for it. */
export function nowMs(): number {
  return process.uptime() * 1000;
}

export class Trace {
  readonly spans: Span[];
  readonly #subject: string | undefined;

  constructor(spans: Span[] = [], subject?: string) {
    this.spans = spans;
    this.#subject = subject;
  }

  /** A trace that records into the same list, for one of several subjects. */
  for(subject: string): Trace {
    return new Trace(this.spans, subject);
  }

  /** Runs `body` and records how long it took, also when it throws; a promise counts until it settles. */
  span<T>(name: string, body: () => T): T {
    const startMs = nowMs();
    const done = () => {
      this.spans.push({ name, startMs, durationMs: nowMs() - startMs, subject: this.#subject });
    };
    let result: T;
    try {
      result = body();
    } catch (error) {
      done();
      throw error;
    }
    if (result instanceof Promise) return result.finally(done) as T;
    done();
    return result;
  }
}
