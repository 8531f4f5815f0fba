/** The library against the running kernel: events, maps, global variables, disposal, several programs, threads. */
import { createSocket } from 'node:dgram';
import { Worker } from 'node:worker_threads';
import { openObject } from 'ebpf-ecc';
import { load } from 'ebpf-ecc/runner';
import { beforeEach, describe, expect, expectTypeOf, onTestFinished, test } from 'vitest';
import { Kind } from '../../src/btf/kinds.ts';
import { makeCodec } from '../../src/codegen/ts/run-time.ts';
import type { Codec } from '../../src/decode/index.ts';
import { findNative } from '../../src/runner/native.ts';
import { bundle } from '../support/bundle.ts';
import { runOk } from '../support/command.ts';
import { bpftool } from '../support/kernel.ts';
import { takeLoopback } from '../support/loopback.ts';
import { requireKernel, requireTool } from '../support/require.ts';
import { fileDirectory } from '../support/temporary.ts';
import { GENERATOR, type GeneratedEvent, ObjectBuilder } from './objects.ts';

const builder = new ObjectBuilder(fileDirectory());

/** What a module written by `ecc --ts` would export. */
async function generator() {
  const object = await builder.build('generator', GENERATOR);
  const { btf } = openObject(object);
  const event = makeCodec(btf!, btf!.find('event', Kind.struct)!) as Codec<GeneratedEvent>;
  return { object, types: { maps: { events: { type: 'ringbuf', event } } } as const };
}

const MAPS = `
struct point { int x; int y; };
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 5000); __type(key, __u32); __type(value, struct point); } points SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERCPU_HASH); __uint(max_entries, 16); __type(key, __u32); __type(value, __u32); } counts SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, __u32); __type(value, __u64); } cells SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_QUEUE); __uint(max_entries, 2); __type(value, __u32); } queue SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_LPM_TRIE); __uint(max_entries, 4); __uint(map_flags, BPF_F_NO_PREALLOC); __uint(key_size, 8); __uint(value_size, 4); } bytes SEC(".maps");
const volatile __u32 limit = 5;
const volatile char title[16] = "before";
__u64 total;
int factor = -3;
static volatile __u32 hidden;
SEC("syscall") int run(void *ctx) { __u32 k = 7; struct point p = { 1, factor }; bpf_map_update_elem(&points, &k, &p, 0); total += limit; hidden++; return limit; }
`;

beforeEach(async (context) => {
  await requireKernel(context);
});

