/**
 * What `ecc run` says on kernels and in containers that this machine is not: parts of `/sys`, `/proc` and `/boot` are hidden in a mount
 * namespace, capabilities are taken away, and one answer of the kernel is replaced.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import * as tar from 'tar';
import { beforeEach, expect, test } from 'vitest';
import { ECC } from '../support/cli.ts';
import { run, runOk } from '../support/command.ts';
import { requireKernel, requireTool } from '../support/require.ts';
import { fileDirectory } from '../support/temporary.ts';

const directory = fileDirectory();
const SOURCE = path.join(directory, 'a.bpf.c');

const HEAD =
  '#include "vmlinux.h"\n#include <bpf/bpf_helpers.h>\n#include <bpf/bpf_core_read.h>\nchar LICENSE[] SEC("license") = "GPL";\n';
const EMPTY = 'SEC("syscall") int p(void *c) { return 0; }\n';

/** Words before `ecc run`: what they do comes first. */
const AS_IT_IS: readonly string[] = [];
const mounted = (commands: string) => ['unshare', '-m', 'sh', '-ec', `${commands}; exec "$@"`, 'sh'];
const without = (...capabilities: string[]) => [
  'setpriv',
  '--bounding-set',
  capabilities.map((name) => `-${name}`).join(','),
];
/** A file that cannot be opened: a device on a file system without devices. */
const DEAD_FILE =
  'mount -t tmpfs tmpfs /mnt; mknod /mnt/dead c 1 3; mount -o remount,nodev /mnt; mount -t tmpfs tmpfs /boot; ! [ -e /proc/config.gz ] || mount --bind /mnt/dead /proc/config.gz';

const RUN = ['run', '--duration', '0.1', 'a.bpf.c'];
const NO_BTF = mounted('mount -t tmpfs tmpfs /sys/kernel/btf');

interface Case {
  readonly code: string;
  readonly before: readonly string[];
  readonly source: string;
  /** Default: what runs the source. */
  readonly args?: readonly string[];
  readonly says: RegExp;
  /** Default: 7. */
  readonly exits?: number;
}

const CASES: readonly Case[] = [
  {
    code: 'LOAD_NO_BTF',
    before: NO_BTF,
    source:
      'SEC("tp_btf/sched_switch") int p(u64 *c) { struct task_struct *t = (void *)c[1]; return BPF_CORE_READ(t, pid); }\n',
    says: /this kernel has no type information \(\/sys\/kernel\/btf\/vmlinux\).*\n {2}help: .*--btfgen.*--btf FILE/,
  },
  {
    code: 'LOAD_KCONFIG',
    before: mounted(DEAD_FILE),
    source: 'extern int CONFIG_HZ __kconfig;\nSEC("syscall") int p(void *c) { return CONFIG_HZ; }\n',
    says: /CONFIG_HZ.*\n {2}help: .*\/proc\/config\.gz or \/boot\/config-.*__weak/,
  },
  {
    code: 'LOAD_KCONFIG',
    before: AS_IT_IS,
    source:
      'extern int CONFIG_NOBODY_HAS_THIS __kconfig;\nSEC("syscall") int p(void *c) { return CONFIG_NOBODY_HAS_THIS; }\n',
    says: /configuration has no CONFIG_NOBODY_HAS_THIS.*\n {2}help: declare it __weak/,
  },
  {
    code: 'LOAD_FAILED',
    before: AS_IT_IS,
    source: 'SEC("nothing_like_it") int p(void *c) { return 0; }\n',
    says: /missing BPF prog type.*\n {2}help: no program type is known for SEC\("nothing_like_it"\)/,
  },
  {
    code: 'LOAD_ITER',
    before: AS_IT_IS,
    // more than the kernel's buffer of eight pages for one element
    source: `char text[4096];
SEC("iter/bpf_map") int p(struct bpf_iter__bpf_map *c) {
  for (int i = 0; i < 9; i++) bpf_seq_write(c->meta->seq, text, sizeof(text));
  return 0;
}\n`,
    says: /program p: its output cannot be read: E2BIG\n {2}help: .*eight pages/,
  },
  {
    code: 'LOAD_PERF_BUFFER',
    before: without('sys_admin', 'perfmon'),
    source: `struct event { int x; } e;
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, 4); __uint(value_size, 4); } events SEC(".maps");
${EMPTY}`,
    says: /perf buffer events: cannot be opened \(EACCES\)\n {2}help: .*CAP_PERFMON/,
  },
  {
    code: 'LOAD_TRACE',
    before: [
      ...mounted('mount -t tmpfs tmpfs /sys/kernel/tracing; mount -t tmpfs tmpfs /sys/kernel/debug'),
      ...without('sys_admin'),
    ],
    source: EMPTY,
    args: [...RUN, '--trace'],
    says: /tracefs is not mounted, and cannot be \(EPERM\)\n {2}help: as root: mount -t tracefs/,
  },
  {
    code: 'UNSUP_NO_KERNEL_BTF',
    before: NO_BTF,
    source: EMPTY,
    args: ['a.bpf.c', '--vmlinux', 'host'],
    says: /the running kernel has no BTF \(\/sys\/kernel\/btf\/vmlinux\)\n {2}help: /,
    exits: 6,
  },
  {
    code: 'LOAD_PERMISSION',
    before: without('sys_admin', 'bpf'),
    source: EMPTY,
    says: /this process runs as root, but without CAP_BPF\n {2}help: in a container: .*--cap-add/,
  },
];

