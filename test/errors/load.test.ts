/** Errors of loading that nothing else provokes, from the running kernel. */
import { load } from 'ebpf-ecc/runner';
import { beforeEach, expect, test } from 'vitest';
import { isEccError } from '../../src/core/errors.ts';
import { mapMemory } from '../../src/runner/memory.ts';
import { openNative } from '../../src/runner/native.ts';
import { BpfObject } from '../../src/runner/object.ts';
import { ObjectBuilder } from '../runner/objects.ts';
import { takeLoopback } from '../support/loopback.ts';
import { requireKernel } from '../support/require.ts';
import { fileDirectory } from '../support/temporary.ts';

const builder = new ObjectBuilder(fileDirectory());

beforeEach(async (context) => {
  await requireKernel(context);
});

async function codeOf(body: () => unknown): Promise<unknown> {
  try {
    await body();
  } catch (error) {
    return isEccError(error) ? error.code : error;
  }
  return 'no error';
}

const RUN = 'SEC("syscall") int run(void *ctx) { return 0; }\n';

test('names and sizes that do not fit the program', async () => {
  const object = await builder.build(
    'names',
    `struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u32); } m SEC(".maps");\n${RUN}`,
  );
  expect(await codeOf(() => load(object, { programs: ['nope'] as never }))).toBe('USAGE_PROGRAM');
  expect(await codeOf(() => load(object, { mapSizes: { nope: 1 } }))).toBe('USAGE_MAP');
  for (const entries of [0, -1, 1.5, 2 ** 32, Number.NaN])
    expect(await codeOf(() => load(object, { mapSizes: { m: entries } }))).toBe('USAGE_MAP_SIZE');
  await using bpf = await load(object, { attach: false });
  expect(await codeOf(() => bpf.programs.run!.read())).toBe('LOAD_NOT_ATTACHED');
});

test.each([
  [
    'LOAD_MAP_CREATE',
    `struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __uint(key_size, 3); __uint(value_size, 4); } m SEC(".maps");\n${RUN}`,
  ],
  [
    'LOAD_KSYM',
    `extern void no_such_function_of_the_kernel(void) __ksym;\nSEC("tc") int p(void *c) { no_such_function_of_the_kernel(); return 0; }\n`,
  ],
  ['LOAD_ATTACH_UNSUPPORTED', 'SEC("lwt_in") int p(struct __sk_buff *skb) { return 0; }\n'],
])('%s', async (code, source) => {
  const object = await builder.build(code.toLowerCase(), source);
  expect(await codeOf(async () => (await load(object)).close())).toBe(code);
});

test('a second program where one only can be: LOAD_ATTACH', async () => {
  await takeLoopback();
  const object = await builder.build('attach', 'SEC("xdp") int p(struct xdp_md *c) { return XDP_PASS; }\n');
  await using first = await load(object, { attach: { p: 'lo' } as never });
  expect(first.programs.p).toBeDefined();
  expect(await codeOf(async () => (await load(object, { attach: { p: 'lo' } as never })).close())).toBe('LOAD_ATTACH');
});

test('a program that cannot be run without its event: LOAD_RUN', async () => {
  const object = await builder.build('noevent', 'SEC("perf_event") int p(void *c) { return 0; }\n');
  await using bpf = await load(object, { attach: false });
  expect(await codeOf(() => bpf.programs.p!.run())).toBe('LOAD_RUN');
});

test('what the kernel’s own functions refuse', async () => {
  const native = await openNative();
  expect(
    await codeOf(() => mapMemory(native, { fd: -1, size: 4096, offset: 0, writable: false, what: 'nothing' })),
  ).toBe('LOAD_MMAP');
  expect(await codeOf(() => BpfObject.open(native, Buffer.from('no object'), { name: 'x' } as never))).toBe(
    'ELF_LIBBPF',
  );
});