describe('events', () => {
  test('arrive in order, each once, typed by the module', async () => {
    const { object, types } = await generator();
    const bpf = await load(object, { types });
    expectTypeOf(bpf.events.events).toHaveProperty('lost');
    let expected = 0n;
    const writing = (async () => {
      for (let i = 0; i < 20; i++) await bpf.programs.burst!.run();
    })();
    for await (const event of bpf.events.events) {
      expectTypeOf(event).toEqualTypeOf<GeneratedEvent>();
      expect(event.seq).toBe(expected);
      expect(event.inverse).toBe(~event.index >>> 0);
      if (++expected === 20_000n) break;
    }
    await writing;
    expect(bpf.events.events.received).toBe(20_000);
    await bpf.close();
  });

  test('what is decoded when a loop is left comes with the next one', async () => {
    const { object, types } = await generator();
    const bpf = await load(object, { types });
    await bpf.programs.burst!.run();
    for await (const { seq } of bpf.events.events) if (seq === 9n) break;
    for await (const batch of bpf.events.events.batches(7)) {
      expect(batch.map(({ seq }) => seq)).toEqual([10n, 11n, 12n, 13n, 14n, 15n, 16n]);
      break;
    }
    for await (const { seq } of bpf.events.events) {
      expect(seq).toBe(17n);
      break;
    }
    expect(bpf.events.events.readRecords(() => {}, 0)).toBe(0);
    expect(bpf.events.events.readRecords(() => {}, 2)).toBe(2);
    await bpf.close();
  });

  test('a reader that does not read costs no memory: the kernel drops, and it shows', async () => {
    const { object, types } = await generator();
    const bpf = await load(object, { types });
    bpf.setGlobal('per_run', 200_000);
    const before = process.memoryUsage().arrayBuffers;
    await bpf.programs.burst!.run();
    expect(Number(bpf.global('dropped'))).toBeGreaterThan(0);
    let count = 0;
    for await (const batch of bpf.events.events.batches()) {
      count += batch.length;
      if (BigInt(count) === bpf.global('seq')) break;
    }
    expect(bpf.events.events.full).toBeGreaterThan(0);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
    await bpf.close();
  });

  test('closing ends the loop that waits', async () => {
    const { object, types } = await generator();
    const bpf = await load(object, { types });
    const loop = (async () => {
      let count = 0;
      for await (const _ of bpf.events.events) count++;
      return count;
    })();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await bpf.close();
    expect(await loop).toBe(0);
  });

  test('memory that was kept beyond closing reads as zeros and does not crash', async () => {
    const { object, types } = await generator();
    const bpf = await load(object, { types });
    await bpf.programs.burst!.run();
    const kept: DataView[] = [];
    bpf.events.events.readRecords((view) => kept.push(view), 1);
    expect(kept[0]!.getUint32(8 + 24, true)).toBe(7);
    await bpf.close();
    expect(kept[0]!.getUint32(8 + 24, true)).toBe(0);
  });

  test('timers go on while events never stop', async () => {
    const { object, types } = await generator();
    const bpf = await load(object, { types });
    let longest = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 1);
    const state = { on: true };
    const writing = (async () => {
      while (state.on) await bpf.programs.burst!.run();
    })();
    const end = performance.now() + 1000;
    for await (const _ of bpf.events.events) if (performance.now() > end) break;
    clearInterval(timer);
    state.on = false;
    await writing;
    expect(longest).toBeLessThan(250);
    await bpf.close();
  });

  test('perf buffers: samples come, losses are counted', async () => {
    const object = await builder.build(
      'perf',
      `struct numbered { __u64 seq; char text[24]; };
       struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, 4); __uint(value_size, 4); } samples SEC(".maps");
       const volatile struct numbered *unused_sample __attribute__((unused));
       __u64 seq, failed; __u32 per_run = 10;
       static int emit(__u32 i, void *ctx) {
         struct numbered s = { .seq = seq++, .text = "sample" };
         if (bpf_perf_event_output(ctx, &samples, BPF_F_CURRENT_CPU, &s, sizeof(s))) failed++;
         return 0;
       }
       SEC("raw_tp/task_rename") int on_rename(void *ctx) { for (__u32 i = 0; i < 2000 && i < per_run; i++) emit(i, ctx); return 0; }`,
    );
    const { btf } = openObject(object);
    const event = makeCodec(btf!, btf!.find('numbered', Kind.struct)!) as Codec<{ seq: bigint; text: string }>;
    const types = { maps: { samples: { type: 'perf_event_array', event } } } as const;
    const bpf = await load(object, { types, attach: false, perfBufferPages: 1 });
    await bpf.programs.on_rename!.run();
    let count = 0;
    for await (const { text } of bpf.events.samples) {
      expect(text).toBe('sample');
      if (++count === 10) break;
    }
    expect(bpf.events.samples.lost).toBe(0);
    bpf.setGlobal('per_run', 1000);
    await bpf.programs.on_rename!.run();
    await bpf.programs.on_rename!.run();
    bpf.setGlobal('per_run', 1);
    for await (const batch of bpf.events.samples.batches()) {
      expect(batch.every(({ text }) => text === 'sample')).toBe(true);
      // the kernel says what was lost with the next sample that fits
      if (bpf.events.samples.lost > 0) break;
      await bpf.programs.on_rename!.run();
    }
    expect(bpf.events.samples.lost).toBeGreaterThan(0);
    await bpf.close();
  });
});

