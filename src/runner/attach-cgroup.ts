/** Programs on control groups (cgroup/*, cgroup_skb, sockops, lsm_cgroup) and on socket maps (sk_msg, sk_skb). */
import { open, readFile } from 'node:fs/promises';
import { LoadError } from '../core/errors.ts';
import { findMapTypeName } from '../object/map-types.ts';
import { attachError } from './attach-error.ts';
import {
  type Attachment,
  type AttachRequest,
  attachment,
  badTarget,
  linkAttachment,
  needTarget,
} from './attachment.ts';
import { callAsync, errnoOf } from './native.ts';

/** `--attach PROG=/sys/fs/cgroup/…`. There is no default: such programs decide what the processes in the group may do. */
export async function attachCgroup(request: AttachRequest): Promise<Attachment> {
  const { native, handle } = request;
  const mount = await cgroupMount();
  const path = needTarget(request, mount ?? '/sys/fs/cgroup', undefined);
  const directory = await open(path, 'r').catch((cause: unknown) => {
    throw new LoadError('LOAD_ATTACH_TARGET', `program ${handle.name}: control group ${path} cannot be opened`, {
      details: { program: handle.name, target: path },
      ...(mount === undefined ? {} : { hint: `control groups (version 2) are below ${mount}` }),
      cause,
    });
  });
  try {
    const to = `control group ${path}`;
    const { result, errno } = await callAsync(
      native,
      native.bpf.bpf_program__attach_cgroup,
      handle.pointer,
      directory.fd,
    );
    if (result === null) throw await attachError(request, to, errno);
    return linkAttachment(native, handle.name, to, result);
  } finally {
    await directory.close();
  }
}

/** Where version 2 of control groups is mounted. */
export async function cgroupMount(): Promise<string | undefined> {
  const mounts = await readFile('/proc/self/mounts', 'utf8').catch(() => '');
  return mounts
    .split('\n')
    .map((line) => line.split(' '))
    .find(([, , type]) => type === 'cgroup2')?.[1];
}

/** `--attach PROG=MAP`; without it the only socket map that there is. */
export async function attachSockmap(request: AttachRequest): Promise<Attachment> {
  const { native, handle, object } = request;
  const sockmaps = object.maps.filter(({ pointer }) => {
    const type = findMapTypeName(native.bpf.bpf_map__type(pointer));
    return type === 'sockmap' || type === 'sockhash';
  });
  const only = sockmaps.length === 1 ? sockmaps[0]!.name : undefined;
  const name = needTarget(request, 'MAP', only);
  const map = sockmaps.find((one) => one.name === name);
  if (map === undefined)
    throw badTarget(request, name, `a map of sockets (${sockmaps.map((one) => one.name).join(', ')})`);
  const to = `socket map ${name}`;
  const program = native.bpf.bpf_program__fd(handle.pointer);
  const type = native.bpf.bpf_program__expected_attach_type(handle.pointer);
  const mapFd = native.bpf.bpf_map__fd(map.pointer);
  const result = native.bpf.bpf_prog_attach(program, mapFd, type, 0);
  if (result < 0) throw await attachError(request, to, errnoOf(result));
  return attachment({ program: handle.name, to, linkFd: undefined }, () =>
    native.bpf.bpf_prog_detach2(program, mapFd, type),
  );
}
