/**
 * Opening koffi, libbpf and libc, once a thread, and the few things that every call into them needs: errno, calls off the
 * event loop, option structs. koffi is an optional dependency; both it and `libbpf.so.1` being absent are {@link ToolError}s
 * that say what to install.
 */
import { getSystemErrorName } from 'node:util';
import type * as Koffi from 'koffi';
import { isEccError, ToolError } from '../core/errors.ts';
import {
  LIBBPF_PROTOTYPES,
  LIBC_PROTOTYPES,
  type Libbpf,
  type Libc,
  type Memory,
  type NativeFunction,
  type Pointer,
} from './libbpf.ts';

/** Address ranges of closed memory, freed when their ArrayBuffer is collected. */
export type Reclaim = FinalizationRegistry<{ readonly at: Pointer; readonly size: number }>;

export interface Native {
  readonly koffi: typeof Koffi;
  readonly bpf: Libbpf;
  readonly c: Libc;
  /** `1.1` */
  readonly libbpfVersion: string;
  /** Threads of the kernel that per-CPU maps have a value for. */
  readonly possibleCpus: number;
  /** Bytes of a page of memory. */
  readonly pageSize: number;
  readonly reclaim: Reclaim;
  /** C type of libbpf's print function: `int (int level, const char *format, va_list args)`. */
  readonly printType: Koffi.TypeObject;
  /** Memory that structs point into, by struct. */
  readonly pointees: WeakMap<Uint8Array, readonly Uint8Array[]>;
  /** Arguments of calls that are under way on other threads. */
  readonly inFlight: Set<readonly unknown[]>;
  /** Numbers of the interfaces whose queueing discipline for tc programs was made here, to be removed after the last of them. */
  readonly ownHooks: Set<number>;
}

export interface NativeSources {
  /** How koffi is found; the default is `import('koffi')`. */
  readonly koffi?: () => Promise<unknown>;
  /** Name or path of libbpf; the default is `libbpf.so.1`. */
  readonly libbpf?: string;
}

let opened: Promise<Native> | undefined;

/**
 * koffi with libbpf and libc. Libraries are a property of the process and koffi keeps every function that it is asked to define,
 * so this is done once a thread.
 * @throws {ToolError} `TOOL_KOFFI_MISSING`, `TOOL_LIBBPF_MISSING`, `TOOL_LIBBPF_TOO_OLD`
 */
export function openNative(): Promise<Native> {
  opened ??= findNative({}).catch((error: unknown) => {
    opened = undefined;
    throw error;
  });
  return opened;
}

/** As {@link openNative}, from other places and anew. */
export async function findNative(sources: NativeSources): Promise<Native> {
  const koffi = await importKoffi(sources.koffi ?? (() => import('koffi')));
  const path = sources.libbpf ?? 'libbpf.so.1';
  const bpf = bind<Libbpf>(openLibrary(koffi, path), LIBBPF_PROTOTYPES, path);
  const c = bind<Libc>(koffi.load(null), LIBC_PROTOTYPES, 'libc');
  bpf.libbpf_set_print(null);
  return {
    koffi,
    bpf,
    c,
    libbpfVersion: bpf.libbpf_version_string().replace(/^v/, ''),
    possibleCpus: bpf.libbpf_num_possible_cpus(),
    pageSize: c.getpagesize(),
    reclaim: new FinalizationRegistry(({ at, size }) => c.munmap(at, size)),
    printType: koffi.pointer(koffi.proto('int', ['int', 'void *', 'void *'])),
    pointees: new WeakMap(),
    inFlight: new Set(),
    ownHooks: new Set(),
  };
}

async function importKoffi(load: () => Promise<unknown>): Promise<typeof Koffi> {
  try {
    const module = (await load()) as { default?: typeof Koffi };
    return (module.default ?? module) as typeof Koffi;
  } catch (cause) {
    throw new ToolError('TOOL_KOFFI_MISSING', 'koffi, which calls libbpf, cannot be loaded', {
      hint: 'npm install koffi   (beside ebpf-ecc, or with -g if ebpf-ecc was installed with -g)',
      details: { reason: cause instanceof Error ? cause.message : String(cause) },
      cause,
    });
  }
}

function openLibrary(koffi: typeof Koffi, path: string): Koffi.LibraryHandle {
  try {
    return koffi.load(path);
  } catch (cause) {
    throw new ToolError('TOOL_LIBBPF_MISSING', `${path} cannot be loaded`, {
      hint: 'apt install libbpf1   (Fedora: dnf install libbpf; Arch: pacman -S libbpf; Alpine: apk add libbpf)',
      details: { library: path, reason: cause instanceof Error ? cause.message : String(cause) },
      cause,
    });
  }
}