describe('an event that comes just before or after the reader begins to wait', () => {
  test.each(['perf', 'ring'] as const)(
    '%s buffer',
    async (kind) => {
      const object = await builder.build(
        'own-calls',
        `struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } ring SEC(".maps");
       struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, 4); __uint(value_size, 4); } perf SEC(".maps");
       const volatile __u32 process = 0;
       SEC("tp/syscalls/sys_enter_getgid") int on_getgid(void *ctx) {
         __u64 one = 1;
         if (bpf_get_current_pid_tgid() >> 32 != process) return 0;
         bpf_ringbuf_output(&ring, &one, sizeof(one), 0);
         bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU, &one, sizeof(one));
         return 0;
       }`,
      );
      const bpf = await load(object, { rodata: { process: process.pid } });
      const events = bpf.events[kind]![Symbol.asyncIterator]();
      const fire = () => void process.getgid!();
      for (let i = 0; i < 20; i++) {
        fire();
        await events.next();
        const next = events.next();
        if (i % 4 === 0) fire();
        else if (i % 4 === 1) queueMicrotask(fire);
        else if (i % 4 === 2) setImmediate(fire);
        else setTimeout(fire, 5);
        await next;
      }
      expect(bpf.events[kind]!.received).toBe(40);
      await bpf.close();
    },
    5000,
  );
});

describe('maps', () => {
  test('hash: get, set, delete, has, modes, iteration', async () => {
    const bpf = await load(await builder.build('maps', MAPS));
    const points = bpf.maps.points!;
    expect(points.get(1)).toBeUndefined();
    points.set(1, { x: 2, y: -3 });
    expect(points.get(1)).toEqual({ x: 2, y: -3 });
    expect(points.has(1)).toBe(true);
    expect(() => points.set(1, { x: 0, y: 0 }, 'create')).toThrow(expect.objectContaining({ code: 'LOAD_MAP' }));
    expect(() => points.set(2, { x: 0, y: 0 }, 'replace')).toThrow(/ENOENT/);
    points.setMany(Array.from({ length: 3000 }, (_, i) => [i + 10, { x: i, y: -i }] as const));
    const all = new Map(points);
    expect(all.size).toBe(3001);
    expect(all.get(2010)).toEqual({ x: 2000, y: -2000 });
    expect([...points.keys()].length).toBe(3001);
    expect(points.delete(1)).toBe(true);
    expect(points.delete(1)).toBe(false);
    expect(points.take(10)).toEqual({ x: 0, y: 0 });
    points.clear();
    expect([...points]).toEqual([]);
    await bpf.close();
    expect(() => points.get(1)).toThrow(expect.objectContaining({ code: 'LOAD_CLOSED' }));
  });

  test('per-CPU values are arrays, arrays cannot be deleted from, queues are pushed and popped, unknown types are bytes', async () => {
    const bpf = await load(await builder.build('maps', MAPS));
    const { counts, cells, queue, bytes } = bpf.maps;
    const { possibleCpus } = await findNative({});
    counts!.set(
      3,
      Array.from({ length: possibleCpus }, (_, cpu) => cpu + 1),
    );
    expect(counts!.get(3)).toEqual(Array.from({ length: possibleCpus }, (_, cpu) => cpu + 1));
    expect([...counts!]).toHaveLength(1);
    expect(() => counts!.set(3, 1)).toThrow(TypeError);
    cells!.set(2, 77n);
    expect([...cells!]).toEqual([
      [0, 0n],
      [1, 0n],
      [2, 77n],
      [3, 0n],
    ]);
    expect(() => cells!.delete(0)).toThrow(/EINVAL/);
    queue!.push(5);
    queue!.push(6);
    expect(() => queue!.push(7)).toThrow(/E2BIG/);
    expect([queue!.pop(), queue!.pop(), queue!.pop()]).toEqual([5, 6, undefined]);
    bytes!.set(Uint8Array.of(32, 0, 0, 0, 127, 0, 0, 1), Uint8Array.of(1, 2, 3, 4));
    expect(bytes!.get(Uint8Array.of(32, 0, 0, 0, 127, 0, 0, 1))).toEqual(Uint8Array.of(1, 2, 3, 4));
    expect(() => bytes!.set(Uint8Array.of(1), Uint8Array.of(1))).toThrow(RangeError);
    await bpf.close();
  });

  test('sizes can be set when loading', async () => {
    const bpf = await load(await builder.build('maps', MAPS), { mapSizes: { points: 1 } });
    bpf.maps.points!.set(1, { x: 0, y: 0 });
    expect(() => bpf.maps.points!.set(2, { x: 0, y: 0 })).toThrow(
      expect.objectContaining({ hint: expect.stringMatching(/full/) }),
    );
    await bpf.close();
  });
});

