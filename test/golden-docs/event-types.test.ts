/** Which types the events of realistic programs have, with every clang that is installed. */
import { describe, expect, test } from 'vitest';
import { findEventTypes } from '../../src/doc/event-types.ts';
import { hasDocsOrEvents } from '../../src/doc/relevance.ts';
import { CLANGS, factsByText, SOURCE, unitOf } from './clang.ts';

const HEAD = `#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
`;
const RINGBUF = `struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 262144); } rb SEC(".maps");
`;
const PERF = `struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, 4); __uint(value_size, 4); } events SEC(".maps");
`;
const EVENT = `struct event { int pid; char comm[16]; };
`;
const HEAP = `struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, struct event); } heap SEC(".maps");
`;

interface Program {
  readonly name: string;
  readonly source: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** `map: kind name (helper)`; `-` for no map. */
  readonly events: readonly string[];
  readonly warnings?: readonly RegExp[];
}

const programs: readonly Program[] = [
  {
    name: 'bootstrap: memory reserved for a typed pointer',
    source: `${HEAD}${EVENT}${RINGBUF}
SEC("tp/sched/sched_process_exec") int handle_exec(void *ctx)
{
	struct event *e;

	e = bpf_ringbuf_reserve(&rb, sizeof(*e), 0);
	if (!e)
		return 0;
	e->pid = 1;
	bpf_ringbuf_submit(e, 0);
	return 0;
}
SEC("tp/sched/sched_process_exit") int handle_exit(void *ctx)
{
	struct event *e = bpf_ringbuf_reserve(&rb, sizeof(*e), 0);
	if (e)
		bpf_ringbuf_submit(e, 0);
	return 0;
}
char LICENSE[] SEC("license") = "GPL";`,
    events: ['rb: struct event (bpf_ringbuf_reserve)'],
  },
  {
    name: 'execsnoop: a map value with a variable tail, into a perf buffer',
    source: `${HEAD}
#define ARGSIZE 128
struct event { int pid; unsigned int args_size; char args[ARGSIZE]; };
#define BASE_EVENT_SIZE (sizeof(struct event) - ARGSIZE)
#define EVENT_SIZE(e) (BASE_EVENT_SIZE + e->args_size)
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 64); __type(key, __u32); __type(value, struct event); } execs SEC(".maps");
${PERF}
SEC("tracepoint/syscalls/sys_exit_execve") int exit_execve(void *ctx)
{
	__u32 pid = bpf_get_current_pid_tgid();
	struct event *event = bpf_map_lookup_elem(&execs, &pid);
	if (!event)
		return 0;
	size_t len = EVENT_SIZE(event);
	if (len <= sizeof(*event))
		bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, event, len);
	return 0;
}
char LICENSE[] SEC("license") = "GPL";`.replaceAll('size_t', 'unsigned long'),
    events: ['events: struct event (bpf_perf_event_output)'],
  },
  {
    name: 'opensnoop: an event on the stack, in BPF_KRETPROBE',
    source: `${HEAD}${EVENT}${PERF}
static int trace_exit(struct pt_regs *ctx)
{
	struct event event = {};
	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &event, sizeof(event));
	return 0;
}
SEC("kretprobe/do_sys_openat2") int BPF_KRETPROBE(openat_exit, long ret) { return trace_exit(ctx); }
char LICENSE[] SEC("license") = "GPL";`,
    events: ['events: struct event (bpf_perf_event_output)'],
  },
  {
    name: 'tcpconnect: an event for each family, in functions that fill them',
    source: `${HEAD}${PERF}
struct ipv4_event { __u32 saddr; };
struct ipv6_event { __u8 saddr[16]; };
static __always_inline void trace_v4(struct pt_regs *ctx) {
	struct ipv4_event event = {};
	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &event, sizeof(event));
}
static __always_inline void trace_v6(struct pt_regs *ctx) {
	struct ipv6_event event = {};
	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, (void *)&event, sizeof(struct ipv6_event));
}
SEC("kretprobe/tcp_v4_connect") int BPF_KRETPROBE(v4, int ret) { trace_v4(ctx); return 0; }
SEC("kretprobe/tcp_v6_connect") int BPF_KRETPROBE(v6, int ret) { trace_v6(ctx); return 0; }
char LICENSE[] SEC("license") = "GPL";`,
    events: ['events: struct ipv4_event (bpf_perf_event_output)', 'events: struct ipv6_event (bpf_perf_event_output)'],
  },
  {
    name: 'compat: reserve_buf and submit_buf in a header, ring buffer or perf buffer',
    headers: {
      'compat.h': `${HEAP}${PERF}
static __always_inline void *reserve_buf(__u64 size)
{
	static const int zero = 0;
	if (size > 64)
		return bpf_ringbuf_reserve(&events, size, 0);
	return bpf_map_lookup_elem(&heap, &zero);
}
static __always_inline long submit_buf(void *ctx, void *buf, __u64 size)
{
	return bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, buf, size);
}
static __always_inline void *never_called(__u64 size) { return bpf_ringbuf_reserve(&events, size, 0); }`,
    },
    source: `${HEAD}${EVENT}
#include "compat.h"
SEC("kprobe/vfs_open") int BPF_KPROBE(vfs_open)
{
	struct event *e = reserve_buf(sizeof(*e));
	if (!e)
		return 0;
	submit_buf(ctx, e, sizeof(*e));
	return 0;
}
char LICENSE[] SEC("license") = "GPL";`,
    events: ['events: struct event (bpf_ringbuf_reserve)', 'events: struct event (bpf_perf_event_output)'],
  },
  {
    name: 'a wrapper that takes the map, and another around it',
    source: `${HEAD}${EVENT}${RINGBUF}
struct other { long x; };
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } rb2 SEC(".maps");
static __always_inline int emit(void *map, const void *data, __u32 size) { return bpf_ringbuf_output(map, (void *)data, size, 0); }
static __always_inline int emit_rb2(const void *data, __u32 size) { return emit(&rb2, data, size); }
SEC("tp/a/b") int prog(void *ctx)
{
	struct event e = {};
	struct other o = {};
	emit(&rb, &e, sizeof(e));
	emit_rb2(&o, sizeof(o));
	return 0;
}
char LICENSE[] SEC("license") = "GPL";`,
    events: ['rb: struct event (bpf_ringbuf_output)', 'rb2: struct other (bpf_ringbuf_output)'],
  },
  {
    name: 'a void pointer on the way: only the size or a later cast tells',
    source: `${HEAD}${EVENT}${RINGBUF}
struct late { int a; };
SEC("tp/a/b") int by_size(void *ctx)
{
	void *p = bpf_ringbuf_reserve(&rb, sizeof(struct event), 0);
	if (p)
		bpf_ringbuf_discard(p, 0);
	return 0;
}
SEC("tp/a/c") int by_cast(void *ctx)
{
	void *p = bpf_ringbuf_reserve(&rb, 4, 0);
	if (!p)
		return 0;
	struct late *l = p;
	l->a = 1;
	bpf_ringbuf_submit(p, 0);
	return 0;
}
char LICENSE[] SEC("license") = "GPL";`,
    events: ['rb: struct event (bpf_ringbuf_reserve)', 'rb: struct late (bpf_ringbuf_reserve)'],
  },
  {
    name: 'a header in front: memory reserved for the struct around it',
    source: `${HEAD}${RINGBUF}
struct header { int type; };
struct exec_event { struct header h; char path[64]; };
SEC("tp/a/b") int prog(void *ctx)
{
	struct header *h = bpf_ringbuf_reserve(&rb, sizeof(struct exec_event), 0);
	if (h)
		bpf_ringbuf_submit(h, 0);
	return 0;
}
char LICENSE[] SEC("license") = "GPL";`,
    events: ['rb: struct exec_event (bpf_ringbuf_reserve)'],
  },
  {
    name: 'per-CPU scratch memory behind a void pointer: the map definition tells',
    source: `${HEAD}${EVENT}${HEAP}${PERF}
SEC("tp/a/b") int prog(void *ctx)
{
	__u32 zero = 0, len = 12;
	void *scratch = bpf_map_lookup_elem(&heap, &zero);
	if (scratch)
		bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, scratch, len);
	return 0;
}
char LICENSE[] SEC("license") = "GPL";`,
    events: ['events: struct event (bpf_perf_event_output)'],
  },
  {
    name: 'typedefs, a union, an enum, numbers and bytes',
    source: `${HEAD}${RINGBUF}
typedef struct { int x; } untagged_t;
typedef struct tagged { int x; } tagged_t;
union both { int i; char c[4]; };
enum state { IDLE, BUSY };
SEC("tp/a/b") int prog(void *ctx)
{
	untagged_t *u = bpf_ringbuf_reserve(&rb, sizeof(*u), 0);
	if (u)
		bpf_ringbuf_submit(u, 0);
	tagged_t t = {};
	union both b = {};
	enum state s = BUSY;
	__u64 n = 7;
	char line[32] = "x";
	bpf_ringbuf_output(&rb, &t, sizeof(t), 0);
	bpf_ringbuf_output(&rb, &b, sizeof(b), 0);
	bpf_ringbuf_output(&rb, &s, sizeof(s), 0);
	bpf_ringbuf_output(&rb, &n, sizeof(n), 0);
	bpf_ringbuf_output(&rb, line, sizeof(line), 0);
	return 0;
}
char LICENSE[] SEC("license") = "GPL";`,
    events: [
      'rb: typedef untagged_t (bpf_ringbuf_reserve)',
      'rb: struct tagged (bpf_ringbuf_output)',
      'rb: union both (bpf_ringbuf_output)',
      'rb: enum state (bpf_ringbuf_output)',
      'rb: scalar unsigned long long (bpf_ringbuf_output)',
      'rb: array char[32] (bpf_ringbuf_output)',
    ],
  },
  {
    name: 'a dynptr has no type',
    source: `${HEAD}${EVENT}${RINGBUF}
SEC("tp/a/b") int prog(void *ctx)
{
	struct bpf_dynptr ptr;
	struct event e = {};
	bpf_ringbuf_reserve_dynptr(&rb, sizeof(e), 0, &ptr);
	bpf_dynptr_write(&ptr, 0, &e, sizeof(e), 0);
	bpf_ringbuf_submit_dynptr(&ptr, 0);
	return 0;
}
char LICENSE[] SEC("license") = "GPL";`,
    events: [],
    warnings: [/^case\.bpf\.c:12: an event in a dynptr has no single type.* rb /],
  },
  {
    name: 'an iterator that writes records',
    source: `${HEAD}
struct seq_file;
struct bpf_iter_meta { struct seq_file *seq; };
struct bpf_iter__task { struct bpf_iter_meta *meta; void *task; };
struct record { int pid; };
SEC("iter/task") int dump(struct bpf_iter__task *ctx)
{
	struct record r = {};
	bpf_seq_write(ctx->meta->seq, &r, sizeof(r));
	return 0;
}
char LICENSE[] SEC("license") = "GPL";`,
    events: ['-: struct record (bpf_seq_write)'],
  },
  {
    name: 'packets: bpf_skb_output and bpf_xdp_output with metadata',
    source: `${HEAD}${PERF}
struct meta { __u16 len; };
SEC("fentry/x") int BPF_PROG(on_skb, void *skb) {
	struct meta m = {};
	bpf_skb_output(skb, &events, BPF_F_CURRENT_CPU | (64ULL << 32), &m, sizeof(m));
	return 0;
}
SEC("fentry/y") int BPF_PROG(on_xdp, void *xdp) {
	struct meta m = {};
	bpf_xdp_output(xdp, &events, BPF_F_CURRENT_CPU, &m, sizeof(m));
	return 0;
}
char LICENSE[] SEC("license") = "GPL";`,
    events: ['events: struct meta (bpf_skb_output)', 'events: struct meta (bpf_xdp_output)'],
  },
  {
    name: 'macros around reserve and submit, a statement expression',
    source: `${HEAD}${EVENT}${RINGBUF}
#define RESERVE(map, type) ({ type *__p = bpf_ringbuf_reserve(&map, sizeof(type), 0); __p; })
#define NEW(map, var) typeof(var) var = (typeof(var))bpf_ringbuf_reserve(&map, sizeof(*var), 0)
#define SEND(map, value) bpf_ringbuf_output(&map, &(value), sizeof(value), 0)
struct second { int b; };
SEC("tp/a/b") int prog(void *ctx)
{
	struct event *e = RESERVE(rb, struct event);
	struct second s = {};
	if (e)
		bpf_ringbuf_submit(e, 0);
	SEND(rb, s);
	return 0;
}
char LICENSE[] SEC("license") = "GPL";`,
    events: ['rb: struct event (bpf_ringbuf_reserve)', 'rb: struct second (bpf_ringbuf_output)'],
  },
  {
    name: 'members, globals, array elements, conditional values',
    source: `${HEAD}${EVENT}${RINGBUF}
struct part { int p; };
struct whole { int x; struct part part; };
struct event shared;
struct whole table[4];
SEC("tp/a/b") int prog(void *ctx)
{
	struct whole w = {};
	struct whole *pick = &w;
	bpf_ringbuf_output(&rb, &w.part, sizeof(w.part), 0);
	bpf_ringbuf_output(&rb, &shared, sizeof(shared), 0);
	bpf_ringbuf_output(&rb, ctx ? pick : &table[1], sizeof(*pick), 0);
	return 0;
}
char LICENSE[] SEC("license") = "GPL";`,
    events: [
      'rb: struct part (bpf_ringbuf_output)',
      'rb: struct event (bpf_ringbuf_output)',
      'rb: struct whole (bpf_ringbuf_output)',
    ],
  },
  {
    name: 'bytes that nobody gave a type, and an unnamed struct',
    source: `${HEAD}${RINGBUF}
SEC("tp/a/b") int prog(void *ctx)
{
	struct { int a; } unnamed = {};
	void *p = bpf_ringbuf_reserve(&rb, 16, 0);
	if (p)
		bpf_ringbuf_submit(p, 0);
	bpf_ringbuf_output(&rb, &unnamed, sizeof(unnamed), 0);
	return 0;
}
char LICENSE[] SEC("license") = "GPL";`,
    events: [],
    warnings: [
      /^case\.bpf\.c:10: cannot tell the type of the event that bpf_ringbuf_reserve sends to rb$/,
      /^case\.bpf\.c:13: cannot tell the type of the event that bpf_ringbuf_output sends to rb$/,
    ],
  },
];

