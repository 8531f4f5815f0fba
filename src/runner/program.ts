/** A program in the kernel: attaching, detaching, running it for a test, reading what an iterator prints. */
import { closeSync, read } from 'node:fs';
import { LoadError } from '../core/errors.ts';
import type { BpfProgram } from '../object/model.ts';
import { attach } from './attach.ts';
import type { Attachment } from './attachment.ts';
import { callAsync, errnoOf, type Native, nativeStruct } from './native.ts';
import type { BpfObject, ProgramHandle } from './object.ts';

export interface RunOptions {
  /** The packet of programs that take one. */
  readonly data?: Uint8Array;
  /** The context of others. */
  readonly context?: Uint8Array;
  /** How often. Default 1. */
  readonly repeat?: number;
}

export interface RunResult {
  /** What the program returned. */
  readonly value: number;
  /** The packet afterwards. */
  readonly data: Uint8Array;
  /** Nanoseconds of one run, on average. */
  readonly durationNs: number;
}

/** `struct bpf_test_run_opts` of libbpf 1.1. */
const RUN_OPTS = {
  size: 80,
  dataIn: 8,
  dataOut: 16,
  dataSizeIn: 24,
  dataSizeOut: 28,
  ctxIn: 32,
  ctxSizeIn: 48,
  retval: 56,
  repeat: 60,
  duration: 64,
} as const;
/** Room for a packet that the program makes longer. */
const HEADROOM = 512;

export class LoadedProgram {
  readonly name: string;
  /** As in `SEC()`. */
  readonly section: string;
  readonly #native: Native;
  readonly #object: BpfObject;
  readonly #handle: ProgramHandle;
  readonly #program: BpfProgram;
  readonly #extras: Readonly<Record<string, unknown>>;
  #attachment: Attachment | undefined;
  #attaching: Promise<Attachment> | undefined;
  readonly #runs = new Set<Promise<RunResult>>();
  #ending = false;

  /** @internal */
  constructor(
    native: Native,
    object: BpfObject,
    handle: ProgramHandle,
    program: BpfProgram,
    extras: Readonly<Record<string, unknown>>,
  ) {
    this.name = program.name;
    this.section = program.section;
    this.#native = native;
    this.#object = object;
    this.#handle = handle;
    this.#program = program;
    this.#extras = extras;
  }

  get fd(): number {
    this.#checkOpen();
    return this.#native.bpf.bpf_program__fd(this.#handle.pointer);
  }

  /** False for programs that are used in another way: run, or attached through a map. */
  get attachable(): boolean {
    return !/^\??(syscall|struct_ops)\b/.test(this.section);
  }

  get attachment(): Attachment | undefined {
    return this.#attachment?.detached === true ? undefined : this.#attachment;
  }

