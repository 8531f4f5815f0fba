import { describe, expect, test } from 'vitest';
import { type Capability, explainRefusal, isOlder, missingCapabilities, type Privileges } from './privileges.ts';

function privileges(capabilities: readonly Capability[], rest: Partial<Privileges> = {}): Privileges {
  return {
    uid: 1000,
    has: (capability) => capabilities.includes(capability),
    lockdown: 'none',
    userNamespace: false,
    memlockLimit: undefined,
    ...rest,
  };
}

describe('what is missing', () => {
  test('by the types of the programs', () => {
    expect(missingCapabilities(privileges([]), ['tracepoint'])).toEqual(['CAP_BPF', 'CAP_PERFMON']);
    expect(missingCapabilities(privileges(['CAP_BPF']), ['xdp'])).toEqual(['CAP_NET_ADMIN']);
    expect(missingCapabilities(privileges(['CAP_BPF', 'CAP_PERFMON']), ['kprobe'])).toEqual([]);
  });

  test('CAP_SYS_ADMIN stands for all but CAP_NET_ADMIN', () => {
    expect(missingCapabilities(privileges(['CAP_SYS_ADMIN']), ['kprobe', 'sched_cls'])).toEqual(['CAP_NET_ADMIN']);
  });
});

describe('why it was refused, in this order', () => {
  const all: Capability[] = ['CAP_BPF', 'CAP_PERFMON', 'CAP_SYS_ADMIN', 'CAP_NET_ADMIN'];
  test.each([
    ['a user', privileges([]), /user 1000, without CAP_BPF/, /sudo/],
    ['root in a container', privileges([], { uid: 0 }), /root, but without CAP_BPF/, /--cap-add/],
    ['a user namespace', privileges(all, { userNamespace: true }), /user namespace/, /root of the machine/],
    ['lockdown', privileges(all, { lockdown: 'confidentiality' }), /locked down \(confidentiality\)/, /secure boot/],
    ['RLIMIT_MEMLOCK', privileges(all, { memlockLimit: 65536 }), /65536 bytes/, /ulimit -l/],
    ['a security module', privileges(all), /security module/, /audit log/],
  ])('%s', (_, having, reason, hint) => {
    const found = explainRefusal(having, ['kprobe']);
    expect(found.reason).toMatch(reason);
    expect(found.hint).toMatch(hint);
  });
});

test('versions of kernels', () => {
  expect(isOlder('5.10.0-32-amd64', '5.11')).toBe(true);
  expect(isOlder('5.11.1', '5.11')).toBe(false);
  expect(isOlder('6.1.0', '5.11')).toBe(false);
  expect(isOlder('4.19', '5.2')).toBe(true);
});
