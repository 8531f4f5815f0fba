/** `ecc run` and `ecc check` as processes: what they print where, how they end, and what they say when something is wrong. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { compile, packPackage } from 'ebpf-ecc';
import * as tar from 'tar';
import { afterAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { stringify } from 'yaml';
import { bundle } from '../support/bundle.ts';
import { runOk } from '../support/command.ts';
import { FixtureCompiler } from '../support/ecc.ts';
import { fixturePath, getFixture } from '../support/fixtures.ts';
import { bpftool } from '../support/kernel.ts';
import { requireKernel, requireTool } from '../support/require.ts';
import { fileDirectory } from '../support/temporary.ts';
import { ObjectBuilder } from './objects.ts';

const directory = fileDirectory();
/** The command line, from its words to its exit status. */
const HOST = `
  import { main } from '#src/cli/main.ts';
  await main(process.argv.slice(2));
`;

const hostFile = await bundle('host', HOST, afterAll);
const compiler = new FixtureCompiler(path.join(directory, 'cache'));
const objects = new ObjectBuilder(directory);

interface Running {
  readonly child: ChildProcess;
  stdout: string;
  stderr: string;
  readonly ended: Promise<number>;
  /** Resolves when standard error says that it runs. */
  readonly started: Promise<void>;
}

interface HostOptions {
  readonly command?: 'run' | 'check';
  readonly uid?: number;
  readonly input?: Uint8Array;
}

