/** Fixtures whose effects depend on more than a command of a shell: on a disk, on messages that are written into a ring. */

import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { packPackage } from 'ebpf-ecc';
import { load } from 'ebpf-ecc/runner';
import koffi from 'koffi';
import { expect, test } from 'vitest';
import { runOk } from '../support/command.ts';
import { FixtureCompiler } from '../support/ecc.ts';
import { getFixture } from '../support/fixtures.ts';
import { requireKernel, requireTool } from '../support/require.ts';
import { fileDirectory } from '../support/temporary.ts';

const compiler = new FixtureCompiler(path.join(fileDirectory(), 'cache'));
/** `REQ_OP_WRITE` of linux/blk_types.h. */
const WRITE = 1;
const packageOf = async (name: string) => Buffer.from(packPackage(await compiler.compile(getFixture(name))));

/** False for memory, networks, and layers over other file systems: those have devices without a number of a disk. */
function isOnDisk(directory: string): boolean {
  const { dev } = statSync(directory);
  const [major, minor] = [(dev >> 8) & 0xfff, (dev & 0xff) | ((dev >> 12) & 0xfff00)];
  return existsSync(`/sys/dev/block/${major}:${minor}`);
}

test('blockio: requests of the disk that a file was written to', async (context) => {
  await requireKernel(context);
  if (!isOnDisk('/var/tmp')) context.skip('/var/tmp is not on a disk');
  await using bpf = await load(await packageOf('blockio'));
  const file = path.join('/var/tmp', `ecc-test-${process.pid}`);
  try {
    await runOk('dd', ['if=/dev/zero', `of=${file}`, 'bs=4096', 'count=16', 'conv=fsync']);
  } finally {
    rmSync(file, { force: true });
  }
  const entries = [
    ...(bpf.maps.by_disk! as Iterable<[{ disk: string; op: number }, { requests: bigint; bytes: bigint }]>),
  ];
  expect(entries.length).toBeGreaterThan(0);
  for (const [{ disk }, { requests }] of entries) {
    expect(readdirSync('/sys/block')).toContain(disk);
    expect(requests).toBeGreaterThan(0n);
  }
  const written = entries.filter(([{ op }]) => op === WRITE).reduce((sum, [, { bytes }]) => sum + bytes, 0n);
  expect(written).toBeGreaterThanOrEqual(16n * 4096n);
});

test('userring: commands through one ring, answers through the other', async (context) => {
  await requireKernel(context);
  requireTool(context, 'perl');
  const libbpf = koffi.load('libbpf.so.1');
  const open = libbpf.func('void *user_ring_buffer__new(int map, void *opts)');
  const reserve = libbpf.func('void *user_ring_buffer__reserve(void *ring, uint32_t size)');
  const submit = libbpf.func('void user_ring_buffer__submit(void *ring, void *sample)');
  const free = libbpf.func('void user_ring_buffer__free(void *ring)');

  await using bpf = await load(await packageOf('userring'));
  const ring: unknown = open(bpf.maps.commands!.fd, null);
  const commands = [
    { kind: 1, pid: 4242 },
    { kind: 2, pid: 4242 },
    // not watched any more
    { kind: 2, pid: 4242 },
  ];
  for (const { kind, pid } of commands) {
    const sample: unknown = reserve(ring, 8);
    koffi.encode(sample, 'int[2]', [kind, pid]);
    submit(ring, sample);
  }
  // getpgrp(0) is getpgid(2), on which the program drains the ring
  await runOk('perl', ['-e', 'getpgrp(0)']);
  const replies: unknown[] = [];
  for await (const reply of bpf.events.replies!) {
    replies.push(reply);
    if (replies.length === commands.length) break;
  }
  free(ring);
  expect(replies).toEqual([
    expect.objectContaining({ pid: 4242, result: 0 }),
    expect.objectContaining({ pid: 4242, result: 0 }),
    expect.objectContaining({ pid: 4242, result: -2 }),
  ]);
});