const env = { NO_COLOR: '1', ECC_CACHE_DIR: path.join(directory, 'cache'), ECC_CACHE_SIZE: '0' };

beforeEach(async (context) => {
  await requireKernel(context);
  requireTool(context, 'unshare');
  requireTool(context, 'setpriv');
});

test.each(CASES)('$code: $says', async ({ code, before, source, args = RUN, says, exits = 7 }) => {
  writeFileSync(SOURCE, `${HEAD}${source}`);
  const [command, ...words] = [...before, process.execPath, ECC, ...args];
  const { status, stderr } = await run(command!, words, { cwd: directory, env });
  expect(stderr).toMatch(new RegExp(`error\\[${code}\\]: (a\\.bpf\\.c: )?`));
  expect(stderr).toMatch(says);
  expect(status).toBe(exits);
});

test('UNSUP_KERNEL: no BTF of the kernel, nor in the archive', async () => {
  writeFileSync(SOURCE, `${HEAD}${EMPTY}`);
  await runOk(process.execPath, [ECC, 'a.bpf.c'], { cwd: directory, env });
  await tar.create({ file: path.join(directory, 'a.tar'), cwd: directory }, ['package.json']);
  const [command, ...words] = [...NO_BTF, process.execPath, ECC, 'run', 'a.tar'];
  const { status, stderr } = await run(command!, words, { cwd: directory, env });
  expect(stderr).toMatch(
    /error\[UNSUP_KERNEL\]: a\.tar: this kernel has no BTF, and the archive has none for it \(btfhub-archive\/.*\.btf\)\n {2}help: /,
  );
  expect(status).toBe(6);
});

test('UNSUP_KERNEL_BTF: the library, where the kernel has no BTF', async () => {
  const script = path.join(directory, 'host.mjs');
  const library = JSON.stringify(path.join(import.meta.dirname, '../../dist/btf.js'));
  writeFileSync(
    script,
    `import { readHostBtf } from ${library};\ntry { readHostBtf(); } catch ({ code, message }) { console.error(\`error[\${code}]: \${message}\`); }\n`,
  );
  const [command, ...words] = [...NO_BTF, process.execPath, script];
  const { stderr } = await run(command!, words);
  expect(stderr).toBe('error[UNSUP_KERNEL_BTF]: this kernel has no BTF: there is no /sys/kernel/btf/vmlinux\n');
});

test('LOAD_MEMLOCK: no memory for programs', async (context) => {
  const library = path.join(directory, 'no-memory.so');
  const shim = path.join(import.meta.dirname, 'no-memory.c');
  await runOk(requireTool(context, 'gcc'), ['-shared', '-fPIC', '-O1', '-o', library, shim, '-ldl']);
  writeFileSync(SOURCE, `${HEAD}${EMPTY}`);
  const { status, stderr } = await run(process.execPath, [ECC, 'run', '--duration', '0.1', 'a.bpf.c'], {
    cwd: directory,
    env: { ...env, LD_PRELOAD: library },
  });
  expect(stderr).toMatch(
    /error\[LOAD_MEMLOCK\]: a\.bpf\.c: the kernel has no memory for it \(ENOMEM\)\n {2}help: .*memory/,
  );
  expect(status).toBe(7);
});
