/* Attaching a program to what the command line says: --attach PROG=TARGET. */

/* The name that a section begins with, as in SEC("uprobe.s/..."). */
static bool is_kind(const char *section, const char *kind)
{
	size_t length = strlen(kind);

	section += section[0] == '?';
	if (strncmp(section, kind, length) != 0)
		return false;
	section += length;
	if (strncmp(section, ".s", 2) == 0)
		section += 2;
	return section[0] == '\0' || section[0] == '/';
}

static const char *target_of(const struct bpf_program *program)
{
	const char *name = bpf_program__name(program), *found = NULL;
	size_t length = strlen(name);

	for (size_t i = 0; i < config.target_count; i++) {
		if (strncmp(config.targets[i], name, length) == 0 && config.targets[i][length] == '=')
			found = config.targets[i] + length + 1;
	}
	return found;
}

/* Before loading: names that the object does not have, programs that are left out, targets that are part of the program. */
static void prepare_targets(const struct bpf_object *object)
{
	static const char *const early[] = { "fentry", "fexit", "fmod_ret", "tp_btf", "lsm" };
	struct bpf_program *program;

	for (size_t i = 0; i < config.target_count; i++) {
		size_t length = strcspn(config.targets[i], "=");
		bool is_known = false;

		bpf_object__for_each_program(program, object) {
			const char *name = bpf_program__name(program);

			is_known |= strlen(name) == length && strncmp(name, config.targets[i], length) == 0;
		}
		if (!is_known)
			usage_error("--attach %s: there is no program %.*s", config.targets[i], (int)length, config.targets[i]);
	}
	bpf_object__for_each_program(program, object) {
		const char *target = target_of(program);

		if (!target)
			continue;
		if (strcmp(target, "none") == 0)
			bpf_program__set_autoload(program, false);
		for (size_t i = 0; i < sizeof(early) / sizeof(early[0]); i++) {
			if (is_kind(bpf_program__section_name(program), early[i]))
				bpf_program__set_attach_target(program, 0, target);
		}
	}
}

__attribute__((noreturn)) static void bad_target(const struct bpf_program *program, const char *target, const char *expected)
{
	usage_error("--attach %s=%s: %s is expected", bpf_program__name(program), target, expected);
}

/* Cuts the text at the last such character; what follows it, or NULL. */
static char *cut_at_last(char *text, char separator)
{
	char *found = strrchr(text, separator);

	if (!found)
		return NULL;
	*found = '\0';
	return found + 1;
}

/* FUNCTION[+OFFSET]; the offset is cut off. */
static size_t cut_offset(const struct bpf_program *program, const char *target, char *function)
{
	char *offset = cut_at_last(function, '+');
	uint64_t value = 0;

	if (offset && parse_number(offset, 64, false, &value) != PARSED)
		bad_target(program, target, "a number after +");
	return value;
}

/* PATH:FUNCTION[+OFFSET][,pid=N], PATH:OFFSET; for USDT PATH:PROVIDER:NAME. */
static struct bpf_link *attach_user_probe(const struct bpf_program *program, const char *section, const char *target)
{
	LIBBPF_OPTS(bpf_uprobe_opts, opts, .retprobe = is_kind(section, "uretprobe"));
	char *path = need(strdup(target)), *pid_text = strstr(path, ",pid="), *name, *provider;
	uint64_t pid = 0, offset = 0;
	struct bpf_link *link;

	if (pid_text) {
		*pid_text = '\0';
		if (parse_number(pid_text + 5, 31, false, &pid) != PARSED)
			bad_target(program, target, "a process number after pid=");
	}
	name = cut_at_last(path, ':');
	if (is_kind(section, "usdt")) {
		provider = name ? cut_at_last(path, ':') : NULL;
		if (!provider)
			bad_target(program, target, "PATH:PROVIDER:NAME");
		link = bpf_program__attach_usdt(program, pid_text ? (int)pid : -1, path, provider, name, NULL);
	} else {
		if (!name || !name[0])
			bad_target(program, target, "PATH:FUNCTION");
		if (parse_number(name, 64, false, &offset) != PARSED) {
			offset = cut_offset(program, target, name);
			opts.func_name = name;
		}
		link = bpf_program__attach_uprobe_opts(program, pid_text ? (int)pid : -1, path, offset, &opts);
	}
	free(path);
	return link;
}

/* FUNCTION[+OFFSET]; for several a pattern, for system calls their name. */
static struct bpf_link *attach_kernel_probe(const struct bpf_program *program, const char *section, const char *target)
{
	bool is_return = strncmp(section + (section[0] == '?'), "kret", 4) == 0;
	char *function;
	struct bpf_link *link;

	if (strstr(section, ".multi")) {
		LIBBPF_OPTS(bpf_kprobe_multi_opts, opts, .retprobe = is_return);

		return bpf_program__attach_kprobe_multi_opts(program, target, &opts);
	}
	if (strstr(section, "syscall")) {
		LIBBPF_OPTS(bpf_ksyscall_opts, opts, .retprobe = is_return);

		return bpf_program__attach_ksyscall(program, target, &opts);
	}
	LIBBPF_OPTS(bpf_kprobe_opts, opts, .retprobe = is_return);
	function = need(strdup(target));
	opts.offset = cut_offset(program, target, function);
	link = bpf_program__attach_kprobe_opts(program, function, &opts);
	free(function);
	return link;
}

