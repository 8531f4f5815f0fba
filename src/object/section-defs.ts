/**
 * What the name of a program's section means: program type, expected attach type, and how much follows the name. The rules are
 * libbpf's (its documentation of program types and ELF sections); the numbers are the kernel's.
 *
 * @see https://docs.kernel.org/bpf/libbpf/program_types.html; include/uapi/linux/bpf.h
 */

/** `enum bpf_prog_type` by number, without the prefix, in lower case. */
export const PROGRAM_TYPE_NAMES = [
  'unspec',
  'socket_filter',
  'kprobe',
  'sched_cls',
  'sched_act',
  'tracepoint',
  'xdp',
  'perf_event',
  'cgroup_skb',
  'cgroup_sock',
  'lwt_in',
  'lwt_out',
  'lwt_xmit',
  'sock_ops',
  'sk_skb',
  'cgroup_device',
  'sk_msg',
  'raw_tracepoint',
  'cgroup_sock_addr',
  'lwt_seg6local',
  'lirc_mode2',
  'sk_reuseport',
  'flow_dissector',
  'cgroup_sysctl',
  'raw_tracepoint_writable',
  'cgroup_sockopt',
  'tracing',
  'struct_ops',
  'ext',
  'lsm',
  'sk_lookup',
  'syscall',
  'netfilter',
] as const;
export type ProgramTypeName = (typeof PROGRAM_TYPE_NAMES)[number];

/** `enum bpf_attach_type` by number, without the prefix, in lower case. */
export const ATTACH_TYPE_NAMES = [
  'cgroup_inet_ingress',
  'cgroup_inet_egress',
  'cgroup_inet_sock_create',
  'cgroup_sock_ops',
  'sk_skb_stream_parser',
  'sk_skb_stream_verdict',
  'cgroup_device',
  'sk_msg_verdict',
  'cgroup_inet4_bind',
  'cgroup_inet6_bind',
  'cgroup_inet4_connect',
  'cgroup_inet6_connect',
  'cgroup_inet4_post_bind',
  'cgroup_inet6_post_bind',
  'cgroup_udp4_sendmsg',
  'cgroup_udp6_sendmsg',
  'lirc_mode2',
  'flow_dissector',
  'cgroup_sysctl',
  'cgroup_udp4_recvmsg',
  'cgroup_udp6_recvmsg',
  'cgroup_getsockopt',
  'cgroup_setsockopt',
  'trace_raw_tp',
  'trace_fentry',
  'trace_fexit',
  'modify_return',
  'lsm_mac',
  'trace_iter',
  'cgroup_inet4_getpeername',
  'cgroup_inet6_getpeername',
  'cgroup_inet4_getsockname',
  'cgroup_inet6_getsockname',
  'xdp_devmap',
  'cgroup_inet_sock_release',
  'xdp_cpumap',
  'sk_lookup',
  'xdp',
  'sk_skb_verdict',
  'sk_reuseport_select',
  'sk_reuseport_select_or_migrate',
  'perf_event',
  'trace_kprobe_multi',
  'lsm_cgroup',
  'struct_ops',
  'netfilter',
  'tcx_ingress',
  'tcx_egress',
  'trace_uprobe_multi',
  'cgroup_unix_connect',
  'cgroup_unix_sendmsg',
  'cgroup_unix_recvmsg',
  'cgroup_unix_getpeername',
  'cgroup_unix_getsockname',
  'netkit_primary',
  'netkit_peer',
  'trace_kprobe_session',
  'trace_uprobe_session',
] as const;
export type AttachTypeName = (typeof ATTACH_TYPE_NAMES)[number];

export interface SectionDefinition {
  /** The section's name, without what may follow it. */
  readonly section: string;
  readonly programType: ProgramTypeName;
  /** The attach type that the kernel is told at load; `undefined` when it is told none. */
  readonly attachType: AttachTypeName | undefined;
  /** `/target` may follow the name (`kprobe/do_unlinkat`). */
  readonly takesTarget: boolean;
  /** The program is loaded as sleepable. */
  readonly sleepable: boolean;
  /** A loader can attach the program with nothing more than the section's name and target (`bpf_program__attach()`). */
  readonly autoAttach: boolean;
}

type Options = 'target' | 'sleepable' | 'auto';
type Row = readonly [
  section: string,
  type: ProgramTypeName,
  attach?: AttachTypeName | undefined,
  ...options: Options[],
];

