/** A package loaded and unloaded again and again leaves nothing: no map, program, link, BTF or pin in the kernel, no descriptor, no memory. */
import { readdirSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { load } from 'ebpf-ecc/runner';
import { beforeEach, expect, test } from 'vitest';
import { bpftool, mountFileSystems } from '../support/kernel.ts';
import { takeLoopback } from '../support/loopback.ts';
import { requireKernel } from '../support/require.ts';
import { fileDirectory } from '../support/temporary.ts';
import { ObjectBuilder } from './objects.ts';

const builder = new ObjectBuilder(fileDirectory());

/** Names and size of BTF are those of this process: the same test may run elsewhere on the machine. */
const OURS = `l${(process.pid % 36 ** 4).toString(36)}_`;
const PADDING = `padding_${'x'.repeat(process.pid % 499)}`;

const MAPS = `
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } ${OURS}ring SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, 4); __uint(value_size, 4); } ${OURS}perf SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 16); __type(key, __u32); __type(value, __u64); } ${OURS}hash SEC(".maps");
const volatile __u32 wanted = 7;
__u64 hits;
__u32 ${PADDING};
`;

/** Detached at once. */
const QUICK = `${MAPS}
SEC("raw_tp/sys_enter") int ${OURS}raw(void *ctx) { hits += wanted; return 0; }
SEC("raw_tp/sys_exit") int ${OURS}exit(void *ctx) { return 0; }
SEC("syscall") int ${OURS}run(void *ctx) { return 0; }
`;

/** The kernel takes up to a tenth of a second for each. */
const SLOW = `${MAPS}
SEC("tp/syscalls/sys_enter_getpgrp") int ${OURS}tp(void *ctx) { hits += wanted; return 0; }
SEC("xdp") int ${OURS}xdp(struct xdp_md *ctx) { return XDP_PASS; }
SEC("tc") int ${OURS}tc(struct __sk_buff *skb) { return 0; }
SEC("tcx/egress") int ${OURS}tcx(struct __sk_buff *skb) { return -1; }
SEC("iter/task") int ${OURS}iter(struct bpf_iter__task *ctx) { return 0; }
SEC("perf_event") int ${OURS}event(void *ctx) { return 0; }
`;

/** After this part of a thousand cycles memory must not grow any more: by less than 14 KiB a cycle, noise and all. */
const SETTLED = 0.4;
const MAX_GROWTH = 8 << 20;

const NOTHING: Objects = { programs: [], maps: [], links: [], btf: [] };

/** Cycles after which caches and lazily made things are there. */
const WARM_UP = 20;

interface Listed {
  readonly id: number;
  readonly name?: string;
  /** Of links. */
  readonly prog_id?: number;
  /** Of BTF: bytes. */
  readonly size?: number;
  /** Of BTF: what was loaded with it. */
  readonly prog_ids?: readonly number[];
  readonly map_ids?: readonly number[];
}

async function list(kind: string): Promise<Listed[]> {
  return JSON.parse((await bpftool('-j', kind, 'list')).stdout) as Listed[];
}

/** What is in the kernel now, by id. */
interface Objects {
  readonly programs: Listed[];
  readonly maps: Listed[];
  readonly links: Listed[];
  readonly btf: Listed[];
}

/** Ours, by name; links by their program. Other tests may load things of their own meanwhile. */
async function inKernel(): Promise<Objects> {
  // links first: what was freed between two lists must not look like somebody else's
  const links = await list('link');
  const ours = ({ name }: Listed) => name?.startsWith(OURS) === true;
  const [programs, maps] = [(await list('prog')).filter(ours), (await list('map')).filter(ours)];
  const programIds = new Set(programs.map(({ id }) => id));
  const mapIds = new Set(maps.map(({ id }) => id));
  // not by the btf_id of maps: for one that has none, bpftool 7.1 on Linux 6.18 shows that of the map listed before it
  const btf = (await list('btf')).filter(
    ({ prog_ids = [], map_ids = [] }) =>
      prog_ids.some((id) => programIds.has(id)) || map_ids.some((id) => mapIds.has(id)),
  );
  return { programs, maps, btf, links: links.filter(({ prog_id: id }) => id !== undefined && programIds.has(id)) };
}

/** Files below `/sys/fs/bpf`, but for those of other tests. */
function pins(): string[] {
  return readdirSync('/sys/fs/bpf').filter((name) => !name.startsWith('ecc-test-'));
}

/** Ids of BTF objects of one size. */
async function btfOfSize(size: number | undefined): Promise<Set<number>> {
  return new Set((await list('btf')).flatMap((one) => (one.size === size ? [one.id] : [])));
}

function openFiles(): number {
  return readdirSync('/proc/self/fd').length;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes of resident memory once everything that can be collected is. */
async function residentMemory(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return process.memoryUsage().rss;
}

beforeEach(async (context) => {
  await requireKernel(context);
  await mountFileSystems();
});

test.each([
  ['quick', QUICK, 1000, 2, 2],
  ['slow', SLOW, 50, 6, 5],
])(
  'loaded, attached, used and closed again and again: programs that are %s to detach',
  async (name, source, cycles, attached, links) => {
    const object = await builder.build(name, source);
    if (source === SLOW) await takeLoopback();
    const cycle = async () => {
      const bpf = await load(object, { rodata: { wanted: 9 } });
      expect(bpf.attachments.length).toBe(attached);
      bpf.maps[`${OURS}hash`]!.set(1, 2n);
      bpf.bss.hits = 0n;
      await bpf.close();
    };
    const pinsBefore = pins();
    for (let i = 0; i < WARM_UP; i++) await cycle();
    await expect.poll(inKernel, { timeout: 20_000 }).toEqual(NOTHING);
    // proves that the lists show what they are looked through for
    const bpf = await load(object);
    const during = await inKernel();
    await bpf.close();
    expect(during.programs.length).toBe(Object.keys(bpf.programs).length);
    expect(during.maps.length).toBe(3);
    // one on every CPU for perf events
    expect(during.links.length).toBeGreaterThanOrEqual(links);
    expect(during.btf.length).toBe(1);
    const btfSize = during.btf[0]!.size;
    await expect.poll(inKernel, { timeout: 20_000 }).toEqual(NOTHING);
    const btfBefore = await btfOfSize(btfSize);
    const files = openFiles();
    let memory = 0;
    for (let i = 0; i < cycles; i++) {
      // until then heap and caches find their size
      if (i === Math.floor(cycles * SETTLED)) memory = await residentMemory();
      await cycle();
    }
    // fifty cycles do not settle the heap
    const limit = cycles < 1000 ? 3 * MAX_GROWTH : MAX_GROWTH;
    expect((await residentMemory()) - memory, 'bytes of resident memory').toBeLessThan(limit);
    expect(openFiles()).toBe(files);
    // the kernel frees programs and maps a grace period after their last user
    await expect.poll(inKernel, { timeout: 20_000 }).toEqual(NOTHING);
    expect([...(await btfOfSize(btfSize))].filter((id) => !btfBefore.has(id))).toEqual([]);
    expect(pins()).toEqual(pinsBefore);
  },
  200_000,
);

test('a package that is refused once it is in the kernel leaves no descriptor', async () => {
  const object = await builder.build('quick', QUICK);
  await (await load(object)).close();
  const files = openFiles();
  const maps = [{ name: `${OURS}perf`, ident: 'perf', export_config: { custom_members: [{ name: 'no type' }] } }];
  for (let i = 0; i < 3; i++) {
    const meta = { bpf_skel: { obj_name: 'quick', maps, progs: [], data_sections: [] } };
    await expect(load({ object, meta, buildInfo: undefined })).rejects.toMatchObject({ code: 'PKG_BAD_EXPORT_CONFIG' });
  }
  expect(openFiles()).toBe(files);
});