/* CATEGORY/NAME */
static struct bpf_link *attach_tracepoint(const struct bpf_program *program, const char *target)
{
	size_t length = strcspn(target, "/:");
	char *category = need(strndup(target, length));
	struct bpf_link *link;

	if (!target[length])
		bad_target(program, target, "CATEGORY/NAME");
	link = bpf_program__attach_tracepoint(program, category, target + length + 1);
	free(category);
	return link;
}

/* 0, or the negative errno; -EOPNOTSUPP for sections that are attached in another way, or not at all. */
static int attach_probe_to(const struct bpf_program *program, const char *section, const char *target, struct bpf_link **link)
{
	if (is_kind(section, "uprobe") || is_kind(section, "uretprobe") || is_kind(section, "usdt"))
		*link = attach_user_probe(program, section, target);
	else if (is_kind(section, "kprobe") || is_kind(section, "kretprobe") || is_kind(section, "ksyscall") ||
		 is_kind(section, "kretsyscall") || is_kind(section, "kprobe.multi") || is_kind(section, "kretprobe.multi"))
		*link = attach_kernel_probe(program, section, target);
	else if (is_kind(section, "tp") || is_kind(section, "tracepoint"))
		*link = attach_tracepoint(program, target);
	else if (is_kind(section, "raw_tp") || is_kind(section, "raw_tracepoint"))
		*link = bpf_program__attach_raw_tracepoint(program, target);
	else if (bpf_program__expected_attach_type(program) == BPF_TRACE_FENTRY ||
		 bpf_program__expected_attach_type(program) == BPF_TRACE_FEXIT ||
		 bpf_program__expected_attach_type(program) == BPF_MODIFY_RETURN ||
		 bpf_program__expected_attach_type(program) == BPF_TRACE_RAW_TP || bpf_program__type(program) == BPF_PROG_TYPE_LSM)
		*link = bpf_program__attach(program);
	else
		return -EOPNOTSUPP;
	return *link ? 0 : -errno;
}

/* By name or number. if_nametoindex(3) would bring 20 kB of other things along. */
static uint32_t interface_of(const struct bpf_program *program, const char *target, const char *name)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), error;
	struct ifreq request = { 0 };
	uint64_t number;

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	error = fd < 0 ? -1 : ioctl(fd, SIOCGIFINDEX, &request);
	if (fd >= 0)
		close(fd);
	if (!error)
		return (uint32_t)request.ifr_ifindex;
	if (parse_number(name, 31, false, &number) != PARSED || number == 0)
		bad_target(program, target, "a network interface");
	return (uint32_t)number;
}

/* INTERFACE, or INTERFACE:egress for tc */
static void set_interface(const struct bpf_program *program, const char *target, struct attach_def *def)
{
	size_t length = strcspn(target, ":");
	char name[IF_NAMESIZE];

	if (target[length] && (bpf_program__type(program) == BPF_PROG_TYPE_XDP ||
			       (strcmp(target + length, ":egress") != 0 && strcmp(target + length, ":ingress") != 0)))
		bad_target(program, target, bpf_program__type(program) == BPF_PROG_TYPE_XDP ? "a network interface" : "INTERFACE[:egress]");
	snprintf(name, sizeof(name), "%.*s", (int)length, target);
	def->ifindex = interface_of(program, target, name);
	if (target[length])
		def->tc_attach_point = strcmp(target + length, ":egress") == 0 ? BPF_TC_EGRESS : BPF_TC_INGRESS;
}

/* EVENT[@HERTZ], the names being those of perf(1) */
static void set_perf_event(const struct bpf_program *program, const char *target, struct perf_event_attr *attr)
{
	static const struct {
		const char *name;
		uint32_t type;
		uint64_t config;
	} events[] = {
		{ "cpu-cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES },
		{ "instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS },
		{ "cache-references", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_REFERENCES },
		{ "cache-misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES },
		{ "branches", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_INSTRUCTIONS },
		{ "branch-misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES },
		{ "cpu-clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK },
		{ "task-clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK },
		{ "page-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS },
		{ "context-switches", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES },
		{ "cpu-migrations", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS },
	};
	size_t length = strcspn(target, "@");
	uint64_t hertz = 1;

	if (target[length] && (parse_number(target + length + 1, 32, false, &hertz) != PARSED || hertz == 0))
		bad_target(program, target, "a frequency in Hz after @");
	attr->sample_freq = hertz;
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		if (strlen(events[i].name) != length || strncmp(events[i].name, target, length) != 0)
			continue;
		attr->type = events[i].type;
		attr->config = events[i].config;
		return;
	}
	bad_target(program, target, "cpu-cycles, cpu-clock or another event of perf(1)");
}
