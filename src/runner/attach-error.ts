/** Why a program could not be attached, and what would help: by what it was to be attached to and what the kernel said. */
import { access, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { LoadError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import type { AttachRequest } from './attachment.ts';
import { functionTable } from './functions.ts';
import type { Errno } from './native.ts';
import { explainRefusal, readPrivileges } from './privileges.ts';

/** libuv's name for errno 95, which is EOPNOTSUPP too. */
const NOT_SUPPORTED = 'ENOTSUP';

/** @param to  what it was to be attached to, in words */
export async function attachError(request: AttachRequest, to: string, errno: Errno): Promise<LoadError> {
  const { handle, program } = request;
  const { reason, hint, code } = await explain(request, to, errno);
  return new LoadError(code ?? 'LOAD_ATTACH', `program ${handle.name}: cannot be attached to ${to}: ${reason}`, {
    details: { program: handle.name, section: program.section, to, errno: errno.errno, errnoName: errno.name },
    ...(hint === undefined ? {} : { hint }),
  });
}

interface Explanation {
  readonly reason: string;
  readonly hint?: string | undefined;
  readonly code?: string;
}

async function explain(request: AttachRequest, to: string, { name }: Errno): Promise<Explanation> {
  const { program, native } = request;
  const section = program.section.replace(/^\?/, '');
  if (name === 'EPERM' || name === 'EACCES') {
    const { reason, hint } = explainRefusal(await readPrivileges(), [program.definition?.programType ?? '']);
    return { reason: `${name}, ${reason}`, hint };
  }
  if (/^k(ret)?(probe|syscall)/.test(section)) {
    const without = await noKprobes();
    if (without !== undefined) return without;
    const known = await missingName(to, await kernelFunctions(), 'kernel function');
    if (known !== undefined) return known;
  }
  if (/^(tp|tracepoint)\b/.test(section)) {
    const known = await missingName(to, await tracepoints(), 'tracepoint');
    if (known !== undefined) return known;
  }
  if (/^raw_(tp|tracepoint)/.test(section)) {
    const names = (await tracepoints()).map((one) => one.replace(/^.*\//, ''));
    const known = await missingName(to, names, 'tracepoint');
    if (known !== undefined) return known;
  }
  if (/^u(ret)?probe|^usdt/.test(section)) return userProbe(to, name);
  if (/^k(ret)?probe\.(multi|session)/.test(section) && (name === NOT_SUPPORTED || name === 'EINVAL')) {
    return {
      reason: `${name}, this kernel has no probes on many functions at once (CONFIG_FPROBE), or one of the functions cannot be traced`,
      hint: 'SEC("kprobe/FUNCTION") and SEC("fentry/FUNCTION") work on one function',
    };
  }
  if (/^(tc|classifier|action)\b/.test(section) && name === 'ENOENT')
    return { reason: 'the kernel has no clsact qdisc', hint: 'modprobe sch_ingress (CONFIG_NET_SCH_INGRESS)' };
  if (name === NOT_SUPPORTED && request.target === undefined && !/^(xdp|tcx?|netkit)\b/.test(section)) {
    return {
      reason: `libbpf ${native.libbpfVersion} does not attach SEC("${section}") by itself`,
      hint: `a newer libbpf may; or give a target: --attach ${request.handle.name}=TARGET`,
    };
  }
  const meaning = MEANINGS.get(name);
  return { reason: meaning === undefined ? name : `${name}, ${meaning.reason}`, hint: meaning?.hint };
}

const MEANINGS: ReadonlyMap<string, Explanation> = new Map([
  [NOT_SUPPORTED, { reason: 'the kernel or the device does not support this' }],
  ['EBUSY', { reason: 'another program is attached there', hint: 'see bpftool net, bpftool link; detach it first' }],
  ['EEXIST', { reason: 'another program is attached there', hint: 'see bpftool net, bpftool link; detach it first' }],
  ['ENOENT', { reason: 'there is nothing of that name' }],
  ['ENODEV', { reason: 'there is no such device' }],
  ['EINVAL', { reason: 'this kernel does not attach such programs in this way' }],
]);

async function missingName(to: string, names: readonly string[], what: string): Promise<Explanation | undefined> {
  const wanted = to.slice(to.lastIndexOf(' ') + 1).replace(/\+(0x)?[0-9a-f]+$/i, '');
  if (names.length === 0 || /[*?,]/.test(wanted) || names.includes(wanted)) return undefined;
  const close = nearest(wanted, names);
  return {
    code: 'LOAD_ATTACH_TARGET',
    reason: `this kernel has no ${what} ${wanted}`,
    ...didYouMean(close),
  };
}

async function noKprobes(): Promise<Explanation | undefined> {
  if (await exists('/sys/bus/event_source/devices/kprobe')) return undefined;
  if (await exists('/sys/kernel/tracing/kprobe_events')) return undefined;
  if (!(await exists('/sys/bus/event_source/devices'))) return undefined;
  return {
    reason: 'this kernel has no kprobes (it was built without CONFIG_KPROBES or CONFIG_KPROBE_EVENTS)',
    hint: 'SEC("fentry/FUNCTION") and tracepoints work without them',
  };
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

/** @param to  `uprobe PATH:FUNCTION`, `usdt PATH:PROVIDER:NAME` */
async function userProbe(to: string, name: string): Promise<Explanation> {
  const match = /^(\S+) ([^:]+):(.*?)(?:,pid=(\d+))?$/.exec(to);
  if (to.startsWith('usdt ') && name === NOT_SUPPORTED) {
    return {
      reason: `${name}, this kernel tells the probes of libraries and position-independent programs apart in one process only (Linux 5.15 in all)`,
      hint: 'name the process: PATH:PROVIDER:NAME,pid=N',
    };
  }
  // libbpf's own numbers are about the file
  if (match === null || !/^(ENOENT|EINVAL|ESRCH|LIBBPF_ERRNO__\w+|error \d+)$/.test(name)) return { reason: name };
  const [, kind, file, what, pid] = match as unknown as [string, string, string, string, string?];
  if (pid !== undefined && !(await exists(`/proc/${pid}`)))
    return { code: 'LOAD_ATTACH_TARGET', reason: `there is no process ${pid}` };
  const explanation = kind.startsWith('usdt') ? missingProbe(file, what) : await missingFunction(file, what);
  const known = file.includes('/') ? await missingFile(file) : undefined;
  return { code: 'LOAD_ATTACH_TARGET', ...(known ?? explanation) };
}

async function missingFile(file: string): Promise<Explanation | undefined> {
  if (await exists(file)) return undefined;
  const names = await readdir(path.dirname(file)).catch(() => []);
  const close = nearest(path.basename(file), names).map((one) => path.join(path.dirname(file), one));
  return { reason: `there is no file ${file}`, ...didYouMean(close) };
}

function missingProbe(file: string, probe: string): Explanation {
  return { reason: `${file} has no static probe ${probe}`, hint: `readelf -n ${file} lists those it has` };
}

/** Without a directory the file is a library, which libbpf looks for by itself. */
async function missingFunction(file: string, what: string): Promise<Explanation> {
  const wanted = what.replace(/\+(0x)?[0-9a-f]+$/i, '');
  const otherwise = {
    reason: 'the file or the function is not there, or cannot be probed',
    hint: 'check the path as this process sees it, and the symbol with: nm -D FILE; or give an offset: PATH:0x1234',
  };
  if (!file.includes('/')) return otherwise;
  try {
    const names = new Set(functionTable(await readFile(file)).names());
    if (names.has(wanted)) return otherwise;
    const close = nearest(wanted, names);
    const stripped = {
      hint: 'stripped files have only the functions that they export; or give an offset: PATH:0x1234',
    };
    return { reason: `${file} has no function ${wanted}`, ...(close.length > 0 ? didYouMean(close) : stripped) };
  } catch {
    return { reason: `${file} is no program that can be probed` };
  }
}

function didYouMean(close: readonly string[]): { readonly hint?: string } {
  return close.length === 0 ? {} : { hint: `did you mean ${close.join(' or ')}?` };
}

/** Functions that probes can be put on. */
export async function kernelFunctions(): Promise<string[]> {
  for (const path of ['/sys/kernel/tracing/available_filter_functions', '/proc/kallsyms']) {
    const text = await readFile(path, 'utf8').catch(() => '');
    if (text === '') continue;
    const names = path.endsWith('kallsyms') ? text.matchAll(/^\S+ [tTwW] (\S+)/gm) : text.matchAll(/^(\S+)/gm);
    return [...new Set([...names].map(([, name]) => name!))];
  }
  return [];
}

/** `category/name` of all tracepoints. */
export async function tracepoints(): Promise<string[]> {
  for (const root of ['/sys/kernel/tracing/events', '/sys/kernel/debug/tracing/events']) {
    const categories = await readdir(root, { withFileTypes: true }).catch(() => []);
    if (categories.length === 0) continue;
    const names: string[] = [];
    for (const category of categories) {
      if (!category.isDirectory()) continue;
      for (const event of await readdir(`${root}/${category.name}`, { withFileTypes: true }).catch(() => []))
        if (event.isDirectory()) names.push(`${category.name}/${event.name}`);
    }
    return names;
  }
  return [];
}

/** The same for a struct_ops map. */
export async function attachMapError(map: string, struct: string, errno: Errno): Promise<LoadError> {
  const busy = errno.name === 'EBUSY' || errno.name === 'EEXIST';
  const refused = errno.name === 'EPERM' ? explainRefusal(await readPrivileges(), ['struct_ops']) : undefined;
  return new LoadError(
    'LOAD_ATTACH',
    `struct_ops map ${map}: cannot be registered as ${struct}: ${refused?.reason ?? errno.name}`,
    {
      details: { map, struct, errno: errno.errno, errnoName: errno.name },
      ...(busy ? { hint: 'one of that name is registered already' } : {}),
      ...(refused === undefined ? {} : { hint: refused.hint }),
    },
  );
}
