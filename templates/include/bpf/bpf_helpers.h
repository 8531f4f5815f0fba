/* SPDX-License-Identifier: MIT */
/* libbpf's bpf_helpers.h, then what versions before 1.4 lack: tags, loops over open-coded iterators, weak symbols. */
#pragma GCC system_header
#include_next <bpf/bpf_helpers.h>

#ifndef __ECC_BPF_HELPERS_H__
#define __ECC_BPF_HELPERS_H__

/* What a pointer that is kept in a map points to. */
#ifndef __kptr_untrusted
#define __kptr_untrusted __attribute__((btf_type_tag("kptr_untrusted")))
#endif
#ifndef __percpu_kptr
#define __percpu_kptr __attribute__((btf_type_tag("percpu_kptr")))
#endif
#ifndef __uptr
#define __uptr __attribute__((btf_type_tag("uptr")))
#endif

/* What the verifier may expect of an argument of a global function. */
#ifndef __arg_ctx
#define __arg_ctx __attribute__((btf_decl_tag("arg:ctx")))
#endif
#ifndef __arg_nonnull
#define __arg_nonnull __attribute__((btf_decl_tag("arg:nonnull")))
#endif
#ifndef __arg_nullable
#define __arg_nullable __attribute__((btf_decl_tag("arg:nullable")))
#endif
#ifndef __arg_trusted
#define __arg_trusted __attribute__((btf_decl_tag("arg:trusted")))
#endif
#ifndef __arg_untrusted
#define __arg_untrusted __attribute__((btf_decl_tag("arg:untrusted")))
#endif
#ifndef __arg_arena
#define __arg_arena __attribute__((btf_decl_tag("arg:arena")))
#endif

/* A map attribute of 64 bits; __uint() holds 32. */
#ifndef __ulong
#define __ulong(name, val) enum { ___bpf_concat(__ecc_ulong_, __COUNTER__) = val } name
#endif

/* True where the running kernel has the function or variable; the declaration has to be weak. */
#ifndef bpf_ksym_exists
#define bpf_ksym_exists(sym) ({ \
	_Static_assert(!__builtin_constant_p(!!sym), #sym " has to be declared __weak"); \
	!!sym; \
})
#endif

#ifndef bpf_for_each

struct bpf_iter_num;
extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __attribute__((weak, section(".ksyms")));
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __attribute__((weak, section(".ksyms")));
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __attribute__((weak, section(".ksyms")));

/*
 * Loops over an iterator of the kernel: bpf_for_each(task, t, NULL, BPF_TASK_ITER_ALL_PROCS) { ... }. The iterator is destroyed
 * whichever way the loop is left. The destructor is mentioned once more because clang makes no BTF for one that only
 * `cleanup` names.
 */
#define bpf_for_each(type, cur, args...) \
	for (struct bpf_iter_##type \
		___it __attribute__((aligned(8), cleanup(bpf_iter_##type##_destroy))), \
		*___begin __attribute__((unused)) = (bpf_iter_##type##_new(&___it, ##args), \
						     (void)bpf_iter_##type##_destroy, (void *)0); \
	     ((cur) = bpf_iter_##type##_next(&___it));)

/* Loops with i from start to end - 1. The comparison tells the verifier the bounds of i. */
#define bpf_for(i, start, end) \
	for (struct bpf_iter_num \
		___it __attribute__((aligned(8), cleanup(bpf_iter_num_destroy))), \
		*___begin __attribute__((unused)) = (bpf_iter_num_new(&___it, (start), (end)), \
						     (void)bpf_iter_num_destroy, (void *)0); \
	     ({ \
		int *___next = bpf_iter_num_next(&___it); \
		(___next ? ((i) = *___next, (i) >= (start) && (i) < (end)) : 0); \
	     });)

/* Runs what follows N times. */
#define bpf_repeat(N) \
	for (struct bpf_iter_num \
		___it __attribute__((aligned(8), cleanup(bpf_iter_num_destroy))), \
		*___begin __attribute__((unused)) = (bpf_iter_num_new(&___it, 0, (N)), \
						     (void)bpf_iter_num_destroy, (void *)0); \
	     bpf_iter_num_next(&___it);)

#endif /* bpf_for_each */

#endif
