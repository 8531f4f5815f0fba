/**
 * Attaching one program: what its section says, what the package's extra keys add, and what the user gave as target. Each kind of
 * program has one function in `attach-*.ts`; here is which one.
 */
import { LoadError } from '../core/errors.ts';
import { attachCgroup, attachSockmap } from './attach-cgroup.ts';
import { attachFlowNetns, attachNetkit, attachSocket, attachTc, attachXdp } from './attach-net.ts';
import { attachIter, attachKernelProbe, attachPerfEvent, attachTracepoint, attachUserProbe } from './attach-probe.ts';
import { type Attachment, type AttachRequest, linkOf, splitSection } from './attachment.ts';

/**
 * @throws {LoadError} `LOAD_ATTACH` when the kernel refuses, `LOAD_ATTACH_TARGET` when the target is not there,
 * `LOAD_ATTACH_UNSUPPORTED` for programs that are not attached at all
 * @throws {UsageError} `USAGE_ATTACH_TARGET` when a target is needed and not given, or makes no sense
 */
export async function attach(request: AttachRequest): Promise<Attachment> {
  const { kind } = splitSection(request.program.section);
  const base = kind.replace(/\.s$/, '');
  const special = SPECIAL[base];
  if (special !== undefined) return special(request);
  if (
    request.program.definition?.programType.startsWith('cgroup') === true ||
    base === 'lsm_cgroup' ||
    base === 'sockops'
  )
    return attachCgroup(request);
  const reason = NOT_ATTACHED[base];
  if (reason !== undefined) {
    throw new LoadError('LOAD_ATTACH_UNSUPPORTED', `program ${request.handle.name}: ${reason}`, {
      details: { program: request.handle.name, section: request.program.section },
    });
  }
  return attachBySection(request);
}

type Attach = (request: AttachRequest) => Promise<Attachment>;

const SPECIAL: Readonly<Record<string, Attach>> = {
  __proto__: null as never,
  xdp: attachXdp,
  'xdp.frags': attachXdp,
  tc: attachTc,
  tcx: attachTc,
  classifier: attachTc,
  action: attachTc,
  netkit: attachNetkit,
  socket: attachSocket,
  sk_lookup: attachFlowNetns,
  flow_dissector: attachFlowNetns,
  sk_msg: attachSockmap,
  sk_skb: attachSockmap,
  perf_event: attachPerfEvent,
  kprobe: attachKernelProbe,
  kretprobe: attachKernelProbe,
  ksyscall: attachKernelProbe,
  kretsyscall: attachKernelProbe,
  'kprobe.multi': attachKernelProbe,
  'kretprobe.multi': attachKernelProbe,
  uprobe: attachUserProbe,
  uretprobe: attachUserProbe,
  usdt: attachUserProbe,
  tp: attachTracepoint,
  tracepoint: attachTracepoint,
  raw_tp: attachTracepoint,
  raw_tracepoint: attachTracepoint,
  iter: attachIter,
};

/** Programs that are loaded and then used in another way. */
const NOT_ATTACHED: Readonly<Record<string, string>> = {
  __proto__: null as never,
  syscall: 'a syscall program is run, not attached (`programs.NAME.run()` of the library)',
  struct_ops: 'it is attached with its struct_ops map',
  lwt_in: 'light-weight tunnel programs are attached to routes, with `ip route add … encap bpf`',
  lwt_out: 'light-weight tunnel programs are attached to routes, with `ip route add … encap bpf`',
  lwt_xmit: 'light-weight tunnel programs are attached to routes, with `ip route add … encap bpf`',
  lwt_seg6local: 'seg6local programs are attached to routes, with `ip route add … encap seg6local action End.BPF`',
  lirc_mode2: 'infrared decoders are attached to a /dev/lirc device, with `ir-keytable`',
  sk_reuseport: 'it is attached to sockets of the program that owns them, with SO_ATTACH_REUSEPORT_EBPF',
  netfilter: 'netfilter programs are not handled here yet',
  freplace: 'a replacement for a function of another program is not handled here yet',
};

/** What libbpf attaches by the section's name alone: fentry, fexit, fmod_ret, tp_btf, lsm. */
async function attachBySection(request: AttachRequest): Promise<Attachment> {
  const { native, handle, program } = request;
  return linkOf(request, program.section, native.bpf.bpf_program__attach, handle.pointer);
}
