/** What an error of clang's is about, where clang cannot know: kernels, headers, packages. With every clang of this machine. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { ecc } from '../support/cli.ts';
import { testDirectory } from '../support/temporary.ts';
import { installedClangs } from '../support/tools.ts';

const HEAD = '#include "vmlinux.h"\n#include <bpf/bpf_helpers.h>\n#include <bpf/bpf_core_read.h>\n';
const program = (expression: string) => `SEC("tc") int p(void *c) { return ${expression}; }\n`;

async function helpFor(source: string, flags: readonly string[] = [], files: Readonly<Record<string, string>> = {}) {
  const directory = testDirectory();
  for (const [name, text] of Object.entries({ 'a.bpf.c': source, ...files })) {
    mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
    writeFileSync(path.join(directory, name), text);
  }
  const { stderr, status } = await ecc(['a.bpf.c', ...flags], { cwd: directory });
  expect(status, stderr).not.toBe(0);
  return stderr.slice(stderr.indexOf('help: '));
}

describe.each(installedClangs())('%s', (clang) => {
  const on = (...flags: string[]) => ['-c', clang, ...flags];
  const queued = `${HEAD}${program('BPF_CORE_READ((struct cfs_rq *)c, nr_queued)')}`;

  test('a member that the chosen kernel does not have yet, or no longer', async () => {
    const help = await helpFor(queued, on('--vmlinux', '6.1'));
    expect(help).toContain('member nr_queued of cfs_rq: in 6.18, not in 6.12 and older; --vmlinux 6.18 has it');
    const state = `${HEAD}${program('BPF_CORE_READ((struct task_struct *)c, state)')}`;
    expect(await helpFor(state, on('--vmlinux', '6.18'))).toContain(
      'in 5.10, no longer in 6.1 and later; --vmlinux 5.10',
    );
  });

  test('a header of the user’s that is too old', async () => {
    const own = 'typedef unsigned int __u32; typedef unsigned long long __u64; struct cfs_rq { int nr; };\n';
    const source =
      '#include "vmlinux.h"\n#define SEC(n) __attribute__((section(n), used))\nSEC("tc") int p(struct cfs_rq *q) { return q->nr_queued; }\n';
    expect(await helpFor(source, on(), { 'vmlinux.h': own })).toContain('your own vmlinux.h is of another kernel');
  });

  test('types without vmlinux.h', async () => {
    const source = `#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n${program('((struct task_struct *)c)->pid')}`;
    expect(await helpFor(source, on())).toMatch(/type task_struct: in every kernel .*add {2}#include "vmlinux.h"/);
  });

  test('macros and functions that a header has', async () => {
    expect(await helpFor(HEAD + program('ETH_P_IP'), on())).toMatch(
      /ETH_P_IP is a macro of <linux\/if_ether.h>.*add {2}#define ETH_P_IP 0x0800/,
    );
    expect(await helpFor(HEAD + program('bpf_ntohs(5)'), on())).toContain('add  #include <bpf/bpf_endian.h>');
    expect(await helpFor('#include "vmlinux.h"\nSEC("tc")\nint p(void *c) { return 0; }\n', on())).toContain(
      'SEC is in <bpf/bpf_helpers.h>',
    );
  });

  test('two headers that define the same', async () => {
    const own = 'typedef unsigned int __u32; struct ethhdr { int x; };\n';
    const source = '#include "vmlinux.h"\n#include <linux/if_ether.h>\nint x;\n';
    expect(await helpFor(source, on(), { 'vmlinux.h': own })).toMatch(
      /ethhdr is in vmlinux\.h and in <linux\/if_ether\.h>, which cannot be read together/,
    );
    const mine = '#include "vmlinux.h"\nstruct ethhdr { long y; };\n';
    expect(await helpFor(mine, on(), { 'vmlinux.h': own })).toContain('ethhdr is in vmlinux.h already');
  });

  test('files that are not found', async () => {
    const source = '#include "vmlinux.h"\n#include "event.h"\nint x;\n';
    expect(await helpFor(source, on(), { 'inc/deep/event.h': '' })).toContain(
      'inc/deep/event.h exists: add  -a -Iinc/deep',
    );
    expect(await helpFor(source, on())).toContain('-a -IDIR');
    expect(await helpFor('#include <bpf/no_such.h>\n', on())).toMatch(/bpf is there and has no no_such\.h/);
  });
});
