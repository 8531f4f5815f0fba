// SPDX-License-Identifier: MIT
/*
 * What libbpf knows about objects once they are open: the tests' witness for the object model. Nothing is loaded.
 *
 *   libbpf-view [NAME OBJECT]...
 *   libbpf-view --section SECTION...
 *
 * The second form prints "TYPE ATTACH_TYPE" for each name of a section, or "-" for one without a meaning. The first prints one line of JSON
 * for each object: {"error":ERRNO} or {"programs":[...],"maps":[...]}. Names are printed as hex, so that no name needs escaping.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	return 0;
}

static void print_name(const char *key, const char *name)
{
	printf("\"%s\":\"", key);
	for (; name && *name; name++)
		printf("%02x", (unsigned char)*name);
	printf("\",");
}

static void print_program(const struct bpf_program *program)
{
	putchar('{');
	print_name("name", bpf_program__name(program));
	print_name("section", bpf_program__section_name(program));
	printf("\"type\":%d,\"attachType\":%d,\"insns\":%zu,\"autoload\":%d}", bpf_program__type(program),
	       bpf_program__expected_attach_type(program), bpf_program__insn_cnt(program),
	       bpf_program__autoload(program));
}

static void print_map(const struct bpf_map *map)
{
	size_t size = 0;
	const unsigned char *initial = (const unsigned char *)bpf_map__initial_value((struct bpf_map *)map, &size);
	size_t i;

	putchar('{');
	print_name("name", bpf_map__name(map));
	print_name("pin", bpf_map__pin_path(map));
	printf("\"type\":%d,\"keySize\":%u,\"valueSize\":%u,\"maxEntries\":%u,\"flags\":%u,\"numaNode\":%u,", bpf_map__type(map),
	       bpf_map__key_size(map), bpf_map__value_size(map), bpf_map__max_entries(map), bpf_map__map_flags(map),
	       bpf_map__numa_node(map));
	printf("\"mapExtra\":\"%llu\",\"keyTypeId\":%u,\"valueTypeId\":%u,\"internal\":%d,\"autocreate\":%d,",
	       (unsigned long long)bpf_map__map_extra(map), bpf_map__btf_key_type_id(map), bpf_map__btf_value_type_id(map),
	       bpf_map__is_internal(map), bpf_map__autocreate(map));
	printf("\"initial\":\"");
	for (i = 0; initial && i < size; i++)
		printf("%02x", initial[i]);
	printf("\"}");
}

int main(int argc, char **argv)
{
	int i;

	libbpf_set_print(quiet);
	if (argc > 1 && !strcmp(argv[1], "--section")) {
		for (i = 2; i < argc; i++) {
			enum bpf_prog_type type;
			enum bpf_attach_type attach;

			if (libbpf_prog_type_by_name(argv[i], &type, &attach))
				puts("-");
			else
				printf("%d %d\n", type, attach);
		}
		return 0;
	}
	for (i = 1; i + 1 < argc; i += 2) {
		LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = argv[i]);
		struct bpf_object *object = bpf_object__open_file(argv[i + 1], &opts);
		struct bpf_program *program = NULL;
		struct bpf_map *map = NULL;
		const char *separator = "";

		if (!object) {
			printf("{\"error\":%d}\n", errno);
			continue;
		}
		printf("{\"programs\":[");
		while ((program = bpf_object__next_program(object, program))) {
			printf("%s", separator);
			print_program(program);
			separator = ",";
		}
		printf("],\"maps\":[");
		separator = "";
		while ((map = bpf_object__next_map(object, map))) {
			printf("%s", separator);
			print_map(map);
			separator = ",";
		}
		printf("]}\n");
		bpf_object__close(object);
	}
	return 0;
}
