/**
 * What the manifest cannot say about putting a fixture to work: rules that its maps need before the workload, a workload that fits
 * them, and what its maps and programs must hold afterwards. The numbers are those of the workload.
 */
import { type FileHandle, open } from 'node:fs/promises';
import net from 'node:net';
import type { LoadedPackage } from 'ebpf-ecc/runner';

export interface Seen {
  readonly bpf: LoadedPackage;
  /** Decoded events by map. */
  readonly events: ReadonlyMap<string, readonly Record<string, unknown>[]>;
  /** The control group of the workload. */
  readonly cgroup: string | undefined;
}

export interface Scenario {
  /** Values of `const volatile` variables. */
  readonly rodata?: Readonly<Record<string, unknown>>;
  /** Instead of the manifest's. */
  readonly workload?: string;
  /** Before the workload; what it returns is called at the end. */
  readonly prepare?: (bpf: LoadedPackage) => Promise<() => Promise<void>> | undefined;
  /** What should be there and is not, a sentence each. */
  readonly missing: (seen: Seen) => string[] | Promise<string[]>;
}

const UDP_PORT = 9999;
const THREE_DATAGRAMS = `bash -c 'for i in 1 2 3; do echo x > /dev/udp/127.0.0.1/${UDP_PORT}; done'`;
const IN_CGROUP = 'echo $$ > "$CGROUP/cgroup.procs"; ';
const IPPROTO_UDP = 17;
const STAGE_UDP = 2;
const SYS_GETPGID = process.arch === 'arm64' ? 155 : 121;
/** A connection over the loopback interface: `$c` is the client, `$a` the server. */
const CONNECTION =
  'use IO::Socket::INET; my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1") or die; ' +
  'my $c = IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $s->sockport) or die; ' +
  'my $a = $s->accept; $c->autoflush(1); ';

/** Network order of a 16-bit number, as a program reads it on a little-endian machine. */
function htons(value: number): number {
  return ((value & 0xff) << 8) | (value >> 8);
}

function atLeast(what: string, value: unknown, minimum: number): string[] {
  return Number(value) >= minimum ? [] : [`${what} is ${value}, at least ${minimum} expected`];
}

function members(value: unknown): Record<string, unknown> {
  return (value ?? {}) as Record<string, unknown>;
}

/** Adds up a member over the CPUs. */
function overCpus(values: unknown, member: string): number {
  return ((values ?? []) as unknown[]).reduce((total: number, one) => total + Number(members(one)[member]), 0);
}

function event({ events }: Seen, map: string, wanted: Readonly<Record<string, unknown>>): string[] {
  const all = events.get(map) ?? [];
  const found = all.some((one) => Object.entries(wanted).every(([name, value]) => String(one[name]) === String(value)));
  return found ? [] : [`no event ${JSON.stringify(wanted)} among the ${all.length} of ${map}`];
}

