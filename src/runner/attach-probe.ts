/** Programs on events: kprobes, uprobes, USDT, tracepoints, perf events, iterators. */
import { readFile } from 'node:fs/promises';
import { findMapTypeName } from '../object/map-types.ts';
import { attachError } from './attach-error.ts';
import {
  type Attachment,
  type AttachRequest,
  attachment,
  badTarget,
  linkAttachment,
  linkOf,
  needTarget,
  splitSection,
} from './attachment.ts';
import type { Pointer } from './libbpf.ts';
import { callAsync, lastErrno, nativeStruct, type StructMember } from './native.ts';

/** `NAME` or `NAME+OFFSET`, decimal or hexadecimal. */
const SYMBOL = /^(.+?)(?:\+(0x[0-9a-f]+|\d+))?$/i;

/** `--attach PROG=FUNCTION[+OFFSET]`; for `kprobe.multi` a pattern (`tcp_*`) or a list with commas; for `ksyscall` a name. */
export async function attachKernelProbe(request: AttachRequest): Promise<Attachment> {
  const { native, handle, program } = request;
  const { kind, target: named } = splitSection(program.section);
  const target = needTarget(
    request,
    kind.includes('multi') ? 'tcp_*' : kind.includes('syscall') ? 'unlinkat' : 'do_unlinkat',
    named,
  );
  const to = `${kind} ${target}`;
  const isReturn = kind.startsWith('kret') ? 1 : 0;
  if (kind.endsWith('.multi')) return attachMulti(request, to, target, isReturn);
  if (request.target === undefined) return linkOf(request, to, native.bpf.bpf_program__attach, handle.pointer);
  if (kind.endsWith('syscall')) {
    const opts = nativeStruct(native, 24, [
      [0, 'u64', 24],
      [16, 'u32', isReturn],
    ]);
    return linkOf(request, to, native.bpf.bpf_program__attach_ksyscall, handle.pointer, target, opts);
  }
  const [, func, offset] = SYMBOL.exec(target)!;
  const opts = nativeStruct(native, 32, [
    [0, 'u64', 32],
    [16, 'u64', Number(offset ?? 0)],
    [24, 'u32', isReturn],
  ]);
  return linkOf(request, to, native.bpf.bpf_program__attach_kprobe_opts, handle.pointer, func!, opts);
}

async function attachMulti(request: AttachRequest, to: string, target: string, isReturn: number): Promise<Attachment> {
  const { native, handle } = request;
  const attachOpts = native.bpf.bpf_program__attach_kprobe_multi_opts;
  const functions = await matchingFunctions(target);
  if (functions.length === 0) {
    const opts = nativeStruct(native, 48, [
      [0, 'u64', 48],
      [40, 'u32', isReturn],
    ]);
    return linkOf(request, to, attachOpts, handle.pointer, target, opts);
  }
  const names = functions.map((name) => Buffer.from(`${name}\0`));
  const list = nativeStruct(
    native,
    names.length * 8,
    names.map((name, i): StructMember => [i * 8, 'pointer', name]),
  );
  const opts = nativeStruct(native, 48, [
    [0, 'u64', 48],
    [8, 'pointer', list],
    [32, 'u64', names.length],
    [40, 'u32', isReturn],
  ]);
  return linkOf(request, to, attachOpts, handle.pointer, null, opts);
}

/**
 * The functions that a pattern or a list means. libbpf before 1.2 takes those of kallsyms, and the kernel then refuses all when one
 * of them cannot be traced. Empty where the kernel does not tell which can.
 */
async function matchingFunctions(target: string): Promise<string[]> {
  if (target.includes(',')) return target.split(',');
  const text = await readFile('/sys/kernel/tracing/available_filter_functions', 'utf8').catch(() => '');
  const parts = target
    .split(/([*?])/)
    .map((part) => (part === '*' ? '.*' : part === '?' ? '.' : part.replaceAll(/[.+^$()[\]{}|\\]/g, '\\$&')));
  const pattern = new RegExp(`^${parts.join('')}$`);
  return [...new Set(text.split('\n').map((line) => line.replace(/ .*/, '')))].filter((name) => pattern.test(name));
}

/** What follows the target of a user-space probe: `,pid=N`. */
function splitPid(request: AttachRequest, target: string): [where: string, pid: number] {
  const match = /^(.*),pid=(\d+)$/.exec(target);
  if (match !== null) return [match[1]!, Number(match[2])];
  if (/,pid=/.test(target)) throw badTarget(request, target, 'a process number after pid=');
  return [target, -1];
}

