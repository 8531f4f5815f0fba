// SPDX-License-Identifier: MIT
/*
 * Loads a BPF object with libbpf alone, attaches its programs, runs a command and prints what the maps got: the tests' witness for
 * what objects do, sharing no code with what is tested.
 *
 *   bpf-host [-p PROGRAM]... [-g CGROUP] [-i IFINDEX] [-e MAX_EVENTS] [-u PROGRAM=PROVIDER:PROBE]... [-t BINARY] OBJECT COMMAND
 *
 * Lines on standard output:
 *   attached PROGRAM            refused PROGRAM ERROR
 *   event MAP HEX               (ring buffers and perf buffers)     read PROGRAM HEX   (iterators, first 4096 bytes)
 *   entries MAP COUNT           (hash, LRU, per-CPU hash and array maps)
 *   data SECTION HEX            (.bss and .data)
 * Exit status: 0; 1 the object does not load; 2 usage; 3 a program was refused.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *wanted[32];
static const char *binary, *usdt[8];
static int usdt_count, wanted_count, cgroup_fd = -1, ifindex = 1, max_events = 1000;
static int printed;

static void print_hex(const char *what, const char *name, const unsigned char *bytes, size_t size)
{
	size_t i;

	printf("%s %s ", what, name);
	for (i = 0; i < size; i++)
		printf("%02x", bytes[i]);
	putchar('\n');
}

static int on_record(void *map, void *data, size_t size)
{
	if (printed++ < max_events)
		print_hex("event", bpf_map__name(map), data, size);
	return 0;
}

static void on_sample(void *map, int cpu, void *data, __u32 size)
{
	on_record(map, data, size);
}

static bool is_wanted(const char *name)
{
	int i;

	for (i = 0; i < wanted_count; i++)
		if (!strcmp(wanted[i], name))
			return true;
	return wanted_count == 0;
}

static struct bpf_link *attach_perf_event(struct bpf_program *prog)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.size = sizeof(attr),
		.sample_freq = 999,
		.freq = 1,
	};
	struct bpf_link *link = NULL;
	long cpu, cpus = sysconf(_SC_NPROCESSORS_ONLN);

	for (cpu = 0; cpu < cpus; cpu++) {
		int fd = syscall(__NR_perf_event_open, &attr, -1, cpu, -1, 0);

		if (fd < 0)
			return NULL;
		link = bpf_program__attach_perf_event(prog, fd);
		if (!link)
			return NULL;
	}
	return link;
}

static int attach_tc(struct bpf_program *prog)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = 1, .priority = 1, .prog_fd = bpf_program__fd(prog));
	int err = bpf_tc_hook_create(&hook);

	if (err && err != -EEXIST)
		return err;
	return bpf_tc_attach(&hook, &opts);
}

static void detach_tc(void)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);

	bpf_tc_hook_destroy(&hook);
}

/* PROGRAM=PROVIDER:PROBE for a program, or NULL */
static const char *usdt_of(const char *program)
{
	size_t length = strlen(program);
	int i;

	for (i = 0; i < usdt_count; i++)
		if (!strncmp(usdt[i], program, length) && usdt[i][length] == '=')
			return usdt[i] + length + 1;
	return NULL;
}

static struct bpf_link *attach_usdt(struct bpf_program *prog, const char *probe)
{
	const char *colon = strchr(probe, ':');
	char provider[64] = "";

	if (!colon || !binary || colon - probe >= (long)sizeof(provider)) {
		errno = EINVAL;
		return NULL;
	}
	memcpy(provider, probe, colon - probe);
	return bpf_program__attach_usdt(prog, -1, binary, provider, colon + 1, NULL);
}

static int map_fd_of_type(struct bpf_object *obj, enum bpf_map_type type)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, obj)
		if (bpf_map__type(map) == type)
			return bpf_map__fd(map);
	return -1;
}

