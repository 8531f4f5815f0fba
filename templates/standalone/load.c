/* Loading and attaching, and saying in one line why it did not work. */

/* What libbpf said, for the case that loading fails. */
static struct text said;

static int on_libbpf_message(enum libbpf_print_level level, const char *format, va_list arguments)
{
	va_list again;
	int length;
	char *message;

	if (config.verbose)
		return vfprintf(stderr, format, arguments);
	if (level > LIBBPF_WARN)
		return 0;
	va_copy(again, arguments);
	length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (length < 0)
		return 0;
	message = allocate((size_t)length + 1);
	vsnprintf(message, (size_t)length + 1, format, arguments);
	put_bytes(&said, message, (size_t)length);
	free(message);
	return length;
}

__attribute__((format(printf, 2, 3), noreturn)) static void fail(int status, const char *format, ...)
{
	va_list arguments;

	fflush(stdout);
	fprintf(stderr, "%s: ", program_name);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(status);
}

/* The first line of what libbpf said, without its name before it. Cuts the text there. */
static char *first_line(char *text)
{
	static const char prefix[] = "libbpf: ";

	text[strcspn(text, "\n")] = '\0';
	return strncmp(text, prefix, sizeof(prefix) - 1) == 0 ? text + sizeof(prefix) - 1 : text;
}

/* The line in which the verifier says what it minds: the last one, but for its statistics. */
static char *verifier_reason(char *log)
{
	char *reason = NULL;

	for (char *line = strtok(log, "\n"); line; line = strtok(NULL, "\n")) {
		if (strncmp(line, "processed ", 10) != 0 && strncmp(line, "max_states", 10) != 0)
			reason = line;
	}
	return reason;
}

__attribute__((noreturn)) static void explain_refusal(const char *what, int error)
{
	static const char begin[] = "-- BEGIN PROG LOAD LOG --\n", end[] = "-- END PROG LOAD LOG --";
	char *log = said.data ? strstr(said.data, begin) : NULL, *name, *reason;

	if (error == EPERM && geteuid() != 0)
		fail(EXIT_REFUSED, "%s: not permitted: run it as root, or with CAP_BPF and CAP_PERFMON", what);
	if (said.data && strstr(said.data, "BTF") && !config.btf && access("/sys/kernel/btf/vmlinux", R_OK) != 0)
		fail(EXIT_UNSUPPORTED, "%s: this kernel has no BTF (/sys/kernel/btf/vmlinux); give its BTF with --btf FILE", what);
	if (!log)
		fail(EXIT_REFUSED, "%s: %s", what, said.length ? first_line(said.data) : strerror(error));
	*log = '\0';
	log += sizeof(begin) - 1;
	if (strstr(log, end))
		*strstr(log, end) = '\0';
	/* before the log: libbpf: prog 'NAME': */
	name = strrchr(said.data, '\n') ? strrchr(said.data, '\n') + 1 : said.data;
	name = strchr(name, '\'') ? strtok(strchr(name, '\'') + 1, "'") : NULL;
	reason = verifier_reason(log);
	/* libbpf's own words, in the place of the instruction that it could not fill in */
	if (reason && (strstr(reason, "failed to resolve CO-RE") || strstr(reason, "failed to find the address")))
		fail(EXIT_UNSUPPORTED, "%s needs what this kernel does not have: %s", name ? name : "a program", reason);
	fail(EXIT_REFUSED, "the verifier refused %s: %s (--verbose prints its whole log)", name ? name : "a program",
	     reason ? reason : strerror(error));
}

static void apply_settings(const struct bpf_object *object)
{
	for (const struct option_def *option = options; option->name; option++) {
		unsigned char *setting = settings[option - options];
		struct bpf_map *map;
		unsigned char *values;
		size_t size = 0;

		if (!setting)
			continue;
		map = bpf_object__find_map_by_name(object, option->section);
		values = map ? (unsigned char *)bpf_map__initial_value(map, &size) : NULL;
		if (!values || option->offset + (size_t)option->type->size > size)
			fail(EXIT_FAILURE, "--%s: section %s of the object cannot be written", option->name, option->section);
		memcpy(values + option->offset, setting, option->type->size);
	}
}

static struct bpf_object *load_object(void)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = object_name, .btf_custom_path = config.btf);
	struct bpf_object *object;
	int error;

	libbpf_set_print(on_libbpf_message);
	object = bpf_object__open_mem(object_bytes, sizeof(object_bytes), &opts);
	if (!object)
		explain_refusal("the object cannot be opened", errno);
	apply_settings(object);
	prepare_targets(object);
	error = bpf_object__load(object);
	if (error)
		explain_refusal("the program cannot be loaded", -error);
	clear_text(&said);
	return object;
}

