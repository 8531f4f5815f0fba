/**
 * What the running kernel can do, each answer found by trying it, and BPF objects loaded into it with bpftool. Pins go below
 * a directory of bpffs that belongs to the process, so that test files may run side by side.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type CommandResult, run, runOk } from './command.ts';
import { findTool } from './tools.ts';

/** Things that not every kernel has and that some fixtures need. */
export type KernelFeature =
  | 'load'
  | 'trampoline'
  | 'kprobe'
  | 'kprobe-multi'
  | 'kallsyms-all'
  | 'kconfig'
  | 'sched-ext'
  | 'libc-usdt';

const BPFFS = '/sys/fs/bpf';
export const TRACEFS = '/sys/kernel/tracing';
const FILE_SYSTEMS = [
  { directory: BPFFS, type: 'bpf', magic: 0xcafe4a11 },
  { directory: TRACEFS, type: 'tracefs', magic: 0x74726163 },
];

/** Mounts bpffs and tracefs where the machine has not; needs root. */
export async function mountFileSystems(): Promise<void> {
  for (const { directory, type, magic } of FILE_SYSTEMS) {
    if (statfsSync(directory).type !== magic) {
      const mounted = await run('mount', ['-t', type, type, directory]);
      // Another test may have been quicker.
      if (statfsSync(directory).type !== magic)
        throw new Error(`cannot mount ${type} on ${directory}: ${mounted.stderr}`);
    }
  }
}

export function bpftool(...args: string[]): Promise<CommandResult> {
  return run(findTool('bpftool') ?? 'bpftool', args);
}

export interface Loaded {
  /** Every program's pin, by the program's name. */
  readonly pins: ReadonlyMap<string, string>;
}

let pinned = 0;

function newPinDirectory(): string {
  return path.join(BPFFS, `ecc-test-${process.pid}-${pinned++}`);
}

/**
 * Loads all programs of an object, gives `use` the pins, unloads.
 * @throws {Error} when the kernel refuses, with libbpf's log
 */
export async function withLoaded<T>(object: string, use: (loaded: Loaded) => T | Promise<T>): Promise<T> {
  await mountFileSystems();
  const directory = newPinDirectory();
  try {
    const result = await bpftool('prog', 'loadall', object, directory);
    if (result.status !== 0) throw new Error(`${object} does not load:\n${shorten(result.stderr)}`);
    const listed = await runOk('ls', [directory]);
    const names = listed.stdout.split('\n').filter((name) => name !== '');
    return await use({
      pins: new Map(names.map((name) => [name, path.join(directory, name)])),
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** libbpf's debug output while it loads an object, whether or not the kernel then takes it. */
export async function libbpfLog(object: string): Promise<string> {
  await mountFileSystems();
  const directory = newPinDirectory();
  try {
    return (await bpftool('-d', 'prog', 'loadall', object, directory)).stderr;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A verifier log can have megabytes; its end is what matters. */
function shorten(log: string): string {
  return log.length < 6000 ? log : `...${log.slice(-6000)}`;
}

/** Why the kernel lacks a feature; `undefined` when it is there. Found once a process. */
export function kernelLacks(feature: KernelFeature): Promise<string | undefined> {
  let answer = answers.get(feature);
  if (answer === undefined) {
    answer = PROBES[feature]();
    answers.set(feature, answer);
  }
  return answer;
}

/** A kernel does not change while a test runs. */
const answers = new Map<KernelFeature, Promise<string | undefined>>();

const PROBES: Readonly<Record<KernelFeature, () => Promise<string | undefined>>> = {
  load: () => refusal('socket', 'this kernel loads no BPF program'),
  trampoline: () => refusal('fentry/vfs_read', 'this kernel refuses even an empty fentry program'),
  kprobe: async () =>
    existsSync('/sys/bus/event_source/devices/kprobe') ? undefined : 'this kernel has no kprobes (CONFIG_KPROBES)',
  'kprobe-multi': async () =>
    kernelConfig()?.includes('\nCONFIG_FPROBE=y')
      ? undefined
      : 'this kernel has no CONFIG_FPROBE, which kprobe.multi needs',
  'kallsyms-all': async () =>
    / runqueues$/m.test(readFileSync('/proc/kallsyms', 'latin1'))
      ? undefined
      : 'no variables in kallsyms (CONFIG_KALLSYMS_ALL)',
  kconfig: async () =>
    kernelConfig() === undefined ? 'neither /proc/config.gz nor /boot/config-VERSION is there' : undefined,
  'sched-ext': async () =>
    existsSync('/sys/kernel/sched_ext') ? undefined : 'this kernel has no sched_ext (CONFIG_SCHED_CLASS_EXT)',
  'libc-usdt': async () => {
    const notes = await run('sh', ['-c', 'readelf -n "$(ldd /bin/sh | grep -o "/[^ ]*libc.so.6")"']);
    return /Name: setjmp/.test(notes.stdout) ? undefined : 'the C library was built without its static probes';
  },
};

function kernelConfig(): string | undefined {
  if (existsSync('/proc/config.gz')) return gunzipSync(readFileSync('/proc/config.gz')).toString('latin1');
  const file = `/boot/config-${release()}`;
  return existsSync(file) ? readFileSync(file, 'latin1') : undefined;
}

/** Loads the smallest program of a section; what the kernel said if it would not. */
async function refusal(section: string, sentence: string): Promise<string | undefined> {
  const directory = mkdtempSync(path.join(tmpdir(), 'ecc-probe-'));
  try {
    const source = path.join(directory, 'probe.c');
    const object = path.join(directory, 'probe.o');
    const place = (name: string) => `__attribute__((section("${name}"), used))`;
    writeFileSync(
      source,
      `${place('license')} char LICENSE[] = "GPL";\n${place(section)} int probe(void *ctx) { return 0; }\n`,
    );
    await runOk('clang', ['-target', 'bpf', '-g', '-O2', '-c', source, '-o', object]);
    await withLoaded(object, () => {});
    return undefined;
  } catch (error) {
    const line = /(?<=libbpf: )prog .*/.exec(String(error))?.[0] ?? String(error).split('\n')[0];
    return `${sentence}: ${line}`;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