/* 0, or a negative error number; *link is what keeps the program attached, where there is such a thing */
static int attach(struct bpf_object *obj, struct bpf_program *prog, struct bpf_link **link)
{
	static unsigned char context[256];
	LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = context, .ctx_size_in = 32);
	const char *probe = usdt_of(bpf_program__name(prog));
	enum bpf_attach_type how = bpf_program__expected_attach_type(prog);
	int err, fd = bpf_program__fd(prog);

	if (probe) {
		*link = attach_usdt(prog, probe);
		return *link ? 0 : -errno;
	}
	switch (bpf_program__type(prog)) {
	case BPF_PROG_TYPE_XDP:
		*link = bpf_program__attach_xdp(prog, ifindex);
		break;
	case BPF_PROG_TYPE_SCHED_CLS:
		return attach_tc(prog);
	case BPF_PROG_TYPE_PERF_EVENT:
		*link = attach_perf_event(prog);
		break;
	case BPF_PROG_TYPE_CGROUP_DEVICE:
	case BPF_PROG_TYPE_CGROUP_SKB:
	case BPF_PROG_TYPE_CGROUP_SOCK:
	case BPF_PROG_TYPE_CGROUP_SOCK_ADDR:
	case BPF_PROG_TYPE_CGROUP_SOCKOPT:
	case BPF_PROG_TYPE_CGROUP_SYSCTL:
	case BPF_PROG_TYPE_SOCK_OPS:
		*link = bpf_program__attach_cgroup(prog, cgroup_fd);
		break;
	case BPF_PROG_TYPE_SK_LOOKUP:
	case BPF_PROG_TYPE_FLOW_DISSECTOR:
		fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
		*link = bpf_program__attach_netns(prog, fd);
		break;
	case BPF_PROG_TYPE_SK_MSG:
		return bpf_prog_attach(fd, map_fd_of_type(obj, BPF_MAP_TYPE_SOCKHASH), BPF_SK_MSG_VERDICT, 0);
	case BPF_PROG_TYPE_SK_SKB:
		return bpf_prog_attach(fd, map_fd_of_type(obj, BPF_MAP_TYPE_SOCKMAP), how, 0);
	case BPF_PROG_TYPE_SYSCALL:
		err = bpf_prog_test_run_opts(fd, &run);
		return err;
	case BPF_PROG_TYPE_STRUCT_OPS:
		return 0; /* with its map */
	case BPF_PROG_TYPE_SOCKET_FILTER: {
		unsigned char packet[64] = { 0 };
		LIBBPF_OPTS(bpf_test_run_opts, packet_run, .data_in = packet, .data_size_in = sizeof(packet), .repeat = 1);

		return bpf_prog_test_run_opts(fd, &packet_run);
	}
	case BPF_PROG_TYPE_TRACING:
		if (how == BPF_TRACE_ITER) {
			union bpf_iter_link_info info = { 0 };
			LIBBPF_OPTS(bpf_iter_attach_opts, opts);

			if (!strcmp(bpf_program__section_name(prog), "iter/bpf_map_elem")) {
				info.map.map_fd = map_fd_of_type(obj, BPF_MAP_TYPE_HASH);
				opts.link_info = &info;
				opts.link_info_len = sizeof(info);
			}
			*link = bpf_program__attach_iter(prog, &opts);
			break;
		}
		/* fall through */
	default:
		*link = bpf_program__attach(prog);
	}
	return *link ? 0 : -errno;
}

static void read_iterator(const struct bpf_program *prog, struct bpf_link *link)
{
	unsigned char text[4096];
	int fd = bpf_iter_create(bpf_link__fd(link));
	ssize_t n, have = 0;

	if (fd < 0)
		return;
	while (have < (ssize_t)sizeof(text) && (n = read(fd, text + have, sizeof(text) - have)) > 0)
		have += n;
	print_hex("read", bpf_program__name(prog), text, have);
	close(fd);
}

static void print_entries(struct bpf_map *map)
{
	unsigned char *key = calloc(1, bpf_map__key_size(map) + 1), *next = calloc(1, bpf_map__key_size(map) + 1);
	int count = 0, err = bpf_map_get_next_key(bpf_map__fd(map), NULL, next);

	while (!err && count < 100000) {
		count++;
		memcpy(key, next, bpf_map__key_size(map));
		err = bpf_map_get_next_key(bpf_map__fd(map), key, next);
	}
	printf("entries %s %d\n", bpf_map__name(map), count);
	free(key);
	free(next);
}

