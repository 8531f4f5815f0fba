/** Small objects for the runner's tests: compiled with clang against the running kernel's types, no code of ours involved. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { runOk } from '../support/command.ts';
import { findTool } from '../support/tools.ts';

/** Compiles sources in one directory, with the kernel's header made once. */
export class ObjectBuilder {
  readonly #directory: string;
  #header: Promise<void> | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** The object of `source`, as bytes. `vmlinux.h` and the helpers are included. */
  async build(name: string, source: string): Promise<Buffer> {
    const object = path.join(this.#directory, `${name}.bpf.o`);
    if (existsSync(object)) return readFileSync(object);
    this.#header ??= this.#writeHeader();
    await this.#header;
    const file = this.sourceFile(name);
    writeFileSync(file, `${PREAMBLE}${source}\nchar LICENSE[] SEC("license") = "GPL";\n`);
    const arch = process.arch === 'arm64' ? 'arm64' : 'x86';
    await runOk('clang', [
      '-g',
      '-O2',
      '-target',
      'bpf',
      `-D__TARGET_ARCH_${arch}`,
      '-I',
      this.#directory,
      '-c',
      file,
      '-o',
      object,
    ]);
    return readFileSync(object);
  }

  /** Path of what was compiled. */
  sourceFile(name: string): string {
    return path.join(this.#directory, `${name}.bpf.c`);
  }

  async #writeHeader(): Promise<void> {
    const bpftool = findTool('bpftool') ?? 'bpftool';
    const { stdout } = await runOk(bpftool, ['btf', 'dump', 'file', '/sys/kernel/btf/vmlinux', 'format', 'c']);
    writeFileSync(path.join(this.#directory, 'vmlinux.h'), stdout);
  }
}

const PREAMBLE = `#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
`;

/** What {@link GENERATOR} emits, decoded. */
export interface GeneratedEvent {
  readonly seq: bigint;
  readonly index: number;
  readonly inverse: number;
  readonly triple: bigint;
  readonly seven: number;
  readonly nine: number;
}

/** Emits `per_run` numbered events of 32 bytes whenever it is run. */
export const GENERATOR = `
struct event { __u64 seq; __u32 index; __u32 inverse; __u64 triple; __u32 seven; __u32 nine; };
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4 << 20); } events SEC(".maps");
const volatile struct event *unused_event __attribute__((unused));
__u64 seq, dropped;
__u32 per_run = 1000;
static int emit(__u32 i, void *ctx) {
  struct event *e = bpf_ringbuf_reserve(&events, sizeof(*e), 0);
  if (!e) { __sync_fetch_and_add(&dropped, 1); return 1; }
  e->seq = seq++; e->index = i; e->inverse = ~i; e->triple = e->seq * 3; e->seven = 7; e->nine = 9;
  bpf_ringbuf_submit(e, 0);
  return 0;
}
SEC("syscall") int burst(void *ctx) { bpf_loop(per_run, emit, 0, 0); return 0; }
`;
