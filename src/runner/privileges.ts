/**
 * What this process may do, and what stands in the way when the kernel refuses: capabilities, the lockdown mode, sysctls. Read
 * after a refusal, to say which of them it was.
 *
 * @see capabilities(7), kernel_lockdown(7)
 */
import { readFile } from 'node:fs/promises';
import os from 'node:os';

export type Capability = 'CAP_NET_ADMIN' | 'CAP_SYS_ADMIN' | 'CAP_SYS_RESOURCE' | 'CAP_PERFMON' | 'CAP_BPF';

const BITS: Readonly<Record<Capability, bigint>> = {
  CAP_NET_ADMIN: 12n,
  CAP_SYS_ADMIN: 21n,
  CAP_SYS_RESOURCE: 24n,
  CAP_PERFMON: 38n,
  CAP_BPF: 39n,
};

export interface Privileges {
  readonly uid: number;
  has(capability: Capability): boolean;
  /** `none`, `integrity` or `confidentiality`; `undefined` where the kernel does not say. */
  readonly lockdown: string | undefined;
  /** In a user namespace of its own, where capabilities do not count for BPF. */
  readonly userNamespace: boolean;
  /** Bytes that may be locked in memory, where the kernel counts maps and programs as such (before Linux 5.11). */
  readonly memlockLimit: number | undefined;
}

export async function readPrivileges(): Promise<Privileges> {
  const [status, lockdown, uidMap, limits] = await Promise.all([
    read('/proc/self/status'),
    read('/sys/kernel/security/lockdown'),
    read('/proc/self/uid_map'),
    read('/proc/self/limits'),
  ]);
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`);
  return {
    uid: process.geteuid?.() ?? -1,
    has: (capability) => ((effective >> BITS[capability]) & 1n) === 1n,
    lockdown: /\[(\w+)\]/.exec(lockdown)?.[1],
    userNamespace: uidMap.trim() !== '' && !/^\s*0\s+0\s+4294967295\s*$/.test(uidMap),
    memlockLimit: isOlder(os.release(), '5.11') ? memlockLimit(limits) : undefined,
  };
}

/** @param release  `5.10.0-32-amd64` @param version  `5.11` */
export function isOlder(release: string, version: string): boolean {
  const [major = 0, minor = 0] = release.split('.').map((part) => Number.parseInt(part, 10));
  const [wantedMajor = 0, wantedMinor = 0] = version.split('.').map(Number);
  return major < wantedMajor || (major === wantedMajor && minor < wantedMinor);
}

function memlockLimit(limits: string): number | undefined {
  const bytes = /^Max locked memory\s+(\d+)/m.exec(limits)?.[1];
  return bytes === undefined ? undefined : Number(bytes);
}

function read(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}

/** Program types (by the kernel's name) that are about tracing and need CAP_PERFMON, and about the network and need CAP_NET_ADMIN. */
const TRACING = /^(kprobe|tracepoint|perf_event|raw_tracepoint|tracing|lsm|ext)/;
const NETWORK = /^(sched|xdp|cgroup|lwt|sock_ops|sk_|flow_dissector|netfilter)/;

/** Capabilities that programs of these types need and this process lacks. CAP_SYS_ADMIN stands for all but CAP_NET_ADMIN. */
export function missingCapabilities(privileges: Privileges, programTypes: readonly string[]): Capability[] {
  const needed = new Set<Capability>(['CAP_BPF']);
  for (const type of programTypes) {
    if (TRACING.test(type)) needed.add('CAP_PERFMON');
    if (NETWORK.test(type)) needed.add('CAP_NET_ADMIN');
  }
  return [...needed].filter((capability) => {
    if (privileges.has(capability)) return false;
    return capability === 'CAP_NET_ADMIN' || !privileges.has('CAP_SYS_ADMIN');
  });
}

/** Why the kernel said EPERM, in a sentence, and what to do about it. */
export function explainRefusal(
  privileges: Privileges,
  programTypes: readonly string[],
): { readonly reason: string; readonly hint: string; readonly missing: readonly Capability[] } {
  const missing = missingCapabilities(privileges, programTypes);
  if (missing.length > 0) {
    const who = privileges.uid === 0 ? 'root, but without' : `user ${privileges.uid}, without`;
    return {
      missing,
      reason: `this process runs as ${who} ${missing.join(' and ')}`,
      hint:
        privileges.uid === 0
          ? 'in a container: docker run --privileged, or --cap-add for each of them'
          : `run it with sudo, or give node the capabilities: setcap ${missing.map((name) => name.toLowerCase()).join(',')}+ep`,
    };
  }
  if (privileges.userNamespace) {
    return {
      missing,
      reason: 'this process is in a user namespace, where its capabilities do not count for BPF',
      hint: 'run it as root of the machine (rootless containers cannot load programs)',
    };
  }
  if (privileges.lockdown !== undefined && privileges.lockdown !== 'none') {
    return {
      missing,
      reason: `the kernel is locked down (${privileges.lockdown})`,
      hint: 'lockdown comes with secure boot; in confidentiality mode no program may read kernel memory',
    };
  }
  if (privileges.memlockLimit !== undefined && !privileges.has('CAP_SYS_RESOURCE')) {
    return {
      missing,
      reason: `no more than ${privileges.memlockLimit} bytes may be locked in memory, which this kernel counts maps and programs as`,
      hint: 'ulimit -l unlimited',
    };
  }
  return {
    missing,
    reason: 'the capabilities are there, so a security module or a seccomp filter refused it',
    hint: 'look for denials in the audit log (SELinux, AppArmor), or for the seccomp profile of the container',
  };
}
