/** Events and exports whose type has no tag: typedefs and unions, which clang leaves out of the object that the package has. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it, vi } from 'vitest';
import type { Codec } from '../../src/decode/index.ts';
import { ecc } from '../support/cli.ts';
import { fileDirectory } from '../support/temporary.ts';
import { loadModule, typeErrors } from './generated.ts';

vi.setConfig({ testTimeout: 240_000 });

const directory = fileDirectory();
const NAME = 'it\'s "odd".bpf.c';
const SOURCE = `#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "shared.h"
/** @export */
typedef struct { int only; } exported_t;
union either { u32 word; char text[8]; };
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } rb SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } unions SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, 4); __uint(value_size, 4); } perf SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 64); __type(key, pair_t); __type(value, u64); } m SEC(".maps");
SEC("tracepoint/sched/sched_process_exec") int on_exec(void *ctx)
{
	event_t *e = bpf_ringbuf_reserve(&rb, sizeof(*e), 0);
	pair_t pair = {};
	union either u = {};
	if (!e) return 0;
	e->pid = 1;
	bpf_ringbuf_submit(e, 0);
	bpf_ringbuf_output(&unions, &u, sizeof(u), 0);
	bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU, &pair, sizeof(pair));
	return 0;
}
char LICENSE[] SEC("license") = "GPL";
`;
const SHARED = `/** What is sent. */
typedef struct {
	int pid;
	/** Of the command. */
	char comm[16];
} event_t;
typedef struct { u16 a; u64 b; } pair_t;
`;

it('have TypeScript types, and leave the package as it is', async () => {
  writeFileSync(path.join(directory, NAME), SOURCE);
  writeFileSync(path.join(directory, 'shared.h'), SHARED);
  const plain = await ecc([NAME, '-o', 'plain'], { cwd: directory });
  expect(plain.status, plain.stderr).toBe(0);
  expect(plain.stderr).toContain('what the code sends, pair_t, has no tag');
  const typed = await ecc([NAME, '-o', 'typed', '--ts'], { cwd: directory });
  expect(typed.status, typed.stderr).toBe(0);
  const stem = NAME.replace(/\.bpf\.c$/, '');
  expect(readFileSync(path.join(directory, 'typed/package.json'), 'utf8')).toBe(
    readFileSync(path.join(directory, 'plain/package.json'), 'utf8'),
  );

  const text = readFileSync(path.join(directory, `typed/${stem}.bpf.ts`), 'utf8');
  expect(text).toContain(' * What is sent.');
  expect(text).toContain('Of the command.');
  expect(text).not.toContain('ecc_type');
  const use = `import { type Either, type EventT, ExportedT, maps, type PairT } from './events.js';
export const event: EventT = maps.rb.event.decode(new Uint8Array(20));
export const pair: PairT = maps.perf.event.decode(new Uint8Array(16));
export const either: Either = maps.unions.event.decode(new Uint8Array(8));
export const only: number = ExportedT.decode(new Uint8Array(4)).only;
`;
  expect(await typeErrors(directory, { 'events.ts': text, 'use.ts': use })).toBe('');
  const { maps } = (await loadModule(directory, 'events', text)) as {
    maps: Record<'rb' | 'perf' | 'unions', { event: Codec<unknown> }>;
  };
  const event = { pid: 42, comm: 'bash' };
  expect(maps.rb.event.decode(maps.rb.event.encode(event))).toEqual(event);
  expect(maps.perf.event.decode(Buffer.from('01000000000000000200000000000000', 'hex'))).toEqual({ a: 1, b: 2n });
  expect(maps.unions.event.decode(Buffer.from('6162636400000000', 'hex'))).toEqual({ word: 0x64636261, text: 'abcd' });
});
