// SPDX-License-Identifier: MIT
/* One record with a member of each kind, filled with known values, for each getpgid(MAGIC); options of each kind in a second one. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#define MAGIC 424242

enum colour {
	RED,
	GREEN = 5,
	NEGATIVE = -3,
};

typedef unsigned char octet;

struct point {
	__s16 x;
	__s16 y;
};

/// @export
struct kinds {
	__u8 u8;
	__s8 s8;
	__u16 u16;
	__s16 s16;
	__u32 u32;
	__s32 s32;
	__u64 u64;
	__s64 s64;
	bool yes;
	bool no;
	char letter;
	enum colour colour;
	enum colour unnamed;
	void *pointer;
	char text[8];
	char full[4];
	char hostile[16];
	octet octets[3];
	__u32 grid[2][2];
	struct point point;
	struct point path[2];
	union {
		__u32 word;
		__u8 bytes[4];
	};
	union {
		__u32 as_word;
		__s8 as_byte;
	} choice;
	struct {
		__u32 low : 3;
		__u32 middle : 13;
		__s32 signed_bits : 5;
		__u64 high : 33;
	};
	unsigned __int128 huge;
	char tail[];
};

/// @export
struct settings {
	bool flag;
	char letter;
	__s8 s8;
	__u8 u8;
	__s16 s16;
	__u16 u16;
	__s32 s32;
	__u32 u32;
	__s64 s64;
	__u64 u64;
	enum colour colour;
	char name[12];
	__u32 counter;
};

/// @cmdarg {"short": "f"}
const volatile bool flag = true;
const volatile char letter = 'x';
const volatile __s8 an_s8 = -8;
const volatile __u8 an_u8 = 8;
const volatile __s16 an_s16 = -16;
const volatile __u16 an_u16 = 16;
/// @cmdarg {"default": -320, "long": "number", "short": "n", "help": "the \"number\" of things"}
const volatile __s32 an_s32 = 1;
const volatile __u32 an_u32 = 32;
const volatile __s64 an_s64 = -64;
const volatile __u64 an_u64 = 64;
const volatile enum colour colour = GREEN;
const volatile char name[12] = "nobody";
/* a name that the loader has itself */
const volatile __u32 verbose = 3;
/* no option: a struct; not volatile; not const */
const volatile struct point origin;
const __u32 fixed = 1;
__u32 counter = 7;
/// @description Counts from here
/// @cmdarg {"default": 100}
__u32 start;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 16);
} records SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} options SEC(".maps");

struct count_key {
	__u32 id;
	char word[4];
};

/// @sample {"interval": 200}
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 16);
	__type(key, struct count_key);
	__type(value, __u64);
} counts SEC(".maps");

struct histogram {
	__u32 slots[8];
	__u32 total;
};

/// @sample {"interval": 200, "type": "log2_hist", "unit": "usecs", "clear_map": true}
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, struct histogram);
} sizes SEC(".maps");

/// @sample {"interval": 200, "type": "linear_hist", "unit": "apples"}
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32[4]);
} steps SEC(".maps");

static void send_kinds(void)
{
	static const char tail[] = "the tail";
	/* longer than its type: the tail follows */
	struct kinds *e = bpf_ringbuf_reserve(&records, sizeof(*e) + 16, 0);

	if (!e)
		return;
	__builtin_memset(e, 0, sizeof(*e) + 16);
	e->u8 = 255;
	e->s8 = -128;
	e->u16 = 65535;
	e->s16 = -32768;
	e->u32 = 4294967295U;
	e->s32 = -2147483647 - 1;
	e->u64 = 18446744073709551615ULL;
	e->s64 = -9223372036854775807LL - 1;
	e->yes = true;
	e->letter = 'A';
	e->colour = GREEN;
	e->unnamed = 77;
	e->pointer = (void *)0xffff888000001000ULL;
	__builtin_memcpy(e->text, "a\"b\\c\n", 7);
	__builtin_memcpy(e->full, "full", 4);
	/* an escape sequence, a broken character, a whole one, a control character of two bytes */
	__builtin_memcpy(e->hostile, "\x1b[2J\xff\xc3\xa9\xc2\x9b", 10);
	e->octets[0] = 1;
	e->octets[2] = 200;
	e->grid[0][1] = 2;
	e->grid[1][0] = 3;
	e->point.x = -1;
	e->point.y = 1;
	e->path[1].x = 5;
	e->word = 0x01020304;
	e->choice.as_word = 0x80;
	e->low = 5;
	e->middle = 4097;
	e->signed_bits = -9;
	e->high = 0x1ffffffffULL;
	e->huge = ((unsigned __int128)1 << 100) + 7;
	__builtin_memcpy(e + 1, tail, sizeof(tail));
	bpf_ringbuf_submit(e, 0);
}

static void send_settings(void *ctx)
{
	struct settings e = {};
	int i;

	e.flag = flag;
	e.letter = letter;
	e.s8 = an_s8;
	e.u8 = an_u8;
	e.s16 = an_s16;
	e.u16 = an_u16;
	e.s32 = an_s32;
	e.u32 = an_u32;
	e.s64 = an_s64;
	e.u64 = an_u64;
	e.colour = colour;
	for (i = 0; i < 12; i++)
		e.name[i] = name[i];
	e.counter = start + counter + verbose + origin.x + fixed;
	bpf_perf_event_output(ctx, &options, BPF_F_CURRENT_CPU, &e, sizeof(e));
}

static void count(void)
{
	static const struct histogram none;
	struct count_key key = { .id = 9, .word = "nine" };
	__u32 zero = 0, id = 4;
	__u64 one = 1, *n = bpf_map_lookup_elem(&counts, &key);
	struct histogram *h;
	__u32(*step)[4] = bpf_map_lookup_elem(&steps, &zero);

	if (n)
		*n += 1;
	else
		bpf_map_update_elem(&counts, &key, &one, BPF_ANY);
	h = bpf_map_lookup_elem(&sizes, &id);
	if (!h) {
		bpf_map_update_elem(&sizes, &id, &none, BPF_ANY);
		h = bpf_map_lookup_elem(&sizes, &id);
	}
	if (h) {
		h->slots[0] += 1;
		h->slots[3] += 4;
		h->total += 5;
	}
	if (step) {
		(*step)[1] += 1;
		(*step)[2] += 2;
	}
}

SEC("tp/syscalls/sys_enter_getpgid")
int on_getpgid(struct trace_event_raw_sys_enter *ctx)
{
	if (ctx->args[0] != MAGIC)
		return 0;
	send_kinds();
	send_settings(ctx);
	count();
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
