/**
 * Room for the verifier's log of each program of an object. It is only address space until something is written, so that every
 * load can have it: what was refused need not be loaded a second time to be explained.
 */
import { cString } from '../core/bytes.ts';
import type { Pointer } from './libbpf.ts';
import { copyFrom, type Native } from './native.ts';
import type { BpfObject } from './object.ts';

const PROT_READ_WRITE = 3;
const MAP_PRIVATE_ANONYMOUS_NORESERVE = 0x2 | 0x20 | 0x4000;
/** The largest log that kernels before 5.2 take is one byte less. */
const MAX_LOG = 1 << 24;
const MAX_TOTAL = 1 << 30;

export interface LogMemory {
  /** The first program that the verifier wrote about, and what; `undefined` when it wrote nothing. */
  read(): { readonly program: string; readonly log: string } | undefined;
  free(): void;
}

/** Gives each program of an opened object its own room. `undefined` when there is no address space for it. */
export function logMemory(object: BpfObject): LogMemory | undefined {
  const { native, programs } = object;
  if (programs.length === 0) return undefined;
  const room = Math.min(MAX_LOG, 2 ** Math.floor(Math.log2(MAX_TOTAL / programs.length)));
  const size = room * programs.length;
  const at = native.c.mmap(null, size, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS_NORESERVE, -1, 0);
  if (BigInt.asIntN(64, at) === -1n) return undefined;
  const place = (index: number): Pointer => at + BigInt(index * room);
  for (const [index, { pointer }] of programs.entries())
    native.bpf.bpf_program__set_log_buf(pointer, place(index), room - 1);
  return {
    read() {
      for (const [index, { name }] of programs.entries()) {
        const log = readText(native, place(index), room);
        if (log.trim() !== '') return { program: name, log };
      }
      return undefined;
    },
    free() {
      native.c.munmap(at, size);
    },
  };
}

/** Text up to its NUL, in steps: what was not written is not touched. */
function readText(native: Native, at: Pointer, size: number): string {
  let text = '';
  for (let offset = 0, step = 4096; offset < size; offset += step, step = Math.min(step * 4, size - offset)) {
    const bytes = copyFrom(native, at + BigInt(offset), Math.min(step, size - offset));
    text += cString(bytes, 0);
    if (bytes.includes(0)) break;
  }
  return text;
}
