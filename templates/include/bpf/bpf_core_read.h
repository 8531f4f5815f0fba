/* SPDX-License-Identifier: MIT */
/* libbpf's bpf_core_read.h, then what versions before 1.4 lack. */
#pragma GCC system_header
#include_next <bpf/bpf_core_read.h>

#ifndef __ECC_BPF_CORE_READ_H__
#define __ECC_BPF_CORE_READ_H__

/* Makes any pointer one to a kernel type, whose members can be read but not written. */
#ifndef bpf_core_cast
#define bpf_core_cast(ptr, type) ({ \
	extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __attribute__((weak, section(".ksyms"))); \
	(typeof(type) *)bpf_rdonly_cast((ptr), bpf_core_type_id_kernel(type)); \
})
#endif

#endif