/** More special names come before the general ones only for the reader: names are compared whole. */
const ROWS: readonly Row[] = [
  ['socket', 'socket_filter'],
  ['sk_reuseport/migrate', 'sk_reuseport', 'sk_reuseport_select_or_migrate'],
  ['sk_reuseport', 'sk_reuseport', 'sk_reuseport_select'],

  ['kprobe', 'kprobe', undefined, 'target', 'auto'],
  ['kretprobe', 'kprobe', undefined, 'target', 'auto'],
  ['kprobe.multi', 'kprobe', 'trace_kprobe_multi', 'target', 'auto'],
  ['kretprobe.multi', 'kprobe', 'trace_kprobe_multi', 'target', 'auto'],
  ['kprobe.session', 'kprobe', 'trace_kprobe_session', 'target', 'auto'],
  ['ksyscall', 'kprobe', undefined, 'target', 'auto'],
  ['kretsyscall', 'kprobe', undefined, 'target', 'auto'],

  ['uprobe', 'kprobe', undefined, 'target', 'auto'],
  ['uprobe.s', 'kprobe', undefined, 'target', 'auto', 'sleepable'],
  ['uretprobe', 'kprobe', undefined, 'target', 'auto'],
  ['uretprobe.s', 'kprobe', undefined, 'target', 'auto', 'sleepable'],
  ['uprobe.multi', 'kprobe', 'trace_uprobe_multi', 'target', 'auto'],
  ['uprobe.multi.s', 'kprobe', 'trace_uprobe_multi', 'target', 'auto', 'sleepable'],
  ['uretprobe.multi', 'kprobe', 'trace_uprobe_multi', 'target', 'auto'],
  ['uretprobe.multi.s', 'kprobe', 'trace_uprobe_multi', 'target', 'auto', 'sleepable'],
  ['uprobe.session', 'kprobe', 'trace_uprobe_session', 'target', 'auto'],
  ['uprobe.session.s', 'kprobe', 'trace_uprobe_session', 'target', 'auto', 'sleepable'],
  ['usdt', 'kprobe', undefined, 'target', 'auto'],
  ['usdt.s', 'kprobe', undefined, 'target', 'auto', 'sleepable'],

  ['tc', 'sched_cls'],
  ['tc/ingress', 'sched_cls', 'tcx_ingress'],
  ['tc/egress', 'sched_cls', 'tcx_egress'],
  ['tcx/ingress', 'sched_cls', 'tcx_ingress'],
  ['tcx/egress', 'sched_cls', 'tcx_egress'],
  ['classifier', 'sched_cls'],
  ['action', 'sched_act'],
  ['netkit/primary', 'sched_cls', 'netkit_primary'],
  ['netkit/peer', 'sched_cls', 'netkit_peer'],

  ['tracepoint', 'tracepoint', undefined, 'target', 'auto'],
  ['tp', 'tracepoint', undefined, 'target', 'auto'],
  ['raw_tracepoint', 'raw_tracepoint', undefined, 'target', 'auto'],
  ['raw_tp', 'raw_tracepoint', undefined, 'target', 'auto'],
  ['raw_tracepoint.w', 'raw_tracepoint_writable', undefined, 'target', 'auto'],
  ['raw_tp.w', 'raw_tracepoint_writable', undefined, 'target', 'auto'],

  ['tp_btf', 'tracing', 'trace_raw_tp', 'target', 'auto'],
  ['fentry', 'tracing', 'trace_fentry', 'target', 'auto'],
  ['fmod_ret', 'tracing', 'modify_return', 'target', 'auto'],
  ['fexit', 'tracing', 'trace_fexit', 'target', 'auto'],
  ['fentry.s', 'tracing', 'trace_fentry', 'target', 'auto', 'sleepable'],
  ['fmod_ret.s', 'tracing', 'modify_return', 'target', 'auto', 'sleepable'],
  ['fexit.s', 'tracing', 'trace_fexit', 'target', 'auto', 'sleepable'],
  ['freplace', 'ext', undefined, 'target', 'auto'],
  ['lsm', 'lsm', 'lsm_mac', 'target', 'auto'],
  ['lsm.s', 'lsm', 'lsm_mac', 'target', 'auto', 'sleepable'],
  ['lsm_cgroup', 'lsm', 'lsm_cgroup', 'target'],
  ['iter', 'tracing', 'trace_iter', 'target', 'auto'],
  ['iter.s', 'tracing', 'trace_iter', 'target', 'auto', 'sleepable'],
  ['syscall', 'syscall', undefined, 'sleepable'],

  ['xdp', 'xdp', 'xdp'],
  ['xdp/devmap', 'xdp', 'xdp_devmap'],
  ['xdp/cpumap', 'xdp', 'xdp_cpumap'],
  ['xdp.frags', 'xdp', 'xdp'],
  ['xdp.frags/devmap', 'xdp', 'xdp_devmap'],
  ['xdp.frags/cpumap', 'xdp', 'xdp_cpumap'],

  ['perf_event', 'perf_event'],
  ['lwt_in', 'lwt_in'],
  ['lwt_out', 'lwt_out'],
  ['lwt_xmit', 'lwt_xmit'],
  ['lwt_seg6local', 'lwt_seg6local'],
  ['sockops', 'sock_ops', 'cgroup_sock_ops'],
  ['sk_skb/stream_parser', 'sk_skb', 'sk_skb_stream_parser'],
  ['sk_skb/stream_verdict', 'sk_skb', 'sk_skb_stream_verdict'],
  ['sk_skb/verdict', 'sk_skb', 'sk_skb_verdict'],
  ['sk_skb', 'sk_skb'],
  ['sk_msg', 'sk_msg', 'sk_msg_verdict'],
  ['lirc_mode2', 'lirc_mode2', 'lirc_mode2'],
  ['flow_dissector', 'flow_dissector', 'flow_dissector'],
  ['sk_lookup', 'sk_lookup', 'sk_lookup'],
  ['netfilter', 'netfilter', 'netfilter'],

  ['cgroup_skb/ingress', 'cgroup_skb', 'cgroup_inet_ingress'],
  ['cgroup_skb/egress', 'cgroup_skb', 'cgroup_inet_egress'],
  ['cgroup/skb', 'cgroup_skb'],
  ['cgroup/sock_create', 'cgroup_sock', 'cgroup_inet_sock_create'],
  ['cgroup/sock_release', 'cgroup_sock', 'cgroup_inet_sock_release'],
  ['cgroup/sock', 'cgroup_sock', 'cgroup_inet_sock_create'],
  ['cgroup/post_bind4', 'cgroup_sock', 'cgroup_inet4_post_bind'],
  ['cgroup/post_bind6', 'cgroup_sock', 'cgroup_inet6_post_bind'],
  ['cgroup/bind4', 'cgroup_sock_addr', 'cgroup_inet4_bind'],
  ['cgroup/bind6', 'cgroup_sock_addr', 'cgroup_inet6_bind'],
  ['cgroup/connect4', 'cgroup_sock_addr', 'cgroup_inet4_connect'],
  ['cgroup/connect6', 'cgroup_sock_addr', 'cgroup_inet6_connect'],
  ['cgroup/connect_unix', 'cgroup_sock_addr', 'cgroup_unix_connect'],
  ['cgroup/sendmsg4', 'cgroup_sock_addr', 'cgroup_udp4_sendmsg'],
  ['cgroup/sendmsg6', 'cgroup_sock_addr', 'cgroup_udp6_sendmsg'],
  ['cgroup/sendmsg_unix', 'cgroup_sock_addr', 'cgroup_unix_sendmsg'],
  ['cgroup/recvmsg4', 'cgroup_sock_addr', 'cgroup_udp4_recvmsg'],
  ['cgroup/recvmsg6', 'cgroup_sock_addr', 'cgroup_udp6_recvmsg'],
  ['cgroup/recvmsg_unix', 'cgroup_sock_addr', 'cgroup_unix_recvmsg'],
  ['cgroup/getpeername4', 'cgroup_sock_addr', 'cgroup_inet4_getpeername'],
  ['cgroup/getpeername6', 'cgroup_sock_addr', 'cgroup_inet6_getpeername'],
  ['cgroup/getpeername_unix', 'cgroup_sock_addr', 'cgroup_unix_getpeername'],
  ['cgroup/getsockname4', 'cgroup_sock_addr', 'cgroup_inet4_getsockname'],
  ['cgroup/getsockname6', 'cgroup_sock_addr', 'cgroup_inet6_getsockname'],
  ['cgroup/getsockname_unix', 'cgroup_sock_addr', 'cgroup_unix_getsockname'],
  ['cgroup/sysctl', 'cgroup_sysctl', 'cgroup_sysctl'],
  ['cgroup/getsockopt', 'cgroup_sockopt', 'cgroup_getsockopt'],
  ['cgroup/setsockopt', 'cgroup_sockopt', 'cgroup_setsockopt'],
  ['cgroup/dev', 'cgroup_device', 'cgroup_device'],

  ['struct_ops', 'struct_ops', undefined, 'target'],
  ['struct_ops.s', 'struct_ops', undefined, 'target', 'sleepable'],
];

/** Every section name that has a meaning, in no special order of precedence. */
export const SECTION_DEFINITIONS: readonly SectionDefinition[] = ROWS.map(
  ([section, programType, attachType, ...options]) => ({
    section,
    programType,
    attachType,
    takesTarget: options.includes('target'),
    sleepable: options.includes('sleepable'),
    autoAttach: options.includes('auto'),
  }),
);

const BY_NAME: ReadonlyMap<string, SectionDefinition> = new Map(SECTION_DEFINITIONS.map((def) => [def.section, def]));

/**
 * The meaning of a program's section name; one leading `?` (not loaded automatically) is looked through. `undefined` for a
 * name without a meaning: such a program needs its type set by the loader.
 */
export function findSectionDefinition(sectionName: string): SectionDefinition | undefined {
  const name = sectionName.startsWith('?') ? sectionName.slice(1) : sectionName;
  const exact = BY_NAME.get(name);
  if (exact !== undefined) return exact;
  const slash = name.indexOf('/');
  const general = slash < 0 ? undefined : BY_NAME.get(name.slice(0, slash));
  return general?.takesTarget === true ? general : undefined;
}