describe('global variables', () => {
  test('set when loading, live afterwards', async () => {
    const bpf = await load(await builder.build('maps', MAPS), {
      rodata: { limit: 40, title: 'after' },
      data: { factor: 9 },
      bss: { total: 100n },
    });
    expect({ ...bpf.rodata }).toEqual({ limit: 40, title: 'after' });
    expect(await bpf.programs.run!.run()).toMatchObject({ value: 40 });
    expect(bpf.bss.total).toBe(140n);
    expect(bpf.maps.points!.get(7)).toEqual({ x: 1, y: 9 });
    bpf.data.factor = -1;
    bpf.bss.total = 0n;
    await bpf.programs.run!.run();
    expect(bpf.maps.points!.get(7)).toEqual({ x: 1, y: -1 });
    expect(bpf.bss.total).toBe(40n);
    expect(bpf.global('hidden')).toBe(2);
    expect(() => bpf.setGlobal('limit', 1)).toThrow(/read-only/);
    await bpf.close();
    expect(bpf.bss.total).toBe(0n);
  });

  test('wrong names and values are refused before anything is loaded', async () => {
    const object = await builder.build('maps', MAPS);
    await expect(load(object, { rodata: { limits: 1 } })).rejects.toMatchObject({
      code: 'USAGE_GLOBAL',
      hint: 'did you mean limit?',
    });
    await expect(load(object, { rodata: { limit: -1 } })).rejects.toMatchObject({ code: 'USAGE_GLOBAL_VALUE' });
    await expect(load(object, { rodata: { title: 'much too long for it' } })).rejects.toMatchObject({
      code: 'USAGE_GLOBAL_VALUE',
    });
    await expect(load(object, { mapSizes: { point: 1 } })).rejects.toMatchObject({
      code: 'USAGE_MAP',
      hint: 'did you mean points?',
    });
  });
});

describe('programs', () => {
  test('several packages side by side, disposed in any order', async () => {
    const object = await builder.build('maps', MAPS);
    const first = await load(object, { rodata: { limit: 1 } });
    const second = await load(object, { rodata: { limit: 2 } });
    first[Symbol.dispose]();
    expect(first.closed).toBe(true);
    expect(await second.programs.run!.run()).toMatchObject({ value: 2 });
    await second[Symbol.asyncDispose]();
    await second.close();
    await expect(second.programs.run!.run()).rejects.toMatchObject({ code: 'LOAD_CLOSED' });
  });

  test('attach, detach, attach again; targets given by option', async () => {
    await takeLoopback();
    const object = await builder.build(
      'attachable',
      `__u64 hits;
       SEC("tp") int any(void *ctx) { __sync_fetch_and_add(&hits, 1); return 0; }
       SEC("xdp") int pass(struct xdp_md *ctx) { return XDP_PASS; }`,
    );
    await expect(load(object)).rejects.toMatchObject({
      code: 'USAGE_ATTACH_TARGET',
      hint: expect.stringContaining('--attach any='),
    });
    await expect(load(object, { attach: { any: 'syscalls/sys_enter_getpgr', pass: false } })).rejects.toMatchObject({
      code: 'LOAD_ATTACH_TARGET',
      hint: expect.stringContaining('sys_enter_getpgrp'),
    });
    await expect(load(object, { attach: { any: false, pass: 'loo' } })).rejects.toMatchObject({
      code: 'LOAD_ATTACH_TARGET',
      hint: expect.stringContaining('lo'),
    });
    const bpf = await load(object, { attach: { any: 'raw_syscalls/sys_enter', pass: 'lo' } });
    expect(bpf.attachments.map(({ to }) => to)).toEqual(['tracepoint raw_syscalls/sys_enter', 'xdp on lo']);
    expect(Number(bpf.bss.hits)).toBeGreaterThan(0);
    await bpf.programs.any!.detach();
    const hits = bpf.bss.hits;
    process.getgid?.();
    expect(bpf.bss.hits).toBe(hits);
    await bpf.programs.any!.attach('raw_syscalls/sys_enter');
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(Number(bpf.bss.hits)).toBeGreaterThan(Number(hits));
    await bpf.close();
  });
});

