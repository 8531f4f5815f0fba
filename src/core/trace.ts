/**
 * Where the time of a build goes: named spans with start and length. Recording costs two clock reads a span, so it is always on;
 * printing is `--timings`' business.
 */

export interface Span {
  readonly name: string;
  /** Milliseconds since the process started. */
  readonly startMs: number;
  readonly durationMs: number;
}

export class Trace {
  readonly spans: Span[] = [];

  /** Runs `body` and records how long it took, also when it throws; a promise counts until it settles. */
  span<T>(name: string, body: () => T): T {
    const startMs = performance.now();
    const done = () => {
      this.spans.push({ name, startMs, durationMs: performance.now() - startMs });
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