  /**
   * Attaches the program; does nothing when it is attached.
   * @param target  what to, where the section does not say or something else is meant
   */
  attach(target?: string): Promise<Attachment> {
    this.#attaching ??= this.#attach(target).finally(() => {
      this.#attaching = undefined;
    });
    return this.#attaching;
  }

  /** @internal Threads work on the program. */
  get busy(): boolean {
    return this.#attaching !== undefined || this.#runs.size > 0 || this.#attachment?.detached === true;
  }

  /** @internal Takes no more orders; resolves when those that are under way are carried out. */
  async end(): Promise<void> {
    this.#ending = true;
    await Promise.allSettled([this.#attaching, ...this.#runs]);
    if (this.#attachment?.detached === true) await this.#attachment.detach();
  }

  #checkOpen(): void {
    if (this.#ending || this.#object.closed) throw closedError(this.name);
  }

  async #attach(target: string | undefined): Promise<Attachment> {
    this.#checkOpen();
    if (this.attachment !== undefined) return this.attachment;
    this.#attachment = await attach({
      native: this.#native,
      object: this.#object,
      handle: this.#handle,
      program: this.#program,
      extras: this.#extras,
      target,
    });
    return this.#attachment;
  }

  /** Detaches the program; when it is just being attached, after that. */
  async detach(): Promise<void> {
    await this.#attaching?.catch(() => {});
    const attachment = this.#attachment;
    await attachment?.detach();
    if (this.#attachment === attachment) this.#attachment = undefined;
  }

  /**
   * Runs the program here and now (`BPF_PROG_TEST_RUN`): what `syscall` programs are for; of others the types that the kernel
   * can run without an event: xdp, tc, cgroup_skb, raw_tp, …
   * @throws {LoadError} `LOAD_RUN`
   */
  run(options: RunOptions = {}): Promise<RunResult> {
    const running = this.#run(options).finally(() => this.#runs.delete(running));
    this.#runs.add(running);
    return running;
  }

  async #run(options: RunOptions): Promise<RunResult> {
    const { data, context, repeat } = options;
    const out = data === undefined ? undefined : Buffer.alloc(data.length + HEADROOM);
    const opts = nativeStruct(this.#native, RUN_OPTS.size, [
      [0, 'u64', RUN_OPTS.size],
      [RUN_OPTS.dataIn, 'pointer', data ?? null],
      [RUN_OPTS.dataOut, 'pointer', out ?? null],
      [RUN_OPTS.dataSizeIn, 'u32', data?.length ?? 0],
      [RUN_OPTS.dataSizeOut, 'u32', out?.length ?? 0],
      [RUN_OPTS.ctxIn, 'pointer', context ?? null],
      [RUN_OPTS.ctxSizeIn, 'u32', context?.length ?? 0],
      [RUN_OPTS.repeat, 'i32', repeat ?? 0],
    ]);
    const { result } = await callAsync(this.#native, this.#native.bpf.bpf_prog_test_run_opts, this.fd, opts);
    if (result < 0) {
      const { name, errno } = errnoOf(result);
      throw new LoadError('LOAD_RUN', `program ${this.name}: cannot be run: ${name}`, {
        details: { program: this.name, section: this.section, errno },
        hint: ['ENOTSUP', 'EOPNOTSUPP', 'ENOTSUPP'].includes(name)
          ? 'the kernel cannot run programs of this type without their event'
          : 'check the size of the context and of the packet',
      });
    }
    return {
      value: opts.readUInt32LE(RUN_OPTS.retval),
      data: out?.subarray(0, opts.readUInt32LE(RUN_OPTS.dataSizeOut)) ?? new Uint8Array(),
      durationNs: opts.readUInt32LE(RUN_OPTS.duration),
    };
  }

  /**
   * What an iterator (`SEC("iter/…")`) prints. It has to be attached.
   * @throws {LoadError} `LOAD_NOT_ATTACHED`, `LOAD_ITER`
   */
  async read(): Promise<string> {
    const link = this.attachment?.linkFd;
    if (link === undefined) throw new LoadError('LOAD_NOT_ATTACHED', `program ${this.name} is not attached`);
    const fd = this.#native.bpf.bpf_iter_create(link);
    if (fd < 0) throw iterError(this.name, errnoOf(fd).name);
    try {
      const chunks: Buffer[] = [];
      for (;;) {
        const chunk = Buffer.alloc(65536);
        const size = await readOnce(fd, chunk).catch((cause: NodeJS.ErrnoException) => {
          throw iterError(this.name, cause.code ?? cause.message, cause);
        });
        if (size === 0) return Buffer.concat(chunks).toString('utf8');
        chunks.push(chunk.subarray(0, size));
      }
    } finally {
      closeSync(fd);
    }
  }
}

function readOnce(fd: number, chunk: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, chunk, 0, chunk.length, null, (error, size) => (error === null ? resolve(size) : reject(error)));
  });
}

function iterError(program: string, errno: string, cause?: unknown): LoadError {
  return new LoadError('LOAD_ITER', `program ${program}: its output cannot be read: ${errno}`, {
    details: { program, errnoName: errno },
    ...(errno === 'E2BIG'
      ? {
          hint: 'it writes more for one element than the eight pages that the kernel keeps for it: write less at a time',
        }
      : {}),
    cause,
  });
}

function closedError(name: string): LoadError {
  return new LoadError('LOAD_CLOSED', `program ${name}: the package is no longer loaded`, {
    details: { program: name },
  });
}
