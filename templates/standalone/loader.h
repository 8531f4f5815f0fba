/* SPDX-License-Identifier: MIT */
/*
 * A program that loads one eBPF object and prints what it tells. ecc writes it: this part and the ones that follow are the same for
 * every program, the tables in between describe this one.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <linux/perf_event.h>
#include <net/if.h>
#include <poll.h>
#include <search.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

/* Exit statuses besides 0 and 1 (output or memory failed). */
enum {
	EXIT_USAGE = 2,
	/* This kernel cannot run the program at all. */
	EXIT_UNSUPPORTED = 6,
	/* The kernel refused it: permission, verifier, attach target. */
	EXIT_REFUSED = 7,
};

#define DEFAULT_CGROUP "/sys/fs/cgroup"

enum kind {
	KIND_BYTES,
	KIND_INT,
	KIND_UINT,
	KIND_BOOL,
	KIND_FLOAT,
	KIND_POINTER,
	KIND_ENUM,
	KIND_TEXT,
	KIND_ARRAY,
	KIND_STRUCT,
};

struct type;

struct member {
	/* NULL after the last one. */
	const char *name;
	const struct type *type;
	uint32_t bit_offset;
	/* 0 for a member that is no bit-field. */
	uint32_t bit_size;
};

struct enumerator {
	/* NULL after the last one. */
	const char *name;
	int64_t value;
};

/* A type of C as far as it matters for printing: names and qualifiers are gone, nameless members are their parent's. */
struct type {
	enum kind kind;
	/* Bytes; 0 for a flexible array. */
	uint32_t size;
	/* Enumerations only. */
	bool is_signed;
	/* The last member is a flexible array: whatever follows the type belongs to it. */
	bool is_open;
	const struct type *element;
	const struct member *members;
	const struct enumerator *values;
};

/* A global variable that the command line can set. */
struct option_def {
	/* NULL after the last one. */
	const char *name;
	/* 0 for none. */
	char letter;
	const char *help;
	/* What applies when the option is not given, for the help. */
	const char *shown;
	/* A value that replaces the object's own, or NULL. */
	const char *value;
	const char *section;
	uint32_t offset;
	const struct type *type;
};

/* An integer, text or array of a sample of stacks. */
struct stack_member {
	uint32_t offset;
	uint32_t size;
};

/* What a sample of stacks has where. */
struct stack_def {
	/* Frames of the kernel are named. */
	bool with_symbols;
	struct stack_member pid, cpu, comm, kernel_bytes, user_bytes, kernel, user;
};

/* A map that events come through. */
struct source_def {
	/* NULL after the last one. */
	const char *map;
	bool is_perf;
	/* NULL after the last one; none when the type of the events is not known. */
	const struct type *const *types;
	/* For samples of stacks. */
	const struct stack_def *stacks;
};

enum sample_form { SAMPLE_KEY_VALUE, SAMPLE_LOG2_HIST, SAMPLE_LINEAR_HIST };

/* A map that is printed every so often. */
struct sample_def {
	/* NULL after the last one. */
	const char *map;
	uint32_t interval_ms;
	enum sample_form form;
	const char *unit;
	bool clear;
	const struct type *key;
	const struct type *value;
};

/* What the source says about attaching a program that its section alone does not say. */
struct attach_def {
	/* NULL after the last one. */
	const char *program;
	uint32_t ifindex;
	uint32_t xdp_flags;
	uint32_t tc_attach_point;
	uint32_t tc_handle;
	uint32_t tc_priority;
};
