/**
 * Kernel memory (ring buffers, perf buffers, global variables) as ArrayBuffers. A view that somebody kept may be read after the
 * region was closed, and must not crash the process: closing puts empty anonymous memory in the same place, which releases what
 * was mapped at once; the addresses go back when the last view is collected.
 */
import { LoadError } from '../core/errors.ts';
import { lastErrno, type Native } from './native.ts';

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 0x1;
const MAP_PRIVATE = 0x2;
const MAP_FIXED = 0x10;
const MAP_ANONYMOUS = 0x20;
const MAP_NORESERVE = 0x4000;
/** What the mmap of libc returns on failure: the address -1. */
const MAP_FAILED = 0xffff_ffff_ffff_ffffn;

export interface MappedMemory {
  /** Reads as zeros once closed. */
  readonly buffer: ArrayBuffer;
  close(): void;
}

export interface MapMemoryOptions {
  readonly fd: number;
  /** Bytes; a multiple of the page size. */
  readonly size: number;
  /** Bytes from the start of what `fd` stands for. */
  readonly offset: number;
  readonly writable: boolean;
  /** Names the memory in an error. */
  readonly what: string;
}

/** @throws {LoadError} `LOAD_MMAP` */
export function mapMemory(native: Native, options: MapMemoryOptions): MappedMemory {
  const { fd, size, offset, writable, what } = options;
  const at = native.c.mmap(null, size, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, offset);
  if (BigInt.asUintN(64, at) === MAP_FAILED) {
    const { errno, name } = lastErrno(native);
    throw new LoadError('LOAD_MMAP', `${what}: cannot be mapped into memory (${name})`, {
      details: { errno, size, offset },
    });
  }
  const buffer = native.koffi.view(at, size);
  native.reclaim.register(buffer, { at, size });
  let open = true;
  return {
    buffer,
    close() {
      if (!open) return;
      open = false;
      native.c.mmap(at, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
    },
  };
}
