/**
 * Reading a BPF ring buffer straight out of mapped memory: no call into the kernel or into libbpf per record. One reader for
 * each map, as for libbpf.
 *
 * Layout: a page with the consumer's position, then (from its own map offset) a page with the producer's position and the data,
 * mapped twice in a row, so that no record is ever split. A record is 8 bytes of header and the sample, rounded up to 8.
 *
 * @see kernel/bpf/ringbuf.c; Documentation/bpf/ringbuf.rst
 */
import { type MappedMemory, mapMemory } from './memory.ts';
import type { Native } from './native.ts';
import type { RecordReader, RecordSink } from './records.ts';

const HEADER_SIZE = 8;
/** Bits of the length word: being written; discarded by the program. */
const BUSY_BIT = 0x8000_0000;
const DISCARD_BIT = 0x4000_0000;
const LENGTH_MASK = 0x3fff_ffff;
/** Records after which room is given back while more are being read. */
const PUBLISH_EVERY = 64;

export class RingBufferReader implements RecordReader {
  readonly fd: number;
  readonly lost = 0;
  readonly readableOnce = false;
  readonly #consumer: MappedMemory;
  readonly #producer: MappedMemory;
  readonly #consumerPosition: BigInt64Array;
  /** The producer's page and the data as 32-bit words; word 0 is the low half of the position on little endian. */
  readonly #words: Int32Array;
  readonly #data: DataView;
  readonly #size: number;
  readonly #dataWord: number;
  readonly #nearlyFull: number;
  /** Bytes read since the map was made. A double is exact for 8 PiB. */
  #position: number;
  #full = 0;
  #closed = false;

  /**
   * @param size  `max_entries` of the map: bytes, a power of two and a multiple of the page size
   * @throws {LoadError} `LOAD_MMAP`
   */
  constructor(native: Native, fd: number, size: number, name: string) {
    const what = `ring buffer ${name}`;
    const page = native.pageSize;
    this.fd = fd;
    this.#size = size;
    this.#nearlyFull = size - size / 16;
    this.#consumer = mapMemory(native, { fd, size: page, offset: 0, writable: true, what });
    this.#producer = mapMemory(native, { fd, size: page + 2 * size, offset: page, writable: false, what });
    this.#consumerPosition = new BigInt64Array(this.#consumer.buffer, 0, 1);
    this.#words = new Int32Array(this.#producer.buffer);
    this.#data = new DataView(this.#producer.buffer, page);
    this.#dataWord = page / 4;
    this.#position = Number(Atomics.load(this.#consumerPosition, 0));
  }

  get full(): number {
    return this.#full;
  }

  /**
   * Orders against the kernel as `ringbuf_process_ring()` of libbpf does: acquire the producer's position and each length word,
   * release our position. `Atomics` is sequentially consistent, which is more than that.
   */
  read(sink: RecordSink, limit: number): number {
    if (this.#closed || limit <= 0) return 0;
    const words = this.#words;
    let position = this.#position;
    let count = 0;
    let unpublished = 0;
    try {
      outer: for (;;) {
        // 32 bits of difference are enough: a ring buffer is smaller than 4 GiB
        const available = (Atomics.load(words, 0) - position) >>> 0;
        if (available === 0) break;
        if (available > this.#nearlyFull) this.#full++;
        const end = position + available;
        while (position < end) {
          const offset = position % this.#size;
          const length = Atomics.load(words, this.#dataWord + (offset >>> 2)) >>> 0;
          if (length >= BUSY_BIT) break outer;
          const size = length & LENGTH_MASK;
          position += (size + HEADER_SIZE + 7) & ~7;
          if (length < DISCARD_BIT) {
            sink(this.#data, offset + HEADER_SIZE, size);
            count++;
            // the memory reads as zeros now: empty records without end
            if (this.#closed) break outer;
          }
          if (++unpublished === PUBLISH_EVERY) {
            unpublished = 0;
            this.#publish(position);
          }
          if (count >= limit) break outer;
        }
        this.#publish(position);
        unpublished = 0;
      }
    } finally {
      if (position !== this.#position) this.#publish(position);
    }
    return count;
  }

  #publish(position: number): void {
    this.#position = position;
    if (!this.#closed) Atomics.store(this.#consumerPosition, 0, BigInt(position));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#consumer.close();
    this.#producer.close();
  }
}