/** `--attach PROG=PATH:FUNCTION[+OFFSET][,pid=N]`, for USDT `PATH:PROVIDER:NAME[,pid=N]`. */
export async function attachUserProbe(request: AttachRequest): Promise<Attachment> {
  const { native, handle, program } = request;
  const { kind, target: named } = splitSection(program.section);
  const isUsdt = kind.startsWith('usdt');
  const example = isUsdt ? '/usr/lib/libc.so.6:libc:setjmp' : '/bin/bash:readline';
  const target = needTarget(request, example, named);
  const to = `${kind} ${target}`;
  if (request.target === undefined) return linkOf(request, to, native.bpf.bpf_program__attach, handle.pointer);
  const [where, pid] = splitPid(request, target);
  if (isUsdt) {
    const match = /^(.+):([^:]+):([^:]+)$/.exec(where);
    if (match === null) throw badTarget(request, target, `PATH:PROVIDER:NAME (${example})`);
    const [, path, provider, name] = match;
    return linkOf(request, to, native.bpf.bpf_program__attach_usdt, handle.pointer, pid, path!, provider!, name!, null);
  }
  const match = /^(.+):([^:]+)$/.exec(where);
  if (match === null) throw badTarget(request, target, `PATH:FUNCTION (${example})`);
  const [, path, symbol] = match;
  const isOffset = /^(0x[0-9a-f]+|\d+)$/i.test(symbol!);
  const [, func, offset] = isOffset ? ['', '', symbol] : SYMBOL.exec(symbol!)!;
  const opts = nativeStruct(native, 40, [
    [0, 'u64', 40],
    [24, 'u32', kind.startsWith('uret') ? 1 : 0],
    [32, 'pointer', isOffset ? null : func!],
  ]);
  return linkOf(
    request,
    to,
    native.bpf.bpf_program__attach_uprobe_opts,
    handle.pointer,
    pid,
    path!,
    Number(offset ?? 0),
    opts,
  );
}

/** `--attach PROG=CATEGORY/NAME`, for raw tracepoints `NAME`. */
export async function attachTracepoint(request: AttachRequest): Promise<Attachment> {
  const { native, handle, program } = request;
  const { kind, target: named } = splitSection(program.section);
  const isRaw = kind.startsWith('raw');
  const target = needTarget(request, isRaw ? 'sys_enter' : 'syscalls/sys_enter_kill', named);
  if (isRaw) {
    const to = `raw tracepoint ${target}`;
    return linkOf(request, to, native.bpf.bpf_program__attach_raw_tracepoint, handle.pointer, target);
  }
  const match = /^([^/:]+)[/:]([^/:]+)$/.exec(target);
  if (match === null) throw badTarget(request, target, 'CATEGORY/NAME (syscalls/sys_enter_kill)');
  const [, category, name] = match;
  const to = `tracepoint ${category}/${name}`;
  return linkOf(request, to, native.bpf.bpf_program__attach_tracepoint, handle.pointer, category!, name!);
}

/** Type and config of `struct perf_event_attr`, by the names that `perf` uses. */
const PERF_EVENTS: ReadonlyMap<string, readonly [type: number, config: number]> = new Map([
  ['cpu-cycles', [0, 0]],
  ['instructions', [0, 1]],
  ['cache-references', [0, 2]],
  ['cache-misses', [0, 3]],
  ['branches', [0, 4]],
  ['branch-misses', [0, 5]],
  ['cpu-clock', [1, 0]],
  ['task-clock', [1, 1]],
  ['page-faults', [1, 2]],
  ['context-switches', [1, 3]],
  ['cpu-migrations', [1, 4]],
]);
const ATTR_SIZE = 112;
const SAMPLE_RAW = 0x400;
const FLAG_FREQ = 1 << 10;
const PERF_FLAG_FD_CLOEXEC = 8;
/** Errnos for an event that this machine does not have; virtual machines often lack the hardware's. */
const NO_SUCH_EVENT = new Set(['ENOENT', 'EOPNOTSUPP', 'ENODEV', 'EINVAL']);

function perfEventOpen(): number | undefined {
  return { x64: 298, arm64: 241, riscv64: 241, loong64: 241, ppc64: 319, s390x: 331 }[process.arch as string];
}