export const SCENARIOS: ReadonlyMap<string, Scenario> = new Map<string, Scenario>([
  [
    'sysrate',
    {
      workload: 'perl -e "getpgrp(0) for 1..200"',
      missing: ({ bpf }) => atLeast('calls of getpgid', overCpus(bpf.maps.by_number!.get(SYS_GETPGID), 'calls'), 200),
    },
  ],
  [
    'lsmaudit',
    {
      prepare(bpf) {
        bpf.maps.protected_dirs!.set('tmp', 1);
        return undefined;
      },
      missing: (seen) => event(seen, 'decisions', { comm: 'mkdir', parent: 'tmp', verdict: 0 }),
    },
  ],
  [
    'xdpcount',
    {
      missing: ({ bpf }) => atLeast('UDP packets', overCpus(bpf.maps.by_protocol!.get(IPPROTO_UDP), 'packets'), 3),
    },
  ],
  [
    'tcmark',
    {
      prepare(bpf) {
        bpf.maps.rules!.set(htons(UDP_PORT), { mark: 7, drop: 0, reserved: [0, 0, 0] });
        return undefined;
      },
      missing: ({ bpf }) => atLeast('marked', bpf.global('marked'), 3),
    },
  ],
  [
    'rttwatch',
    {
      // the connection stays open until the maps have been looked at: a program of the fixture forgets closed ones
      workload: `${IN_CGROUP}perl -e '${CONNECTION}print $c "hello"; sysread $a, my $b, 5; fork and exit; close STDOUT; close STDERR; select undef, undef, undef, 0.8'`,
      missing({ bpf }) {
        const all = [...bpf.maps.flows!].map(([, value]) => members(value));
        return [
          ...atLeast('ends of connections', all.length, 2),
          ...atLeast(
            'round trips measured',
            all.reduce((total, { samples }) => total + Number(samples), 0),
            1,
          ),
        ];
      },
    },
  ],
  [
    'cgegress',
    {
      missing({ bpf }) {
        const volumes = [...bpf.maps.volumes!].map(([, value]) => members(value));
        const sent = volumes.reduce((total, { packets }) => total + Number((packets as ArrayLike<unknown>)[1]), 0);
        return atLeast('packets sent', sent, 3);
      },
    },
  ],
  [
    'cgguard',
    {
      rodata: { lowest_port: 1024 },
      workload: `${IN_CGROUP}bash -c 'echo x > /dev/tcp/127.0.0.1/80' 2>/dev/null; true`,
      missing({ events }) {
        const ports = (events.get('refusals') ?? []).map(({ to }) => members(to).port);
        return ports.includes(htons(80)) ? [] : [`port 80 is not among those refused: ${ports.join(', ')}`];
      },
    },
  ],
  [
    'cgdevice',
    {
      missing({ bpf }) {
        const denied = members(bpf.maps.denials!.pop());
        return denied.major === 1 && denied.minor === 7 ? [] : [`denied is ${JSON.stringify(denied)}, not /dev/full`];
      },
    },
  ],
  [
    'tcpsteady',
    {
      workload: `perl -e '${CONNECTION.replace('my $a', 'setsockopt($c, 6, 13, "bpf_steady") or die; my $a')}print $c "x"'`,
      missing: ({ bpf }) => atLeast('connections', bpf.global('connections'), 1),
    },
  ],
  [
    'msgredirect',
    {
      workload: `${IN_CGROUP}perl -e '${CONNECTION}syswrite $c, "hello"; sysread $a, my $b, 5; die if $b ne "hello"'`,
      missing: ({ bpf }) => atLeast('redirected', bpf.global('redirected'), 1),
    },
  ],
  [
    'portfilter',
    {
      workload: THREE_DATAGRAMS,
      missing: (seen) => event(seen, 'datagrams', { to_port: UDP_PORT, length: 10 }),
    },
  ],
  [
    'sysprog',
    {
      async missing({ bpf }) {
        const context = Buffer.alloc(24);
        context.writeUInt32LE(3, 0);
        context.writeUInt32LE(2, 4);
        context.writeBigUInt64LE(700n, 8);
        await bpf.programs.fill!.run({ context });
        const slots = [3, 4].map((index) => bpf.maps.slots!.get(index));
        return String(slots) === '700,701' ? [] : [`slots are ${slots}`];
      },
    },
  ],
  [
    'lookupsteer',
    {
      // nobody listens on port 8123: the program hands the connection to this server
      async prepare(bpf) {
        const server = net.createServer((socket) => socket.end('steered'));
        await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
        const { _handle: handle } = server as unknown as { _handle: { fd: number } };
        bpf.maps.listener!.set(0, BigInt(handle.fd));
        return () => new Promise((resolve) => server.close(() => resolve()));
      },
      missing: () =>
        new Promise((resolve) => {
          let text = '';
          net
            .connect(8123, '127.0.0.1')
            .on('data', (chunk) => {
              text += chunk;
            })
            .on('error', (error) => resolve([`port 8123: ${error.message}`]))
            .on('end', () => resolve(text === 'steered' ? [] : [`port 8123 says ${text}`]));
        }),
    },
  ],
  [
    'firewall',
    {
      prepare(bpf) {
        const LOG_AND_PASS = 2;
        bpf.maps.rules4!.set({ bits: 8, addr: [127, 0, 0, 0] }, { action: LOG_AND_PASS, id: 42, hits: 0n });
        bpf.maps.suspects!.push(127 | (0 << 8));
        return undefined;
      },
      missing: (seen) => event(seen, 'hits', { rule_id: 42, v6: false }),
    },
  ],
  [
    'tailcalls',
    {
      missing: ({ bpf }) => atLeast('packets at the stage of UDP', bpf.maps.reached!.get(STAGE_UDP), 3),
    },
  ],
  [
    'subprogs',
    {
      missing({ bpf }) {
        const stats = members(bpf.maps.stats!.get(0));
        return [...atLeast('reads', stats.calls, 1), ...atLeast('bytes asked for', stats.bytes, 1)];
      },
    },
  ],
  [
    'localstorage',
    {
      async missing({ bpf, cgroup }) {
        const directory: FileHandle = await open(cgroup!, 'r');
        try {
          return atLeast('forks in the control group', bpf.maps.by_cgroup!.get(directory.fd) ?? 0, 1);
        } finally {
          await directory.close();
        }
      },
    },
  ],
  [
    'uringreq',
    {
      workload: `UV_USE_IO_URING=1 '${process.execPath}' -e 'require("fs").promises.stat("/")'`,
      missing: (seen) => [
        ...event(seen, 'requests', { comm: 'node' }),
        ...atLeast(
          'requests',
          (seen.bpf.global('by_opcode') as bigint[]).reduce((a, b) => a + b, 0n),
          1,
        ),
      ],
    },
  ],
]);
