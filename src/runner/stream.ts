/**
 * Events of one map as an async iterable. The kernel's buffer is the queue: a record is taken out and decoded when somebody
 * asks for it, so a slow reader costs no memory, and what does not fit any more is dropped where it arises. Between events the
 * event loop gets its turn at least every few milliseconds.
 */

import type { Native } from './native.ts';
import { createPoller, type Poller } from './poll.ts';
import type { RecordReader, RecordSink } from './records.ts';

/** Turns a record into a value; must not keep `view`. */
export type Decode<T> = (view: DataView, offset: number, size: number) => T;

/** Records that are decoded at a time. */
const BATCH = 256;
/** How long events may be handed out without the event loop getting a turn. */
const MAX_HOG_MS = 8;

/**
 * The events of a ring or perf buffer. Several readers share them: each event goes to one. What is decoded and not delivered when a
 * loop is left is delivered by the next one.
 */
export class EventStream<T> implements AsyncIterable<T> {
  /** Name of the map. */
  readonly name: string;
  readonly #reader: RecordReader;
  readonly #poller: Poller;
  readonly #decode: Decode<T>;
  #batch: T[] = [];
  #next = 0;
  #turnStarted = 0;
  #received = 0;
  #closed = false;

  /** @internal */
  constructor(native: Native, name: string, reader: RecordReader, decode: Decode<T>) {
    this.name = name;
    this.#reader = reader;
    this.#poller = createPoller(native, reader.fd, reader.readableOnce);
    this.#decode = decode;
  }

  /** Events read so far. */
  get received(): number {
    return this.#received;
  }

  /** Events that the kernel dropped because nobody read them in time. Perf buffers only: for ring buffers it keeps no count. */
  get lost(): number {
    return this.#reader.lost;
  }

  /** How often a ring buffer was found nearly full. If it never was, nothing can have been lost. */
  get full(): number {
    return this.#reader.full;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * The lowest level: hands the records that are there to `sink`, undecoded, and returns their number without waiting.
   * The memory is the kernel's: what is to be kept has to be copied before `sink` returns.
   */
  readRecords(sink: RecordSink, limit = Number.POSITIVE_INFINITY): number {
    const count = this.#reader.read(sink, limit);
    this.#received += count;
    return count;
  }

  /** Resolves when there may be records to read, and when the stream is closed. */
  readable(): Promise<void> {
    return this.#poller.wait();
  }

  /** Resolves the promises that {@link readable} gave. */
  wake(): void {
    this.#poller.wake();
  }

  /** Events in arrays of at most `size`, as many as are there: the fastest way to read many. */
  async *batches(size = BATCH): AsyncGenerator<T[], void, undefined> {
    for (;;) {
      const batch = this.#take(Math.max(1, size));
      if (batch.length > 0) {
        yield batch;
        if (this.#hogging()) await this.#yieldTurn();
      } else if (this.#closed) {
        return;
      } else {
        await this.#wait();
      }
    }
  }

  [Symbol.asyncIterator](): AsyncIterator<T, void, undefined> {
    return {
      next: () => this.#pull(),
      return: () => Promise.resolve({ done: true, value: undefined }),
    };
  }

  /** Ends the iterations that wait, after the events that are already decoded. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#poller.close();
    this.#reader.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #pull(): Promise<IteratorResult<T, void>> {
    if (this.#next < this.#batch.length) {
      const value = this.#batch[this.#next++]!;
      return Promise.resolve({ done: false, value });
    }
    return this.#refill();
  }

  async #refill(): Promise<IteratorResult<T, void>> {
    if (this.#hogging()) await this.#yieldTurn();
    for (;;) {
      if (this.#next >= this.#batch.length) {
        this.#batch = this.#read(BATCH);
        this.#next = 0;
      }
      if (this.#batch.length > 0) return { done: false, value: this.#batch[this.#next++]! };
      if (this.#closed) return { done: true, value: undefined };
      await this.#wait();
    }
  }

  #take(size: number): T[] {
    if (this.#next < this.#batch.length) {
      const batch = this.#batch.slice(this.#next, this.#next + size);
      this.#next += batch.length;
      return batch;
    }
    return this.#read(size);
  }

  #read(limit: number): T[] {
    const batch: T[] = [];
    const decode = this.#decode;
    this.readRecords((view, offset, size) => {
      batch.push(decode(view, offset, size));
    }, limit);
    return batch;
  }

  async #wait(): Promise<void> {
    await this.#poller.wait();
    this.#turnStarted = performance.now();
  }

  #hogging(): boolean {
    return performance.now() - this.#turnStarted > MAX_HOG_MS;
  }

  async #yieldTurn(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#turnStarted = performance.now();
  }
}