describe('tc', () => {
  const filters = () =>
    builder.build(
      'filters',
      `__u64 seen;
       SEC("tc") int in(struct __sk_buff *skb) { return 0; }
       SEC("tc") int out(struct __sk_buff *skb) { __sync_fetch_and_add(&seen, 1); return 0; }`,
    );
  const disciplines = async () => (await runOk('tc', ['qdisc', 'show', 'dev', 'lo'])).stdout;

  test('what is detached takes no filter of others along, and the last takes the hook', async (context) => {
    requireTool(context, 'tc');
    await takeLoopback();
    const object = await filters();
    const socket = createSocket('udp4');
    onTestFinished(() => new Promise((resolve) => socket.close(() => resolve())));
    /** Packets that the filter sees while one is sent. */
    const packets = async (bpf: { readonly bss: Record<string, unknown> }) => {
      const before = Number(bpf.bss.seen);
      await new Promise<void>((resolve) => socket.send('x', 9, '127.0.0.1', () => resolve()));
      return Number(bpf.bss.seen) - before;
    };
    const before = await disciplines();
    const one = await load(object, { attach: { in: 'lo:ingress', out: 'lo:egress' } });
    expect(await packets(one)).toBeGreaterThan(0);
    await one.programs.in!.detach();
    expect(await packets(one)).toBeGreaterThan(0);
    await one.close();
    expect(await disciplines()).toBe(before);

    const first = await load(object, { attach: { in: 'lo:ingress', out: false } });
    const second = await load(object, { attach: { in: false, out: 'lo:egress' } });
    await first.close();
    expect(await packets(second)).toBeGreaterThan(0);
    await second.close();
    expect(await disciplines()).toBe(before);
  });
});