/** `--attach PROG=EVENT[@HERTZ]`; without it as the reference loader does: CPU cycles at 1 Hz, on every CPU that is online. */
export async function attachPerfEvent(request: AttachRequest): Promise<Attachment> {
  const { native, handle } = request;
  const [wanted = 'cpu-cycles', rate = '1'] = request.target?.split('@') ?? [];
  const event = PERF_EVENTS.get(wanted);
  if (event === undefined) throw badTarget(request, wanted, `one of ${[...PERF_EVENTS.keys()].join(', ')}`);
  const hertz = Number(rate);
  if (!Number.isInteger(hertz) || hertz < 1) throw badTarget(request, rate, 'a frequency in Hz');
  const to = `perf event ${wanted} at ${hertz} Hz`;
  const links: Pointer[] = [];
  const detach = () => {
    for (const link of links) native.bpf.bpf_link__destroy(link);
  };
  try {
    for (const cpu of await onlineCpus()) {
      let fd = openPerfEvent(request, event, hertz, cpu);
      if (fd < 0 && request.target === undefined && NO_SUCH_EVENT.has(lastErrno(native).name))
        fd = openPerfEvent(request, PERF_EVENTS.get('cpu-clock')!, hertz, cpu);
      if (fd < 0) throw await attachError(request, to, lastErrno(native));
      const link = native.bpf.bpf_program__attach_perf_event(handle.pointer, fd);
      if (link === null) {
        const errno = lastErrno(native);
        native.c.close(fd);
        throw await attachError(request, to, errno);
      }
      links.push(link);
    }
  } catch (error) {
    detach();
    throw error;
  }
  return attachment({ program: handle.name, to, linkFd: undefined }, detach, () =>
    Promise.all(links.map((link) => callAsync(native, native.bpf.bpf_link__destroy, link))),
  );
}

function openPerfEvent(
  request: AttachRequest,
  [type, config]: readonly [number, number],
  hertz: number,
  cpu: number,
): number {
  const { native } = request;
  const attr = nativeStruct(native, ATTR_SIZE, [
    [0, 'u32', type],
    [4, 'u32', ATTR_SIZE],
    [8, 'u64', config],
    [16, 'u64', hertz],
    [24, 'u64', SAMPLE_RAW],
    [40, 'u64', FLAG_FREQ],
  ]);
  const call = perfEventOpen();
  if (call === undefined) throw badTarget(request, process.arch, 'another architecture');
  return native.c.perf_event_open(call, attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
}

async function onlineCpus(): Promise<number[]> {
  const text = await readFile('/sys/devices/system/cpu/online', 'utf8').catch(() => '0');
  return text
    .trim()
    .split(',')
    .flatMap((range) => {
      const [first = 0, last = first] = range.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, i) => first + i);
    });
}

/** `--attach PROG=MAP` for iterators over the elements of a map; others need no target. */
export async function attachIter(request: AttachRequest): Promise<Attachment> {
  const { native, handle, object, program } = request;
  const { target: what } = splitSection(program.section);
  if (request.target === undefined && what !== 'bpf_map_elem' && what !== 'bpf_sk_storage_map')
    return linkOf(request, `iterator over ${what}`, native.bpf.bpf_program__attach, handle.pointer);
  const name = needTarget(request, 'MAP', onlyUserMap(request));
  const map = object.findMap(name);
  if (map === undefined) throw badTarget(request, name, `a map (${object.maps.map((one) => one.name).join(', ')})`);
  const info = Buffer.alloc(16);
  info.writeInt32LE(native.bpf.bpf_map__fd(map.pointer));
  const opts = nativeStruct(native, 24, [
    [0, 'u64', 24],
    [8, 'pointer', info],
    [16, 'u32', info.length],
  ]);
  const link = native.bpf.bpf_program__attach_iter(handle.pointer, opts);
  if (link === null) throw await attachError(request, `iterator over map ${name}`, lastErrno(native));
  return linkAttachment(native, handle.name, `iterator over map ${name}`, link);
}

/** The map that is meant when there is just one. */
function onlyUserMap({ native, object }: AttachRequest): string | undefined {
  const kinds = new Set(['hash', 'array', 'lru_hash', 'percpu_hash', 'percpu_array', 'lru_percpu_hash', 'sk_storage']);
  const maps = object.maps.filter(
    ({ internal, pointer }) => !internal && kinds.has(findMapTypeName(native.bpf.bpf_map__type(pointer)) ?? ''),
  );
  return maps.length === 1 ? maps[0]!.name : undefined;
}
