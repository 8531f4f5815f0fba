/** A package loaded and unloaded again and again leaves nothing: no map, program, link or BTF in the kernel, no descriptor, no memory. */
import { readdirSync } from 'node:fs';
import { load } from 'ebpf-ecc/runner';
import { beforeEach, expect, test } from 'vitest';
import { bpftool } from '../support/kernel.ts';
import { requireKernel } from '../support/require.ts';
import { fileDirectory } from '../support/temporary.ts';
import { ObjectBuilder } from './objects.ts';

const builder = new ObjectBuilder(fileDirectory());

const MAPS = `
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } leak_ring SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, 4); __uint(value_size, 4); } leak_perf SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 16); __type(key, __u32); __type(value, __u64); } leak_hash SEC(".maps");
const volatile __u32 wanted = 7;
__u64 hits;
`;

/** Detached at once. */
const QUICK = `${MAPS}
SEC("raw_tp/sys_enter") int leak_raw(void *ctx) { hits += wanted; return 0; }
SEC("raw_tp/sys_exit") int leak_exit(void *ctx) { return 0; }
SEC("syscall") int leak_run(void *ctx) { return 0; }
`;

/** The kernel takes up to a tenth of a second for each. */
const SLOW = `${MAPS}
SEC("tp/syscalls/sys_enter_getpgrp") int leak_tp(void *ctx) { hits += wanted; return 0; }
SEC("xdp") int leak_xdp(struct xdp_md *ctx) { return XDP_PASS; }
SEC("tc") int leak_tc(struct __sk_buff *skb) { return 0; }
SEC("tcx/egress") int leak_tcx(struct __sk_buff *skb) { return -1; }
SEC("iter/task") int leak_iter(struct bpf_iter__task *ctx) { return 0; }
SEC("perf_event") int leak_event(void *ctx) { return 0; }
`;

/** Cycles after which caches and lazily made things are there. */
const WARM_UP = 20;

async function inKernel(): Promise<string[]> {
  const programs = JSON.parse((await bpftool('-j', 'prog', 'list')).stdout) as { name?: string }[];
  const maps = JSON.parse((await bpftool('-j', 'map', 'list')).stdout) as { name?: string }[];
  return [...programs, ...maps].flatMap(({ name }) => (name?.startsWith('leak_') ? [name] : []));
}

function openFiles(): number {
  return readdirSync('/proc/self/fd').length;
}

beforeEach(async (context) => {
  await requireKernel(context);
});

test.each([
  ['quick', QUICK, 1000, 2],
  ['slow', SLOW, 50, 6],
])(
  'loaded, attached, used and closed again and again: programs that are %s to detach',
  async (name, source, cycles, attached) => {
    const object = await builder.build(name, source);
    const cycle = async () => {
      const bpf = await load(object, { rodata: { wanted: 9 } });
      expect(bpf.attachments.length).toBe(attached);
      bpf.maps.leak_hash!.set(1, 2n);
      bpf.bss.hits = 0n;
      await bpf.close();
    };
    for (let i = 0; i < WARM_UP; i++) await cycle();
    await new Promise((resolve) => setTimeout(resolve, 200));
    const files = openFiles();
    const memory = process.memoryUsage().rss;
    for (let i = 0; i < cycles; i++) await cycle();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(openFiles()).toBeLessThanOrEqual(files);
    expect(process.memoryUsage().rss - memory, 'bytes of resident memory').toBeLessThan(24 << 20);
    // the kernel frees programs and maps a grace period after their last user
    await expect.poll(inKernel, { timeout: 20_000 }).toEqual([]);
  },
  200_000,
);