int main(int argc, char **argv)
{
	struct ring_buffer *ring = NULL;
	struct perf_buffer *perf[8];
	struct { struct bpf_program *prog; struct bpf_link *link; } links[64];
	struct bpf_link *struct_ops[8];
	int option, struct_ops_count = 0, links_count = 0, perf_count = 0, status = 0, i, err;
	struct bpf_program *prog;
	struct bpf_object *obj;
	struct bpf_map *map;

	setvbuf(stdout, NULL, _IOLBF, 0);
	while ((option = getopt(argc, argv, "p:g:i:e:u:t:")) != -1) {
		switch (option) {
		case 'p': wanted[wanted_count++ % 32] = optarg; break;
		case 'g': cgroup_fd = open(optarg, O_RDONLY | O_DIRECTORY); break;
		case 'i': ifindex = atoi(optarg); break;
		case 'e': max_events = atoi(optarg); break;
		case 'u': usdt[usdt_count++ % 8] = optarg; break;
		case 't': binary = optarg; break;
		default: return 2;
		}
	}
	if (argc - optind != 2)
		return 2;

	obj = bpf_object__open_file(argv[optind], NULL);
	if (!obj || bpf_object__load(obj)) {
		fprintf(stderr, "%s does not load: %s\n", argv[optind], strerror(errno));
		return 1;
	}

	bpf_object__for_each_map(map, obj) {
		if (bpf_map__type(map) == BPF_MAP_TYPE_RINGBUF) {
			if (ring)
				ring_buffer__add(ring, bpf_map__fd(map), on_record, map);
			else
				ring = ring_buffer__new(bpf_map__fd(map), on_record, map, NULL);
		} else if (bpf_map__type(map) == BPF_MAP_TYPE_PERF_EVENT_ARRAY && perf_count < 8) {
			perf[perf_count] = perf_buffer__new(bpf_map__fd(map), 64, on_sample, NULL, map, NULL);
			perf_count += perf[perf_count] != NULL;
		} else if (bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS) {
			struct bpf_link *link = bpf_map__attach_struct_ops(map);

			printf(link ? "attached %s\n" : "refused %s %s\n", bpf_map__name(map), strerror(errno));
			if (!link)
				status = 3;
			else if (struct_ops_count < 8)
				struct_ops[struct_ops_count++] = link;
		}
	}

	bpf_object__for_each_program(prog, obj) {
		struct bpf_link *link = NULL;

		if (!is_wanted(bpf_program__name(prog)))
			continue;
		err = attach(obj, prog, &link);
		if (err) {
			printf("refused %s %s\n", bpf_program__name(prog), strerror(-err));
			status = 3;
			continue;
		}
		printf("attached %s\n", bpf_program__name(prog));
		if (links_count < 64) {
			links[links_count].prog = prog;
			links[links_count++].link = link;
		}
	}

	err = system(argv[optind + 1]);
	if (err)
		fprintf(stderr, "the command ended with %d\n", err);

	if (ring)
		ring_buffer__consume(ring);
	for (i = 0; i < perf_count; i++)
		perf_buffer__consume(perf[i]);
	for (i = 0; i < links_count; i++)
		if (bpf_program__expected_attach_type(links[i].prog) == BPF_TRACE_ITER)
			read_iterator(links[i].prog, links[i].link);

	bpf_object__for_each_map(map, obj) {
		const char *section = bpf_map__name(map), *dot = strchr(section, '.');
		size_t size = 0;
		void *bytes;

		switch (bpf_map__type(map)) {
		case BPF_MAP_TYPE_HASH:
		case BPF_MAP_TYPE_LRU_HASH:
		case BPF_MAP_TYPE_PERCPU_HASH:
		case BPF_MAP_TYPE_LRU_PERCPU_HASH:
		case BPF_MAP_TYPE_LPM_TRIE:
		case BPF_MAP_TYPE_STACK_TRACE:
			print_entries(map);
			break;
		case BPF_MAP_TYPE_ARRAY:
			bytes = bpf_map__initial_value(map, &size) ? malloc(bpf_map__value_size(map)) : NULL;
			size = bpf_map__value_size(map);
			i = 0;
			if (bytes && dot && strncmp(dot, ".rodata", 7) && !bpf_map_lookup_elem(bpf_map__fd(map), &i, bytes))
				print_hex("data", dot, bytes, size);
			free(bytes);
			break;
		default:
			break;
		}
	}

	for (i = 0; i < links_count; i++) {
		if (bpf_program__type(links[i].prog) == BPF_PROG_TYPE_SCHED_CLS)
			detach_tc();
		bpf_link__destroy(links[i].link);
	}
	for (i = 0; i < struct_ops_count; i++)
		bpf_link__destroy(struct_ops[i]);
	return status;
}
