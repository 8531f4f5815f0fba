/* Every kind of CO-RE relocation, and access paths through members, arrays, unions, anonymous members, typedefs and bitfields. */
typedef unsigned int u32;
typedef unsigned long u64;
#define SEC(name) __attribute__((section(name), used))
#define core __attribute__((preserve_access_index))

enum colour { RED = 1, GREEN = 2, BLUE = 3 };
enum wide { WIDE = 0x100000000 };
struct inner {
	u32 first;
	u32 second[4];
} core;
typedef struct inner inner_t;
struct outer {
	u64 flags : 3;
	u64 mode : 9;
	union {
		u32 plain;
		struct {
			unsigned short low, high;
		};
	};
	inner_t table[2];
	const struct inner *link;
	char name[16];
} core;
typedef struct {
	int in_anonymous;
} core anonymous_t;

__attribute__((noinline)) static u64 helper(struct outer *o)
{
	return o->table[1].second[2] + o->link->first;
}

SEC("raw_tp/fields")
u64 fields(u64 *ctx)
{
	struct outer *o = (void *)ctx[0];
	anonymous_t *a = (void *)ctx[1];
	u64 sum = o->high + o->plain + o[3].name[5] + a->in_anonymous + helper(o);
	sum += __builtin_preserve_field_info(o->mode, 0);
	sum += __builtin_preserve_field_info(o->mode, 1);
	sum += __builtin_preserve_field_info(o->link, 2);
	sum += __builtin_preserve_field_info(o->flags, 3);
	sum += __builtin_preserve_field_info(o->mode, 4);
	sum += __builtin_preserve_field_info(o->mode, 5);
	return sum;
}

SEC("raw_tp/types")
u64 types(void *ctx)
{
	u64 sum = __builtin_btf_type_id(*(struct outer *)0, 0);
	sum += __builtin_btf_type_id(*(inner_t *)0, 1);
	sum += __builtin_preserve_type_info(*(struct outer *)0, 0);
	sum += __builtin_preserve_type_info(*(anonymous_t *)0, 1);
	sum += __builtin_preserve_type_info(*(struct inner *)0, 2);
	sum += __builtin_preserve_enum_value(*(enum colour *)GREEN, 0);
	sum += __builtin_preserve_enum_value(*(enum colour *)BLUE, 1);
	sum += __builtin_preserve_enum_value(*(enum wide *)WIDE, 1);
	return sum;
}

char LICENSE[] SEC("license") = "GPL";
