/**
 * Programs that this kernel's verifier refuses: each is explained in plain words and with the line of C that it comes from. The
 * messages are the running kernel's, not copies of them.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { load, VerifierError } from 'ebpf-ecc/runner';
import { describe, expect, test } from 'vitest';
import { requireKernel } from '../support/require.ts';
import { fileDirectory } from '../support/temporary.ts';
import { ObjectBuilder } from './objects.ts';

const directory = fileDirectory();
const builder = new ObjectBuilder(directory);

const HASH =
  'struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 16); __type(key, __u32); __type(value, __u64); } m SEC(".maps");';
const RING = 'struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } rb SEC(".maps");';
const ARRAY =
  'struct val { char buf[64]; }; struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, struct val); } arr SEC(".maps");';

interface Refused {
  /** Of the explanation. */
  readonly id: string;
  readonly source: string;
  /** Part of the C line that is blamed; `undefined` where the verifier blames no instruction. */
  readonly line?: string;
}

/** `$` stands for the section and head of a tracepoint program. */
const CASES: Readonly<Record<string, Refused>> = {
  'no NULL check after a lookup': {
    id: 'null-check',
    source: `${HASH}\n$ { __u32 k = 1; __u64 *v = bpf_map_lookup_elem(&m, &k);\n*v = 3;\nreturn 0; }`,
    line: '*v = 3',
  },
  'reading through a number': {
    id: 'unknown-pointer',
    source: '$ {\nreturn *(volatile long *)(bpf_get_current_task() + 8);\n}',
    line: 'bpf_get_current_task() + 8',
  },
  'no return value': {
    id: 'uninitialized',
    source: 'SEC("raw_tp/sys_enter") __attribute__((naked)) int prog(void) { asm volatile("exit"); }',
    line: 'exit',
  },
  'index that nobody checked': {
    id: 'unbounded',
    source: `${ARRAY}\n$ { __u32 k = 0; struct val *v = bpf_map_lookup_elem(&arr, &k); if (!v) return 0;\n__u64 i = bpf_get_prandom_u32();\nv->buf[i] = 1;\nreturn 0; }`,
    line: 'v->buf[i] = 1',
  },
  'length that may be negative': {
    id: 'unbounded',
    source: `${ARRAY}\n$ { __u32 k = 0; struct val *v = bpf_map_lookup_elem(&arr, &k); if (!v) return 0;\nint n = bpf_get_prandom_u32();\nbpf_probe_read_kernel(v->buf, n, (void *)ctx);\nreturn 0; }`,
    line: 'bpf_probe_read_kernel',
  },
  'off by one': {
    id: 'map-value-bounds',
    source: `${ARRAY}\n$ { __u32 k = 0; struct val *v = bpf_map_lookup_elem(&arr, &k); if (!v) return 0;\n__u32 i = bpf_get_prandom_u32();\nif (i > 64) return 0;\nv->buf[i] = 1;\nreturn 0; }`,
    line: 'v->buf[i] = 1',
  },
  'endless loop': {
    id: 'endless-loop',
    source: '$ { volatile int i = 0;\nwhile (1) { asm volatile(""); }\nreturn 0; }',
  },
  'too many paths': {
    id: 'too-complex',
    source:
      '$ { __u64 sum = 0;\nfor (__u32 i = 0; i < 100000; i++) { sum += bpf_get_prandom_u32() & i; }\nreturn sum & 1; }',
  },
  'reserved, not submitted': {
    id: 'reference-leak',
    source: `${RING}\n$ { long *p = bpf_ringbuf_reserve(&rb, 8, 0); if (!p) return 0;\n*p = 1;\nreturn 0; }`,
  },
  'helper of another program type': {
    id: 'helper-not-allowed',
    source:
      'SEC("xdp") int prog(struct xdp_md *ctx) {\nreturn bpf_get_current_pid_tgid() & 1 ? bpf_get_func_ip(ctx) : 0;\n}',
    line: 'bpf_get_func_ip',
  },
  'wrong argument': {
    id: 'argument-type',
    source: `${HASH}\n$ { __u32 k = 1;\nbpf_map_update_elem(&m, &k, (void *)8, 0);\nreturn 0; }`,
    line: 'bpf_map_update_elem',
  },
  'context beyond its end': {
    id: 'context-access',
    source: 'SEC("xdp") int prog(struct xdp_md *ctx) {\nreturn *(int *)((void *)ctx + 4000);\n}',
    line: '4000',
  },
  'packet without a check': {
    id: 'packet-bounds',
    source:
      'SEC("xdp") int prog(struct xdp_md *ctx) { char *data = (void *)(long)ctx->data;\nreturn data[3] == 1 ? XDP_DROP : XDP_PASS;\n}',
    line: 'data[3]',
  },
  'return value out of range': {
    id: 'return-value',
    source: 'SEC("cgroup_skb/egress") int prog(struct __sk_buff *skb) {\nreturn 17;\n}',
  },
  'writing to a constant': {
    id: 'write-forbidden',
    source: 'const volatile __u32 limit = 3;\n$ {\n*(volatile __u32 *)&limit = 4;\nreturn 0; }',
    line: 'limit = 4',
  },
  'arithmetic on the context': {
    id: 'context-access',
    source: '$ { char *p = ctx; p += bpf_get_prandom_u32() & 7;\nreturn *(volatile int *)p;\n}',
  },
  'a field that this kernel does not have': {
    id: 'core-relocation',
    source:
      'struct task_struct___x { long no_such_field; } __attribute__((preserve_access_index));\n$ { struct task_struct___x *t = (void *)bpf_get_current_task();\nreturn BPF_CORE_READ(t, no_such_field);\n}',
  },
};

describe('refused programs are explained', () => {
  test.for(Object.entries(CASES))('%s', async ([name, { id, source, line }], context) => {
    await requireKernel(context);
    const head = 'SEC("raw_tp/sys_enter") int prog(unsigned long *ctx)';
    const key = name.replaceAll(/\W/g, '_');
    const object = await builder.build(key, source.replace('$', head));
    const error: unknown = await load(object, { attach: false }).then(
      async (bpf) => {
        await bpf.close();
        return 'loaded';
      },
      (reason) => reason,
    );
    expect(error).toBeInstanceOf(VerifierError);
    const { code, program, details, hint, report, log } = error as VerifierError;
    expect({ code, program, id: details.explanation }).toEqual({ code: 'LOAD_VERIFIER', program: 'prog', id });
    expect(hint).toBeTruthy();
    expect(log).toContain(report.message.split('\n')[0]);
    if (line === undefined) return;
    expect(report.source?.text).toContain(line);
    expect(path.join(directory, report.source!.file!)).toBe(builder.sourceFile(key));
    const lines = readFileSync(builder.sourceFile(key), 'utf8').split('\n');
    expect(lines[report.source!.line! - 1]).toContain(line);
    expect(report.insnText).toBeTruthy();
  });
});