/* What has to be undone at the end and is not undone by closing links: XDP and tc programs, perf events. */
struct attachment {
	struct bpf_link *link;
	uint32_t xdp_ifindex;
	uint32_t xdp_flags;
	struct bpf_tc_hook tc_hook;
	bool tc_hook_is_ours;
	bool is_tc;
	struct bpf_tc_opts tc_opts;
};

static struct attachment *attachments;
static size_t attachment_count;
/* Iterators print by being read. */
static size_t iterator_count;

static struct attachment *new_attachment(void)
{
	attachments = need(realloc(attachments, (attachment_count + 1) * sizeof(*attachments)));
	memset(&attachments[attachment_count], 0, sizeof(*attachments));
	return &attachments[attachment_count++];
}

static struct attach_def attach_def_of(const char *program)
{
	for (const struct attach_def *def = attach_defs; def->program; def++) {
		if (strcmp(def->program, program) == 0)
			return *def;
	}
	return (struct attach_def){ .ifindex = 1, .tc_attach_point = BPF_TC_INGRESS, .tc_handle = 1, .tc_priority = 1 };
}

static int attach_xdp(const struct bpf_program *program, const struct attach_def *def)
{
	struct attachment *attachment;
	int error = bpf_xdp_attach((int)def->ifindex, bpf_program__fd(program), def->xdp_flags, NULL);

	if (error)
		return error;
	attachment = new_attachment();
	attachment->xdp_ifindex = def->ifindex;
	attachment->xdp_flags = def->xdp_flags;
	return 0;
}

static int attach_tc(const struct bpf_program *program, const struct attach_def *def)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)def->ifindex, .attach_point = (enum bpf_tc_attach_point)def->tc_attach_point);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = def->tc_handle, .priority = def->tc_priority, .prog_fd = bpf_program__fd(program));
	struct attachment *attachment;
	int error = bpf_tc_hook_create(&hook);
	bool is_ours = error == 0;

	if (error && error != -EEXIST)
		return error;
	error = bpf_tc_attach(&hook, &opts);
	if (error && !is_ours)
		return error;
	if (error) {
		bpf_tc_hook_destroy(&hook);
		return error;
	}
	attachment = new_attachment();
	attachment->is_tc = true;
	attachment->tc_hook = hook;
	attachment->tc_hook_is_ours = is_ours;
	attachment->tc_opts = opts;
	return 0;
}

/* A clock on every CPU, once a second, or what the command line says. */
static int attach_perf_event(const struct bpf_program *program, const char *target)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE, .size = sizeof(attr), .config = PERF_COUNT_SW_CPU_CLOCK, .freq = 1, .sample_freq = 1,
	};
	int count = 0;

	if (target)
		set_perf_event(program, target, &attr);
	for (int cpu = 0; cpu < libbpf_num_possible_cpus(); cpu++) {
		int fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
		struct bpf_link *link;

		/* a CPU that is not there */
		if (fd < 0 && errno == ENODEV)
			continue;
		if (fd < 0)
			return -errno;
		link = bpf_program__attach_perf_event(program, fd);
		if (!link) {
			int error = -errno;

			close(fd);
			return error;
		}
		new_attachment()->link = link;
		count++;
	}
	return count ? 0 : -ENODEV;
}

static int open_cgroup(const char *directory)
{
	struct statfs found;
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && fstatfs(fd, &found) == 0 && found.f_type == CGROUP2_SUPER_MAGIC)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static int attach_cgroup(const struct bpf_program *program, const char *target)
{
	const char *directory = target ? target : config.cgroup;
	int fd = open_cgroup(directory), error;
	struct bpf_link *link;

	/* where version 1 is mounted, too */
	if (fd < 0 && strcmp(directory, DEFAULT_CGROUP) == 0)
		fd = open_cgroup(DEFAULT_CGROUP "/unified");
	if (fd < 0)
		fail(EXIT_REFUSED, "%s needs a cgroup of version 2, and %s is none; give one with --cgroup DIR",
		     bpf_program__name(program), directory);
	link = bpf_program__attach_cgroup(program, fd);
	error = link ? 0 : -errno;
	close(fd);
	if (link)
		new_attachment()->link = link;
	return error;
}

