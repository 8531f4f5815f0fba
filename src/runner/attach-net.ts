/** Programs on network interfaces, sockets and network namespaces: xdp, tc, tcx, netkit, socket filters, sk_lookup, flow_dissector. */
import { open, readdir, readFile } from 'node:fs/promises';
import { LoadError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import { attachError } from './attach-error.ts';
import {
  type Attachment,
  type AttachRequest,
  attachment,
  badTarget,
  fdAttachment,
  linkAttachment,
  splitSection,
} from './attachment.ts';
import { callAsync, errnoOf, lastErrno, nativeStruct } from './native.ts';
import { hasFilters } from './tc-filters.ts';

const AttachType = { xdp: 37, tcxIngress: 46, tcxEgress: 47, netkitPrimary: 54, netkitPeer: 55 } as const;
/** Bits of the loader's `flags` that say how an XDP program is run: driver, generic, offloaded. */
const XDP_MODES = 0b1110;
/** Where programs go when nobody says: the loopback interface. */
const LOOPBACK = 1;

interface Interface {
  readonly index: number;
  readonly name: string;
}

/** An interface by name or number. */
async function findInterface(request: AttachRequest, target: string): Promise<Interface> {
  const names = await readdir('/sys/class/net').catch(() => []);
  const all: Interface[] = [];
  for (const name of names) {
    const index = Number(await readFile(`/sys/class/net/${name}/ifindex`, 'utf8').catch(() => '0'));
    if (index > 0) all.push({ name, index });
  }
  const found = all.find(({ name, index }) => name === target || String(index) === target);
  if (found !== undefined) return found;
  // in a container without sysfs numbers still work
  if (/^[1-9]\d*$/.test(target) && all.length === 0) return { index: Number(target), name: `interface ${target}` };
  const close = nearest(target, names);
  throw new LoadError('LOAD_ATTACH_TARGET', `program ${request.handle.name}: there is no network interface ${target}`, {
    details: { program: request.handle.name, target },
    hint: `${close.length > 0 ? `did you mean ${close.join(' or ')}? ` : ''}interfaces here: ${names.join(', ')}`,
  });
}

function number(request: AttachRequest, value: unknown, name: string, otherwise: number): number {
  if (value === undefined || value === null) return otherwise;
  if (typeof value === 'number' && Number.isInteger(value)) return value;
  throw badTarget(request, `${name} in the package is ${JSON.stringify(value)}`, 'a whole number');
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

async function interfaceOf(request: AttachRequest, target: string | undefined, index: unknown): Promise<Interface> {
  return findInterface(request, target ?? String(number(request, index, 'ifindex', LOOPBACK)));
}

/** `--attach PROG=eth0`, or `ifindex`, `flags` and `xdpopts.old_prog_fd` of the package. A link where the kernel has them (5.9). */
export async function attachXdp(request: AttachRequest): Promise<Attachment> {
  const { native, handle, extras } = request;
  const device = await interfaceOf(request, request.target, extras.ifindex);
  const flags = number(request, extras.flags, 'flags', 0);
  const fd = native.bpf.bpf_program__fd(handle.pointer);
  const to = `xdp on ${device.name}`;
  const link = linkCreate(request, device.index, AttachType.xdp, flags & XDP_MODES);
  if (link >= 0) return fdAttachment(native, handle.name, to, link);
  if (errnoOf(link).name !== 'EINVAL') throw await attachError(request, to, errnoOf(link));

  const oldFd = number(request, record(extras.xdpopts).old_prog_fd, 'xdpopts.old_prog_fd', 0);
  const opts = nativeStruct(native, 16, [
    [0, 'u64', 16],
    [8, 'i32', oldFd],
  ]);
  const result = native.bpf.bpf_xdp_attach(device.index, fd, flags, opts);
  if (result < 0) throw await attachError(request, to, errnoOf(result));
  return attachment({ program: handle.name, to, linkFd: undefined }, () =>
    native.bpf.bpf_xdp_detach(device.index, flags & XDP_MODES, null),
  );
}

/** A link that libbpf has no function for, or options that its function does not take. A negative errno on failure. */
function linkCreate(request: AttachRequest, target: number, type: number, flags: number): number {
  const { native, handle } = request;
  const opts = nativeStruct(native, 16, [
    [0, 'u64', 16],
    [8, 'u32', flags],
  ]);
  return native.bpf.bpf_link_create(native.bpf.bpf_program__fd(handle.pointer), target, type, opts);
}

const TC_POINTS: Readonly<Record<string, number>> = {
  __proto__: null as never,
  BPF_TC_INGRESS: 1,
  BPF_TC_EGRESS: 2,
  BPF_TC_CUSTOM: 4,
};

/** `--attach PROG=eth0` or `eth0:egress`; `tchook` and `tcopts` of the package. Sections `tcx/…` use links (Linux 6.6). */
export async function attachTc(request: AttachRequest): Promise<Attachment> {
  const { native, handle, program, extras } = request;
  const hook = record(extras.tchook);
  const [device, direction] = await tcTarget(request, hook);
  const { kind } = splitSection(program.section);
  const to = `${kind} ${direction === 2 ? 'egress' : 'ingress'} on ${device.name}`;
  if (program.definition?.attachType?.startsWith('tcx') === true) {
    const type = direction === 2 ? AttachType.tcxEgress : AttachType.tcxIngress;
    const link = linkCreate(request, device.index, type, 0);
    if (link >= 0) return fdAttachment(native, handle.name, to, link);
    // libbpf's own sections tc/ingress and tc/egress mean tcx, but such programs may also run where there is none
    if (kind === 'tcx' || errnoOf(link).name !== 'EINVAL') throw await attachError(request, to, errnoOf(link));
  }
  const opts = record(extras.tcopts);
  const point = nativeStruct(native, 24, [
    [0, 'u64', 24],
    [8, 'i32', device.index],
    [12, 'u32', direction],
  ]);
  const created = native.bpf.bpf_tc_hook_create(point);
  if (created < 0 && errnoOf(created).name !== 'EEXIST') throw await attachError(request, to, errnoOf(created));
  const handleNumber = number(request, opts.handle, 'tcopts.handle', 1);
  const priority = number(request, opts.priority, 'tcopts.priority', 1);
  const attach = nativeStruct(native, 32, [
    [0, 'u64', 32],
    [8, 'i32', native.bpf.bpf_program__fd(handle.pointer)],
    [20, 'u32', handleNumber],
    [24, 'u32', priority],
  ]);
  if (created === 0) native.ownHooks.add(device.index);
  const removeHook = () => {
    // of other programs, of this process and of others, none may be left
    if (!native.ownHooks.has(device.index) || hasFilters(native, device.index)) return;
    native.bpf.bpf_tc_hook_destroy(bothDirections(point));
    native.ownHooks.delete(device.index);
  };
  const result = native.bpf.bpf_tc_attach(point, attach);
  if (result < 0) {
    removeHook();
    throw await attachError(request, to, errnoOf(result));
  }
  return attachment({ program: handle.name, to, linkFd: undefined }, () => {
    const which = nativeStruct(native, 32, [
      [0, 'u64', 32],
      [20, 'u32', handleNumber],
      [24, 'u32', priority],
    ]);
    native.bpf.bpf_tc_detach(point, which);
    removeHook();
  });
}

/** libbpf removes the qdisc of a hook, and not only its filters, when both directions are asked for. */
function bothDirections(hook: Uint8Array): Uint8Array {
  const both = Buffer.from(hook);
  both.writeUInt32LE(3, 12);
  return both;
}

async function tcTarget(
  request: AttachRequest,
  hook: Readonly<Record<string, unknown>>,
): Promise<[device: Interface, direction: number]> {
  const [name, way] = request.target?.split(':') ?? [];
  const { target: suffix } = splitSection(request.program.section);
  const device = await interfaceOf(request, name, hook.ifindex);
  const wanted = way ?? (hook.attach_point === undefined ? suffix : undefined);
  if (wanted === 'ingress') return [device, 1];
  if (wanted === 'egress') return [device, 2];
  if (way !== undefined) throw badTarget(request, way, 'ingress or egress');
  const point = hook.attach_point ?? 'BPF_TC_INGRESS';
  const direction = TC_POINTS[String(point)];
  if (direction === undefined)
    throw badTarget(request, String(point), 'tchook.attach_point BPF_TC_INGRESS, BPF_TC_EGRESS or BPF_TC_CUSTOM');
  return [device, direction];
}

export async function attachNetkit(request: AttachRequest): Promise<Attachment> {
  const { native, handle, program, extras } = request;
  const device = await interfaceOf(request, request.target, extras.ifindex);
  const peer = splitSection(program.section).target === 'peer';
  const to = `netkit ${peer ? 'peer' : 'primary'} of ${device.name}`;
  const link = linkCreate(request, device.index, peer ? AttachType.netkitPeer : AttachType.netkitPrimary, 0);
  if (link < 0) throw await attachError(request, to, errnoOf(link));
  return fdAttachment(native, handle.name, to, link);
}

const AF_PACKET = 17;
const SOCK_RAW_CLOEXEC_NONBLOCK = 3 | 0o2000000 | 0o4000;
const ETH_P_ALL = 3;
const SOL_SOCKET = 1;
const SO_ATTACH_BPF = 50;

/** A raw socket on one interface that sees all its packets, with the program as its filter. */
export async function attachSocket(request: AttachRequest): Promise<Attachment> {
  const { native, handle, extras } = request;
  const device = await interfaceOf(request, request.target, extras.ifindex);
  const to = `socket filter on ${device.name}`;
  const protocol = ETH_P_ALL << 8; // network byte order
  const socket = native.c.socket(AF_PACKET, SOCK_RAW_CLOEXEC_NONBLOCK, protocol);
  if (socket < 0) throw await attachError(request, to, lastErrno(native));
  const address = Buffer.alloc(20);
  address.writeUInt16LE(AF_PACKET, 0);
  address.writeUInt16LE(protocol, 2);
  address.writeInt32LE(device.index, 4);
  const program = Buffer.alloc(4);
  program.writeInt32LE(native.bpf.bpf_program__fd(handle.pointer));
  const failed =
    native.c.bind(socket, address, address.length) !== 0 ||
    native.c.setsockopt(socket, SOL_SOCKET, SO_ATTACH_BPF, program, program.length) !== 0;
  if (failed) {
    const errno = lastErrno(native);
    native.c.close(socket);
    throw await attachError(request, to, errno);
  }
  return fdAttachment(native, handle.name, to, socket);
}

/** sk_lookup and flow_dissector: on a network namespace, this process's unless `--attach PROG=/run/netns/NAME`. */
export async function attachFlowNetns(request: AttachRequest): Promise<Attachment> {
  const { native, handle } = request;
  const path = request.target ?? '/proc/self/ns/net';
  const file = await open(path).catch((cause: unknown) => {
    throw new LoadError(
      'LOAD_ATTACH_TARGET',
      `program ${handle.name}: network namespace ${path} cannot be opened: ${(cause as NodeJS.ErrnoException).code}`,
      {
        hint: 'ip netns list names those that there are; --attach PROGRAM=/run/netns/NAME',
        cause,
      },
    );
  });
  try {
    const to = `network namespace ${path}`;
    const { result, errno } = await callAsync(native, native.bpf.bpf_program__attach_netns, handle.pointer, file.fd);
    if (result === null) throw await attachError(request, to, errno);
    return linkAttachment(native, handle.name, to, result);
  } finally {
    await file.close();
  }
}
