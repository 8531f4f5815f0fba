/* SPDX-License-Identifier: MIT */
/*
 * libbpf's bpf_tracing.h, then what versions before 1.2 lack. Probes in user space are kprobes to the program: same context,
 * same registers.
 */
#pragma GCC system_header
#include_next <bpf/bpf_tracing.h>

#ifndef __ECC_BPF_TRACING_H__
#define __ECC_BPF_TRACING_H__

#ifndef BPF_UPROBE
#define BPF_UPROBE(name, args...)  BPF_KPROBE(name, ##args)
#endif

#ifndef BPF_URETPROBE
#define BPF_URETPROBE(name, args...)  BPF_KRETPROBE(name, ##args)
#endif

#ifndef BPF_KSYSCALL
#define BPF_KSYSCALL BPF_KPROBE_SYSCALL
#endif

#endif