function bind<T extends object>(
  library: Koffi.LibraryHandle,
  prototypes: Readonly<Record<keyof T, string>>,
  name: string,
): T {
  const bound: Partial<T> = {};
  for (const key of Object.keys(prototypes) as (keyof T & string)[]) {
    try {
      bound[key] = library.func(prototypes[key]) as T[typeof key];
    } catch (cause) {
      throw new ToolError('TOOL_LIBBPF_TOO_OLD', `${name} has no function ${key}`, {
        hint: 'libbpf 1.1 or newer is needed',
        details: { library: name, function: key },
        cause,
      });
    }
  }
  return bound as T;
}

/** An errno by number. */
export interface Errno {
  readonly errno: number;
  /** `EPERM` */
  readonly name: string;
}

/** Of the kernel's inside, and of libbpf: no C library has names for them. @see include/linux/errno.h, libbpf_legacy.h `enum libbpf_errno` */
const OTHER_ERRORS: ReadonlyMap<number, string> = new Map([
  [524, 'ENOTSUPP'],
  ...[
    ...['LIBELF', 'FORMAT', 'KVERSION', 'ENDIAN', 'INTERNAL', 'RELOC', 'LOAD', 'VERIFY', 'PROG2BIG', 'KVER'],
    ...['PROGTYPE', 'WRNGPID', 'INVSEQ', 'NLPARSE'],
  ].map((name, index) => [4000 + index, `LIBBPF_ERRNO__${name}`] as const),
]);

/** @param result a negative errno */
export function errnoOf(result: number): Errno {
  const errno = Math.abs(result);
  const own = OTHER_ERRORS.get(errno);
  if (own !== undefined) return { errno, name: own };
  const name = errno > 0 && errno < 4000 ? getSystemErrorName(-errno) : '';
  return { errno, name: name.startsWith('E') ? name : `error ${errno}` };
}

/** errno as the last function that was called from this thread left it. */
export function lastErrno(native: Native): Errno {
  return errnoOf(native.koffi.errno());
}

export interface CallResult<T> {
  readonly result: T;
  readonly errno: Errno;
}

/** Runs a C function on a thread, so that the event loop goes on; the result comes with the errno that it left. */
export function callAsync<Args extends readonly unknown[], Result>(
  native: Native,
  fn: NativeFunction<Args, Result>,
  ...args: Args
): Promise<CallResult<Result>> {
  return new Promise((resolve, reject) => {
    native.inFlight.add(args);
    fn.async(...args, (error: unknown, result: Result) => {
      native.inFlight.delete(args);
      if (error !== null && error !== undefined) reject(isEccError(error) ? error : new Error(String(error)));
      else resolve({ result, errno: lastErrno(native) });
    });
  });
}

/** A member of an option struct: where it is, how wide, what it holds. */
export type StructMember =
  | readonly [offset: number, kind: 'u32' | 'i32' | 'u64', value: number]
  | readonly [offset: number, kind: 'pointer', value: Memory | string];

/**
 * Bytes for an `..._opts` struct of libbpf. What its pointers point to lives as long as the bytes do.
 * @param size  in bytes; the caller writes it into a leading `sz` member where there is one
 */
export function nativeStruct(native: Native, size: number, members: readonly StructMember[]): Buffer {
  const bytes = Buffer.alloc(size);
  const keep: Uint8Array[] = [];
  for (const [offset, kind, value] of members) {
    switch (kind) {
      case 'u32':
        bytes.writeUInt32LE(value, offset);
        break;
      case 'i32':
        bytes.writeInt32LE(value, offset);
        break;
      case 'u64':
        bytes.writeBigUInt64LE(BigInt(value), offset);
        break;
      default:
        bytes.writeBigUInt64LE(addressOf(native, value, keep), offset);
    }
  }
  native.pointees.set(bytes, keep);
  return bytes;
}

function addressOf(native: Native, value: Memory | string, keep: Uint8Array[]): bigint {
  if (value === null) return 0n;
  if (typeof value === 'bigint') return value;
  const memory = typeof value === 'string' ? Buffer.from(`${value}\0`) : value;
  keep.push(memory);
  return native.koffi.address(memory);
}

/** Bytes at an address, copied. */
export function copyFrom(native: Native, at: Pointer, size: number): Uint8Array {
  return new Uint8Array(native.koffi.view(at, size)).slice();
}