describe('closing while something is under way', () => {
  /** A program on a tracepoint, with a name that is not elsewhere on the machine. */
  const TICK = `t${process.pid % 1e9}_tick`;
  const ticking = () =>
    builder.build(
      'ticking',
      `__u64 hits;
       SEC("tp/raw_syscalls/sys_enter") int ${TICK}(void *ctx) { __sync_fetch_and_add(&hits, 1); return 0; }
       SEC("syscall") int run(void *ctx) { return 3; }`,
    );
  const inKernel = async () => (await bpftool('prog', 'list')).stdout.includes(` ${TICK} `);

  test.each(['ring', 'perf'] as const)('closed out of the callback: %s buffer', async (kind) => {
    const object = await builder.build(
      'both',
      `struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } ring SEC(".maps");
       struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, 4); __uint(value_size, 4); } perf SEC(".maps");
       SEC("raw_tp/task_rename") int burst(void *ctx) {
         for (__u64 i = 0; i < 9; i++) {
           bpf_ringbuf_output(&ring, &i, sizeof(i), 0);
           bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU, &i, sizeof(i));
         }
         return 0;
       }`,
    );
    const bpf = await load(object, { attach: false });
    await bpf.programs.burst!.run();
    const seen: bigint[] = [];
    const count = bpf.events[kind]!.readRecords((view, offset) => {
      if (seen.push(view.getBigUint64(offset, true)) === 3) bpf[Symbol.dispose]();
      if (seen.length > 9) throw new Error('more than there were');
    });
    expect(seen).toEqual([0n, 1n, 2n]);
    expect(count).toBe(3);
  });

  test('detached while it is being attached: it is not attached afterwards', async () => {
    const bpf = await load(await ticking(), { attach: false });
    const attached = bpf.programs[TICK]!.attach();
    await bpf.programs[TICK]!.detach();
    await attached;
    expect(bpf.attachments).toEqual([]);
    await bpf.close();
  });

  test('detached by its attachment, and attached again: it runs', async () => {
    const bpf = await load(await ticking(), { attach: false });
    const first = await bpf.programs[TICK]!.attach();
    await first.detach();
    expect(bpf.attachments).toEqual([]);
    const { hits } = bpf.bss;
    await bpf.programs[TICK]!.attach();
    await expect.poll(() => Number(bpf.bss.hits)).toBeGreaterThan(Number(hits));
    await bpf.close();
  });

  test.each(['program', 'package'] as const)('disposed while it is being attached: %s', async (what) => {
    const object = await ticking();
    for (let i = 0; i < 10; i++) {
      const bpf = await load(object, { attach: false });
      const attaching = (what === 'program' ? bpf.programs[TICK]! : bpf).attach();
      bpf[Symbol.dispose]();
      await attaching;
      await expect(bpf.programs[TICK]!.attach()).rejects.toMatchObject({ code: 'LOAD_CLOSED' });
      await bpf.close();
    }
    await expect.poll(inKernel, { timeout: 10_000 }).toBe(false);
  });

  test('what runs is waited for', async () => {
    const object = await ticking();
    for (let i = 0; i < 20; i++) {
      const bpf = await load(object, { attach: false });
      const running = Promise.all(Array.from({ length: 16 }, () => bpf.programs.run!.run()));
      await Promise.all([bpf.close(), expect(running).resolves.toHaveLength(16)]);
    }
  });
});

test('a worker thread loads and reads by itself, and ends without closing', async () => {
  const { object } = await generator();
  const file = await bundle(
    'worker',
    `
    import { workerData, parentPort } from 'node:worker_threads';
    import { load } from 'ebpf-ecc/runner';
    const bpf = await load(workerData, { globals: new Map([['per_run', 50]]) });
    await bpf.programs.burst.run();
    let count = 0;
    for await (const event of bpf.events.events) if (++count === 50) break;
    parentPort.postMessage(count);
    void bpf.events.events[Symbol.asyncIterator]().next();
  `,
  );
  const worker = new Worker(file, { workerData: new Uint8Array(object) });
  const count = await new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  expect(count).toBe(50);
  expect(await worker.terminate()).toBe(1);
});

describe('what is missing is named', () => {
  test('libbpf', async () => {
    await expect(findNative({ libbpf: 'libbpf-that-is-not-there.so.1' })).rejects.toMatchObject({
      code: 'TOOL_LIBBPF_MISSING',
      exitCode: 3,
      hint: expect.stringContaining('apt install libbpf1'),
    });
  });

  test('koffi', async () => {
    await expect(findNative({ koffi: () => Promise.reject(new Error('Cannot find package')) })).rejects.toMatchObject({
      code: 'TOOL_KOFFI_MISSING',
      exitCode: 3,
      hint: expect.stringContaining('npm install koffi'),
    });
  });

  test('functions of a libbpf that is too old', async () => {
    await expect(findNative({ libbpf: 'libc.so.6' })).rejects.toMatchObject({ code: 'TOOL_LIBBPF_TOO_OLD' });
  });
});
