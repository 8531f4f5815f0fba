/**
 * Reading the per-CPU buffers behind a `BPF_MAP_TYPE_PERF_EVENT_ARRAY`. libbpf opens and maps them; the records are read here,
 * out of its memory. Samples are copied out first, because a record may wrap around the end of its buffer and because the
 * memory goes away with the buffer.
 *
 * Records of one CPU are in order; those of different CPUs are not ordered against each other.
 *
 * @see include/uapi/linux/perf_event.h `struct perf_event_mmap_page`, `PERF_RECORD_SAMPLE`, `PERF_RECORD_LOST`
 */
import { LoadError } from '../core/errors.ts';
import type { Pointer } from './libbpf.ts';
import { errnoOf, lastErrno, type Native } from './native.ts';
import type { RecordReader, RecordSink } from './records.ts';

const RECORD_LOST = 2;
const RECORD_SAMPLE = 9;
/** Of `data_head` and `data_tail` in the header page, in 64-bit words. */
const DATA_HEAD = 1024 / 8;
const DATA_TAIL = 1032 / 8;
/** type u32, misc u16, size u16 */
const HEADER_SIZE = 8;
/** A record's size is 16 bits wide. */
const MAX_RECORD = 65536;

export const DEFAULT_PERF_PAGES = 64;

interface CpuBuffer {
  readonly positions: BigInt64Array;
  readonly data: Uint8Array;
}

export class PerfBufferReader implements RecordReader {
  readonly fd: number;
  readonly full = 0;
  /** @see kernel/events/core.c `perf_poll()` */
  readonly readableOnce = true;
  readonly #native: Native;
  readonly #cpus: readonly CpuBuffer[];
  readonly #scratch = new Uint8Array(MAX_RECORD);
  readonly #view = new DataView(this.#scratch.buffer);
  #pointer: Pointer | null;
  #lost = 0;
  /** The CPU to begin with, so that a busy one does not starve the others when `limit` is reached. */
  #first = 0;

  /**
   * @param pages  of each CPU's buffer: a power of two
   * @throws {LoadError} `LOAD_PERF_BUFFER`
   */
  constructor(native: Native, fd: number, pages: number, name: string) {
    const pointer = native.bpf.perf_buffer__new(fd, pages, null, null, null, null);
    if (pointer === null) {
      const { errno, name: errnoName } = lastErrno(native);
      throw new LoadError('LOAD_PERF_BUFFER', `perf buffer ${name}: cannot be opened (${errnoName})`, {
        details: { map: name, errno, pages },
        ...(errnoName === 'EPERM' || errnoName === 'EACCES'
          ? {
              hint: 'run it as root, or with CAP_PERFMON; in a container, its seccomp profile may forbid perf_event_open()',
            }
          : {}),
      });
    }
    this.#native = native;
    this.#pointer = pointer;
    this.fd = native.bpf.perf_buffer__epoll_fd(pointer);
    this.#cpus = Array.from({ length: native.bpf.perf_buffer__buffer_cnt(pointer) }, (_, index) =>
      cpuBuffer(native, pointer, index),
    );
  }

  get lost(): number {
    return this.#lost;
  }

  read(sink: RecordSink, limit: number): number {
    let count = 0;
    for (let i = 0; i < this.#cpus.length && count < limit && this.#pointer !== null; i++) {
      count += this.#readCpu(this.#cpus[(this.#first + i) % this.#cpus.length]!, sink, limit - count);
    }
    this.#first = (this.#first + 1) % Math.max(1, this.#cpus.length);
    return count;
  }

  #readCpu(cpu: CpuBuffer, sink: RecordSink, limit: number): number {
    const head = Number(Atomics.load(cpu.positions, DATA_HEAD));
    let tail = Number(Atomics.load(cpu.positions, DATA_TAIL));
    let count = 0;
    try {
      // the sink may close
      while (tail < head && count < limit && this.#pointer !== null) {
        this.#copy(cpu.data, tail, HEADER_SIZE);
        const type = this.#view.getUint32(0, true);
        const size = this.#view.getUint16(6, true);
        if (size < HEADER_SIZE) throw new Error(`a perf record of ${size} bytes`);
        this.#copy(cpu.data, tail, size);
        tail += size;
        if (type === RECORD_SAMPLE) {
          count++;
          sink(this.#view, HEADER_SIZE + 4, this.#view.getUint32(HEADER_SIZE, true));
        } else if (type === RECORD_LOST) {
          this.#lost += Number(this.#view.getBigUint64(HEADER_SIZE + 8, true));
        }
      }
    } finally {
      if (this.#pointer !== null) Atomics.store(cpu.positions, DATA_TAIL, BigInt(tail));
    }
    return count;
  }

  #copy(data: Uint8Array, from: number, size: number): void {
    const start = from % data.length;
    const first = Math.min(size, data.length - start);
    this.#scratch.set(data.subarray(start, start + first));
    if (first < size) this.#scratch.set(data.subarray(0, size - first), first);
  }

  close(): void {
    if (this.#pointer === null) return;
    const pointer = this.#pointer;
    this.#pointer = null;
    this.#native.bpf.perf_buffer__free(pointer);
  }
}

function cpuBuffer(native: Native, pointer: Pointer, index: number): CpuBuffer {
  const out = Buffer.alloc(16);
  const result = native.bpf.perf_buffer__buffer(pointer, index, out.subarray(0, 8), out.subarray(8));
  if (result !== 0) throw new LoadError('LOAD_PERF_BUFFER', `perf buffer of CPU ${index}: ${errnoOf(result).name}`);
  // the address is that of the header page, the size that of the data behind it
  const memory = native.koffi.view(out.readBigUInt64LE(0), native.pageSize + Number(out.readBigUInt64LE(8)));
  return {
    positions: new BigInt64Array(memory, 0, native.pageSize / 8),
    data: new Uint8Array(memory, native.pageSize),
  };
}