const withoutClang = new Set<string>();

describe.each(CLANGS)('event types found with %s', (clang) => {
  test.concurrent.each(programs)('$name', async ({ source, headers, events, warnings }) => {
    const files = { ...headers, [SOURCE]: source };
    const found = findEventTypes(await unitOf(clang, files));
    const byText = factsByText(files);
    if (byText !== undefined) {
      expect(byText.events).toEqual(found.events);
      expect(found.warnings).toEqual([]);
      withoutClang.add(source);
    }
    expect(found.events.map(({ map, type, helper }) => `${map ?? '-'}: ${type.kind} ${type.name} (${helper})`)).toEqual(
      events,
    );
    expect(found.warnings.map(({ file, line, message }) => `${file}:${line}: ${message}`)).toEqual(
      (warnings ?? []).map((pattern) => expect.stringMatching(pattern)),
    );
    const texts = [source, ...Object.values(headers ?? {})];
    const words = new Set(texts.flatMap((text) => text.match(/\w+/g) ?? []));
    expect(hasDocsOrEvents(texts, words) || (found.events.length === 0 && found.warnings.length === 0)).toBe(true);
    for (const event of found.events) expect(event.writable).toBe(event.type.kind === 'struct');
  });
  test('for some of them clang is not needed', () => expect(withoutClang.size).toBeGreaterThan(3));
});