async function host(words: readonly string[], options: HostOptions = {}): Promise<Running> {
  const args = [hostFile, options.command ?? 'run', ...words];
  const child = spawn(process.execPath, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1', ECC_CACHE_DIR: path.join(directory, 'cache') },
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  child.stdin.on('error', () => {});
  child.stdin.end(options.input);
  let begun: () => void;
  const started = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const ended = new Promise<number>((resolve) => child.once('close', (status) => resolve(status ?? -1)));
  const running: Running = {
    child,
    stdout: '',
    stderr: '',
    ended,
    started: Promise.race([started, ended.then(() => {})]),
  };
  child.stdout.on('data', (chunk: Buffer) => {
    running.stdout += chunk;
  });
  child.stderr.on('data', (chunk: Buffer) => {
    running.stderr += chunk;
    if (running.stderr.includes('Running eBPF program...')) begun();
  });
  return running;
}

async function packageOf(name: string): Promise<string> {
  const file = path.join(directory, `${name}.json`);
  writeFileSync(file, packPackage(await compiler.compile(getFixture(name))));
  return file;
}

beforeEach(async (context) => {
  await requireKernel(context);
});

describe('ecc run', () => {
  test('the tutorial: sigsnoop with --trace shows both lines of a kill; Ctrl-C ends it with 0', async () => {
    const running = await host([await packageOf('sigsnoop'), '--trace']);
    await running.started;
    await runOk('sh', ['-c', 'kill -0 $$']);
    await expect.poll(() => running.stdout).toMatch(/ret = 0/);
    running.child.kill('SIGINT');
    expect(await running.ended).toBe(0);
    expect(running.stdout).toMatch(
      /bpf_trace_printk: PID (\d+) \(sh\) sent signal 0 \n.*bpf_trace_printk: to PID \1, ret = 0\n/,
    );
    expect(running.stderr).toBe('Running eBPF program...\n');
  });

  test('a table, in the layout of the reference', async () => {
    const running = await host([await packageOf('execwatch')]);
    await running.started;
    await runOk('sh', ['-c', '/bin/true; /bin/true']);
    await expect.poll(() => running.stdout.match(/ true /g)?.length ?? 0).toBeGreaterThanOrEqual(4);
    running.child.kill('SIGTERM');
    expect(await running.ended).toBe(0);
    const [header, ...rows] = running.stdout.trimEnd().split('\n');
    expect(header).toMatch(/^TIME {5}[A-Z]/);
    expect(running.stdout.match(/^TIME/gm)).toHaveLength(1);
    for (const row of rows) expect(row).toMatch(/^\d\d:\d\d:\d\d {2}\S/);
  });

  test('the program of the tutorial with a ring buffer and a header: the table of the reference', async () => {
    const source = path.join(directory, 'sigring.bpf.c');
    writeFileSync(path.join(directory, 'sigring.h'), 'struct event { int pid; int tpid; int sig; char comm[16]; };\n');
    writeFileSync(
      source,
      `#include "vmlinux.h"
       #include <bpf/bpf_helpers.h>
       #include "sigring.h"
       struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } rb SEC(".maps");
       SEC("tracepoint/syscalls/sys_enter_kill") int on_kill(struct trace_event_raw_sys_enter *ctx)
       {
         struct event *e = bpf_ringbuf_reserve(&rb, sizeof(*e), 0);
         if (!e) return 0;
         e->pid = bpf_get_current_pid_tgid() >> 32;
         e->tpid = ctx->args[0];
         e->sig = ctx->args[1];
         bpf_get_current_comm(e->comm, sizeof(e->comm));
         bpf_ringbuf_submit(e, 0);
         return 0;
       }
       char LICENSE[] SEC("license") = "GPL";`,
    );
    const compiled = await compile(source, { exportHeader: path.join(directory, 'sigring.h') });
    const file = path.join(directory, 'sigring.json');
    writeFileSync(file, packPackage(compiled));
    const running = await host([file]);
    await running.started;
    const { stdout: pid } = await runOk('sh', ['-c', 'kill -0 $$; echo $$']);
    await expect.poll(() => running.stdout).toContain(pid.trim());
    running.child.kill('SIGINT');
    expect(await running.ended).toBe(0);
    const lines = running.stdout.split('\n');
    expect(lines[0]).toBe('TIME     PID    TPID   SIG    COMM   ');
    const row = lines.find((line) => line.slice(10).startsWith(`${pid.trim()} `))!;
    expect(row.slice(8)).toBe(`${`  ${pid.trim()}`.padEnd(8)}${pid.trim().padEnd(7)}0      sh`);
  });

  test('JSON lines with sorted keys; ends after a number of events', async () => {
    const running = await host(['-j', await packageOf('execwatch'), '--max-events', '3']);
    await running.started;
    await runOk('sh', ['-c', '/bin/true; /bin/true; /bin/true']);
    expect(await running.ended).toBe(0);
    const lines = running.stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(3);
    for (const line of lines) {
      const event = JSON.parse(line) as Record<string, unknown>;
      expect(Object.keys(event)).toEqual(Object.keys(event).toSorted());
      expect(event).toHaveProperty('comm');
    }
  });

  test('ends after a time; histograms of sampled maps', async () => {
    const running = await host([await packageOf('openhist'), '--duration', '3']);
    await running.started;
    await runOk('sh', ['-c', 'cat /etc/passwd /nonexistent >/dev/null 2>&1; true']);
    expect(await running.ended).toBe(0);
    expect(running.stdout).toMatch(
      /^key = {2}\S.*\n(.* = .*\n)*\n {5}\S.{18} : count {4}distribution\n +0 -> 1 {9} : \d+ +\|[* ]{40}\|$/m,
    );
  });

  test('stacks with the functions of the kernel and of the process', async (context) => {
    const source = path.join(directory, 'spin.c');
    writeFileSync(
      source,
      `static volatile unsigned long n;
       void inner(void) { for (int i = 0; i < 100000; i++) n++; }
       void outer(void) { inner(); n++; }
       int main(void) { for (;;) { outer(); n++; } }`,
    );
    const binary = path.join(directory, 'spin');
    await runOk(requireTool(context, 'gcc'), ['-O0', '-fno-omit-frame-pointer', '-o', binary, source]);
    const spin = spawn(binary);
    onTestFinished(() => void spin.kill('SIGKILL'));
    const running = await host([await packageOf('profile'), '--attach', 'on_tick=cpu-clock@199', '--duration', '10']);
    const frames = new RegExp(
      `COMM: spin \\(pid=${spin.pid}\\) @ CPU \\d+\\n.*Userspace:\\n` +
        '  0 \\[<[0-9a-f]{16}>\\] inner\\+0x[0-9a-f]+\\n  1 \\[<[0-9a-f]{16}>\\] outer\\+0x[0-9a-f]+\\n  2 \\[<[0-9a-f]{16}>\\] main\\+0x',
      's',
    );
    await expect.poll(() => running.stdout, { timeout: 10_000 }).toMatch(frames);
    running.child.kill('SIGINT');
    expect(await running.ended).toBe(0);
    expect(running.stdout).toMatch(/Kernel:\n {2}0 \[<f{8}[0-9a-f]{8}>\] \w+/);
  });

  test('YAML, standard input and tar archives', async () => {
    const { object, meta } = await compiler.compile(getFixture('execwatch'));
    const text = packPackage(await compiler.compile(getFixture('execwatch')));
    const yaml = path.join(directory, 'execwatch.yaml');
    writeFileSync(yaml, stringify(JSON.parse(Buffer.from(text).toString())));
    const folder = path.join(directory, 'archive');
    await mkdir(folder, { recursive: true });
    writeFileSync(path.join(folder, 'package.json'), text);
    const archive = path.join(directory, 'execwatch.tar');
    await tar.create({ file: archive, cwd: folder }, ['package.json']);
    for (const [file, input] of [
      [yaml, undefined],
      ['-', Buffer.from(text)],
      [archive, undefined],
    ] as const) {
      const running = await host([file, '--duration', '0.1'], input === undefined ? {} : { input });
      expect(await running.ended, running.stderr).toBe(0);
    }
    expect(object.length).toBeGreaterThan(0);
    expect(meta.bpf_skel.progs.length).toBeGreaterThan(0);
  });

  test('a source is built first', async () => {
    const running = await host([fixturePath('sigsnoop/sigsnoop.bpf.c'), '--duration', '0.1']);
    expect(await running.ended, running.stderr).toBe(0);
    expect(running.stderr).toBe('Compiling bpf object...\nRunning eBPF program...\n');
  });

  test('options of the program: help, values, and refusals before anything is loaded', async () => {
    const file = await packageOf('annotated');
    const help = await host([file, '--help']);
    expect(await help.ended).toBe(0);
    expect(help.stdout).toMatch(/Options:\n/);
    expect(help.stdout).toMatch(/\[default: /);
    expect(help.stderr).toBe('');
    const unknown = await host([file, '--no-such-option']);
    expect(await unknown.ended).toBe(2);
    expect(unknown.stderr).toMatch(/error\[USAGE_OPTION\].*--no-such-option/);
  });

  test.for([
    [[], /^error\[USAGE\]: ecc run <package> \[args\.\.\] is expected\n/],
    [['/no/such/package.json'], /^error\[USAGE_NO_FILE\]: \/no\/such\/package\.json: no such file\n/],
    [['/etc/passwd'], /^error\[PKG_BAD_SHAPE\]: \/etc\/passwd: package: an object expected, found string\n/],
    [['/dev/null'], /^error\[PKG_BAD_SHAPE\]: \/dev\/null: package: there is nothing in it\n/],
    [['FILE', '--duration', 'soon'], /--duration: a number of seconds above 0 is expected/],
    [['FILE', '--duration', '-1'], /--duration: a number of seconds above 0 is expected/],
    [['--duration', '0', 'FILE'], /--duration 0: a number above 0 is expected/],
    [['FILE', '--max-events', '1.5'], /--max-events: a whole number above 0 is expected/],
    [['FILE', '--max-events'], /--max-events needs a value/],
    [['FILE', '--trace=maybe'], /--trace=maybe: true or false is expected/],
    [['FILE', '--btf', '/no/such/btf'], /error\[USAGE_NO_FILE\]: \/no\/such\/btf: no such file/],
    [['FILE', '--btf', '/etc/passwd'], /error\[BTF_BAD_MAGIC\]: \/etc\/passwd: /],
    [['FILE', '--attach', 'on_exec'], /--attach on_exec: PROGRAM=TARGET is expected/],
    [['FILE', '--attach', 'nobody=none'], /error\[USAGE_PROGRAM\]: .*: there is no program nobody\n/],
    [['FILE', '--attach', 'nobody=x'], /error\[USAGE_PROGRAM\]: .*: there is no program nobody\n {2}help: there are /],
    [['FILE', 'word'], /error\[USAGE_OPTION\]: word: the program takes options only/],
  ] as const)('refused before anything is loaded: %j', async ([words, message]) => {
    const file = words.includes('FILE' as never) ? await packageOf('execwatch') : '';
    const running = await host(words.map((word) => (word === 'FILE' ? file : word)));
    expect([2, 5]).toContain(await running.ended);
    expect(running.stderr).toMatch(message);
    expect(running.stdout).toBe('');
    expect(running.stderr).not.toContain('Running');
  });

  test('a time longer than the timers of Node is no reason to end at once', async () => {
    const running = await host([await packageOf('execwatch'), '--duration', '1e400']);
    await running.started;
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(running.child.exitCode).toBeNull();
    running.child.kill('SIGINT');
    expect(await running.ended).toBe(0);
    expect(running.stderr).toBe('Running eBPF program...\n');
  });

  test.for([
    ['tp/syscalls/sys_enter_kil', undefined, 'no tracepoint syscalls/sys_enter_kil', 'syscalls/sys_enter_kill'],
    ['raw_tp/sys_entr', undefined, 'no tracepoint sys_entr', 'sys_enter'],
    ['tp_btf/sched_process_exek', undefined, 'no tracepoint sched_process_exek', 'sched_process_exec'],
    ['xdp', 'l0', 'no network interface l0', 'lo'],
    ['uprobe', '/bin/bash:readlin', '/bin/bash has no function readlin', 'readline'],
    ['uprobe', '/bin/bassh:readline', 'there is no file /bin/bassh', '/bin/bash'],
    ['uprobe', '/bin/bash:readline,pid=99999999', 'there is no process 99999999', undefined],
    ['uprobe', '/etc/passwd:main', '/etc/passwd is no program that can be probed', undefined],
    ['usdt', '/bin/bash:no:probe', '/bin/bash has no static probe no:probe', undefined],
    ['cgroup_skb/egress', '/no/such/group', 'control group /no/such/group cannot be opened', undefined],
    ['perf_event', 'cpu-clok', 'cpu-clok', undefined],
  ] as const)('SEC("%s") attached to %s: says what is not there', async ([section, target, reason, close]) => {
    const name = `target-${section.replaceAll(/\W/g, '-')}`;
    const file = path.join(directory, `${name}.o`);
    writeFileSync(file, await objects.build(name, `SEC("${section}") int prog(void *ctx) { return 0; }`));
    const running = await host([file, ...(target === undefined ? [] : ['--attach', `prog=${target}`])]);
    expect(await running.ended).not.toBe(0);
    expect(running.stderr).toMatch(/^error\[(LOAD|USAGE)_ATTACH_TARGET\]: .*program prog/);
    expect(running.stderr).toContain(reason);
    if (close !== undefined) expect(running.stderr).toMatch(new RegExp(`help: did you mean (.* or )?${close}\\b`));
  });

  test('not root: says which capabilities are missing', async () => {
    const input = readFileSync(await packageOf('sigsnoop'));
    const running = await host(['-'], { uid: 65534, input });
    expect(await running.ended).toBe(7);
    expect(running.stderr).toMatch(
      /error\[LOAD_PERMISSION\].*user 65534, without CAP_BPF and CAP_PERFMON\n {2}help: run it with sudo/,
    );
  });

  test('an iterator prints once and ends', async () => {
    const object = await objects.build(
      'iterator',
      `SEC("iter/task") int dump(struct bpf_iter__task *ctx) {
         struct task_struct *task = ctx->task;
         if (task && task->pid == 2) BPF_SEQ_PRINTF(ctx->meta->seq, "%d %s\\n", task->pid, task->comm);
         return 0;
       }`,
    );
    const file = path.join(directory, 'iterator.o');
    writeFileSync(file, object);
    const running = await host([file]);
    expect(await running.ended, running.stderr).toBe(0);
    expect(running.stdout).toBe('2 kthreadd\n');
  });

  test('a time between samples that is longer than the timers of Node; an array that cannot be cleared', async () => {
    const source = path.join(directory, 'seldom.bpf.c');
    writeFileSync(
      source,
      `#include "vmlinux.h"
       #include <bpf/bpf_helpers.h>
       /// @sample {"interval": 3000000000, "type": "default_kv", "clear_map": true}
       struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, u32); __type(value, u64); } cells SEC(".maps");
       SEC("raw_tp/task_rename") int on_rename(void *ctx) { u32 k = 0; return bpf_map_lookup_elem(&cells, &k) == 0; }
       char LICENSE[] SEC("license") = "GPL";`,
    );
    const running = await host([source, '--duration', '0.2']);
    expect(await running.ended, running.stderr).toBe(0);
    expect(running.stdout).toBe('');
    expect(running.stderr).toBe('Compiling bpf object...\nRunning eBPF program...\n');
  });

  test('an iterator that fails ends it, though there are events to wait for', async () => {
    const file = path.join(directory, 'overflow.o');
    writeFileSync(
      file,
      await objects.build(
        'overflow',
        `struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } rb SEC(".maps");
         struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, u32); __type(value, char[60000]); } text SEC(".maps");
         SEC("iter/task") int dump(struct bpf_iter__task *ctx) {
           u32 k = 0;
           char *all = bpf_map_lookup_elem(&text, &k);
           if (all) bpf_seq_write(ctx->meta->seq, all, 60000);
           return 0;
         }
         SEC("raw_tp/task_rename") int on_rename(void *ctx) { u64 one = 1; bpf_ringbuf_output(&rb, &one, 8, 0); return 0; }`,
      ),
    );
    const running = await host([file]);
    expect(await running.ended).toBe(7);
    expect(running.stderr).toMatch(/error\[LOAD_ITER\]: .*program dump: .*E2BIG/);
  });

  test('more maps of events than Node expects listeners', async () => {
    const file = path.join(directory, 'rings.o');
    const rings = Array.from(
      { length: 12 },
      (_, i) => `struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } r${i} SEC(".maps");`,
    );
    writeFileSync(
      file,
      await objects.build('rings', `${rings.join('\n')}\nSEC("raw_tp/task_rename") int p(void *ctx) { return 0; }`),
    );
    const running = await host([file, '--duration', '0.1']);
    expect(await running.ended).toBe(0);
    expect(running.stderr).toBe('Running eBPF program...\n');
  });

  describe('--trace', () => {
    const instancesOf = ({ child }: Running) =>
      readdirSync('/sys/kernel/tracing/instances').filter((name) => name.startsWith(`ecc-${child.pid}-`));
    const chatty = (section: string) => `
      struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 65536); } rb SEC(".maps");
      SEC("raw_tp/sys_enter") int on_enter(void *ctx) {
        u64 one = 1;
        bpf_ringbuf_output(&rb, &one, 8, 0);
        bpf_printk("entered");
        return 0;
      }
      SEC("${section}") int other(void *ctx) { return 0; }`;

    test('lines and events are counted together', async () => {
      const file = path.join(directory, 'chatty.o');
      writeFileSync(file, await objects.build('chatty', chatty('raw_tp/task_rename')));
      for (const count of [1, 5, 300]) {
        const running = await host([file, '--trace', '--max-events', String(count)]);
        expect(await running.ended, running.stderr).toBe(0);
        expect(running.stdout.trimEnd().split('\n')).toHaveLength(count);
      }
    });

    test('no trace instance stays when a program cannot be attached, nor when nobody reads', async () => {
      const file = path.join(directory, 'chatty-nowhere.o');
      writeFileSync(file, await objects.build('chatty-nowhere', chatty('raw_tp/no_such_event')));
      const failing = await host([file, '--trace']);
      expect(await failing.ended).toBe(7);
      expect(instancesOf(failing)).toEqual([]);
      const running = await host([file, '--trace', '--attach', 'other=none']);
      await running.started;
      expect(instancesOf(running)).toHaveLength(1);
      running.child.stdout!.destroy();
      expect(await running.ended).toBe(0);
      expect(instancesOf(running)).toEqual([]);
    });
  });

  test('Ctrl-C detaches also while nobody takes the output', async () => {
    const file = path.join(directory, 'flood.o');
    const program = `f${process.pid % 1e9}_flood`;
    writeFileSync(
      file,
      await objects.build(
        'flood',
        `struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 1 << 20); } rb SEC(".maps");
         SEC("raw_tp/sys_enter") int ${program}(void *ctx) {
           char bytes[256] = {};
           for (int i = 0; i < 40; i++) bpf_ringbuf_output(&rb, bytes, sizeof(bytes), 0);
           return 0;
         }`,
      ),
    );
    const loaded = async () => (await bpftool('prog', 'list')).stdout.includes(` ${program} `);
    const running = await host([file]);
    await running.started;
    running.child.stdout!.pause();
    // until the pipe is full: the kernel takes a few hundred kilobytes
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await loaded()).toBe(true);
    running.child.kill('SIGINT');
    await expect.poll(loaded, { timeout: 5000 }).toBe(false);
    running.child.stdout!.resume();
    expect(await running.ended).toBe(0);
    expect(running.stdout).toMatch(/\n$/);
  });

  test("the verifier's whole log on request", async () => {
    const object = await objects.build(
      'wild',
      'SEC("raw_tp/sys_enter") int wild(long *ctx) { return *(volatile long *)ctx[1]; }',
    );
    const file = path.join(directory, 'wild.o');
    writeFileSync(file, object);
    const quiet = await host([file]);
    expect(await quiet.ended).toBe(7);
    expect(quiet.stderr).toMatch(/wild\.bpf\.c:5: .*\n {2}instruction \d+: .*\n {4}R\d = scalar\(\)\n/);
    expect(quiet.stderr).not.toMatch(/^processed/m);
    const whole = await host([file, '--verifier-log']);
    await whole.ended;
    expect(whole.stderr).toMatch(/^processed \d+ insns/m);
  });
});

describe('ecc check', () => {
  test('a table and JSON; one refused program does not hide the others', async () => {
    const object = await objects.build(
      'mixed',
      `SEC("raw_tp/sys_enter") int good(long *ctx) { char text[16]; return bpf_get_current_comm(text, sizeof(text)) & 0; }
       SEC("raw_tp/sys_exit") int bad(long *ctx) { return *(volatile long *)ctx[1]; }`,
    );
    const file = path.join(directory, 'mixed.o');
    writeFileSync(file, object);
    const table = await host([file], { command: 'check' });
    expect(await table.ended).toBe(7);
    expect(table.stdout).toMatch(/^PROGRAM +SECTION +RESULT +INSNS +PROCESSED +STACK +TIME\n/);
    expect(table.stdout).toMatch(/^good +raw_tp\/sys_enter +pass +\d+ +\d+ +16 +\d+ us$/m);
    expect(table.stdout).toMatch(/^bad +raw_tp\/sys_exit +refused /m);
    expect(table.stderr).toMatch(/error\[LOAD_VERIFIER\]: .*program bad/);
    const json = await host([file, '--json'], { command: 'check' });
    expect(await json.ended).toBe(7);
    const rows = JSON.parse(json.stdout) as Record<string, unknown>[];
    expect(rows).toEqual([
      expect.objectContaining({ name: 'good', passed: true, stackDepths: [16], error: null, insnLimit: 1_000_000 }),
      expect.objectContaining({
        name: 'bad',
        passed: false,
        error: expect.objectContaining({ code: 'LOAD_VERIFIER' }),
      }),
    ]);
  });

  test('a package that passes ends with 0 and leaves nothing loaded', async () => {
    const running = await host([await packageOf('execwatch')], { command: 'check' });
    expect(await running.ended, running.stderr).toBe(0);
    expect(running.stderr).toBe('');
  });
});