/* For the types that libbpf does not attach by their section. */
static int attach_by_type(const struct bpf_program *program, const char *target)
{
	struct attach_def def = attach_def_of(bpf_program__name(program));

	switch (bpf_program__type(program)) {
	case BPF_PROG_TYPE_XDP:
		if (target)
			set_interface(program, target, &def);
		return attach_xdp(program, &def);
	case BPF_PROG_TYPE_SCHED_CLS:
	case BPF_PROG_TYPE_SCHED_ACT:
		if (target)
			set_interface(program, target, &def);
		return attach_tc(program, &def);
	case BPF_PROG_TYPE_PERF_EVENT:
		return attach_perf_event(program, target);
	case BPF_PROG_TYPE_CGROUP_SKB:
	case BPF_PROG_TYPE_CGROUP_SOCK:
	case BPF_PROG_TYPE_CGROUP_DEVICE:
	case BPF_PROG_TYPE_CGROUP_SOCK_ADDR:
	case BPF_PROG_TYPE_CGROUP_SYSCTL:
	case BPF_PROG_TYPE_CGROUP_SOCKOPT:
	case BPF_PROG_TYPE_SOCK_OPS:
		return attach_cgroup(program, target);
	default:
		return -EOPNOTSUPP;
	}
}

static void attach_program(const struct bpf_program *program)
{
	const char *name = bpf_program__name(program), *section = bpf_program__section_name(program);
	const char *target = target_of(program);
	struct bpf_link *link = NULL;
	int error;

	clear_text(&said);
	if (target) {
		error = attach_probe_to(program, section, target, &link);
	} else {
		link = bpf_program__attach(program);
		error = link ? 0 : -errno;
	}
	if (link) {
		new_attachment()->link = link;
		if (bpf_program__expected_attach_type(program) == BPF_TRACE_ITER)
			iterator_count++;
		return;
	}
	/* without a word libbpf has not tried */
	if (error == -EOPNOTSUPP && !said.length)
		error = attach_by_type(program, target);
	if (error == -EOPNOTSUPP && !said.length && target)
		usage_error("--attach %s=%s: programs of section %s have no target", name, target, section);
	if (error == -EOPNOTSUPP && !said.length) {
		fprintf(stderr, "%s: %s is not attached: section %s does not say to what; say it with --attach %s=TARGET\n", program_name,
			name, section, name);
		return;
	}
	if (error == -EBADF && bpf_program__expected_attach_type(program) == BPF_TRACE_ITER) {
		fprintf(stderr, "%s: %s is not attached: section %s walks a map, and which is not known\n", program_name, name,
			section);
		return;
	}
	if (error)
		fail(EXIT_REFUSED, "%s cannot be attached (%s): %s", name, section,
		     said.length ? first_line(said.data) : strerror(-error));
}

static void attach_all(struct bpf_object *object)
{
	struct bpf_program *program;
	struct bpf_map *map;

	bpf_object__for_each_program(program, object) {
		if (bpf_program__autoload(program) && bpf_program__type(program) != BPF_PROG_TYPE_STRUCT_OPS)
			attach_program(program);
	}
	bpf_object__for_each_map(map, object) {
		struct bpf_link *link;

		if (bpf_map__type(map) != BPF_MAP_TYPE_STRUCT_OPS)
			continue;
		link = bpf_map__attach_struct_ops(map);
		if (!link)
			fail(EXIT_REFUSED, "%s cannot be registered: %s", bpf_map__name(map), strerror(errno));
		new_attachment()->link = link;
	}
	if (attachment_count == 0)
		fail(EXIT_UNSUPPORTED, "no program could be attached");
}

static void detach_all(void)
{
	while (attachment_count > 0) {
		struct attachment *attachment = &attachments[--attachment_count];

		if (attachment->link)
			bpf_link__destroy(attachment->link);
		if (attachment->xdp_ifindex)
			bpf_xdp_detach((int)attachment->xdp_ifindex, attachment->xdp_flags, NULL);
		if (attachment->is_tc) {
			attachment->tc_opts.prog_fd = attachment->tc_opts.flags = attachment->tc_opts.prog_id = 0;
			bpf_tc_detach(&attachment->tc_hook, &attachment->tc_opts);
			if (attachment->tc_hook_is_ours)
				bpf_tc_hook_destroy(&attachment->tc_hook);
		}
	}
	free(attachments);
	attachments = NULL;
}

static void print_iterators(void)
{
	char buffer[4096];

	for (size_t i = 0; i < attachment_count; i++) {
		int fd = attachments[i].link ? bpf_iter_create(bpf_link__fd(attachments[i].link)) : -1;
		ssize_t length;

		if (fd < 0)
			continue;
		while ((length = read(fd, buffer, sizeof(buffer))) > 0 || (length < 0 && errno == EAGAIN)) {
			if (length > 0)
				fwrite(buffer, 1, (size_t)length, stdout);
		}
		close(fd);
	}
}
