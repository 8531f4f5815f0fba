/* The loop: events, samples, the trace pipe, until a signal ends it. */

/* Milliseconds after which rings are looked at though nobody was woken: programs may ask the kernel not to wake. */
#define POLL_MS 100

enum { FD_SIGNAL, FD_RING, FD_PERF, FD_TRACE = FD_PERF + sizeof(sources) / sizeof(sources[0]), FD_COUNT };

struct readers {
	struct ring_buffer *ring;
	struct perf_buffer *perf[sizeof(sources) / sizeof(sources[0])];
	struct sample samples[sizeof(sample_defs) / sizeof(sample_defs[0])];
	struct pollfd fds[FD_COUNT];
};

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* What was written before is not this run's, though reading is the only way past it. */
static int skip_old_lines(int fd)
{
	char buffer[4096];

	while (read(fd, buffer, sizeof(buffer)) > 0)
		;
	return fd;
}

static int open_trace_pipe(void)
{
	int fd = open("/sys/kernel/tracing/trace_pipe", O_RDONLY | O_NONBLOCK | O_CLOEXEC), error = errno;

	if (fd < 0)
		fd = open("/sys/kernel/debug/tracing/trace_pipe", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0)
		return skip_old_lines(fd);
	if (error == ENOENT)
		fail(EXIT_REFUSED, "--trace: tracefs is not mounted: mount -t tracefs tracefs /sys/kernel/tracing");
	fail(EXIT_REFUSED, "--trace: /sys/kernel/tracing/trace_pipe: %s%s", strerror(error),
	     error == EACCES || error == EPERM ? ": run it as root" : error == EBUSY ? ": somebody else reads it" : "");
}

static void print_trace_line(struct text *line)
{
	static struct text object;

	if (config.json) {
		put(&object, "{\"trace\":");
		put_string(&object, (unsigned char *)line->data, line->length, true);
		put(&object, "}");
		print_line(&object);
		clear_text(line);
	} else {
		last_table = line;
		print_line(line);
	}
}

/* Whole lines only: a read may end within one. */
static void read_trace_pipe(int fd)
{
	static struct text line;
	char buffer[4096];
	ssize_t length;

	while ((length = read(fd, buffer, sizeof(buffer))) > 0) {
		const char *rest = buffer, *end = buffer + length, *newline;

		while ((newline = memchr(rest, '\n', (size_t)(end - rest)))) {
			put_bytes(&line, rest, (size_t)(newline - rest));
			print_trace_line(&line);
			rest = newline + 1;
		}
		put_bytes(&line, rest, (size_t)(end - rest));
	}
}

static void open_ring(struct readers *readers, int map_fd, const struct source_def *source)
{
	int error = 0;

	if (readers->ring)
		error = ring_buffer__add(readers->ring, map_fd, on_ring_record, (void *)source);
	else
		readers->ring = ring_buffer__new(map_fd, on_ring_record, (void *)source, NULL);
	if (!readers->ring || error)
		fail(EXIT_REFUSED, "%s: its ring buffer cannot be opened: %s", source->map, strerror(errno));
}

static void open_readers(struct readers *readers, const struct bpf_object *object)
{
	for (size_t i = 0; sources[i].map; i++) {
		int fd = bpf_object__find_map_fd_by_name(object, sources[i].map);

		if (!sources[i].is_perf) {
			open_ring(readers, fd, &sources[i]);
			continue;
		}
		readers->perf[i] = perf_buffer__new(fd, 64, on_perf_record, on_lost_records, (void *)&sources[i], NULL);
		if (!readers->perf[i])
			fail(EXIT_REFUSED, "%s: its perf buffers cannot be opened: %s", sources[i].map, strerror(errno));
		readers->fds[FD_PERF + i].fd = perf_buffer__epoll_fd(readers->perf[i]);
	}
	if (readers->ring)
		readers->fds[FD_RING].fd = ring_buffer__epoll_fd(readers->ring);
	for (size_t i = 0; sample_defs[i].map; i++)
		open_sample(&readers->samples[i], &sample_defs[i], object);
}

static void read_events(struct readers *readers)
{
	if (readers->ring)
		ring_buffer__consume(readers->ring);
	for (size_t i = 0; sources[i].map; i++) {
		if (readers->perf[i])
			perf_buffer__consume(readers->perf[i]);
	}
	if (readers->fds[FD_TRACE].fd >= 0)
		read_trace_pipe(readers->fds[FD_TRACE].fd);
}

/* Until nothing is left: no more can come. */
static void drain_events(struct readers *readers)
{
	while (readers->ring && ring_buffer__consume(readers->ring) == -EINTR)
		;
	read_events(readers);
}

/* False when nobody reads the output any more. */
static bool flush_output(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return true;
	if (errno != EPIPE)
		fail(EXIT_FAILURE, "standard output: %s", strerror(errno));
	return false;
}

static void run(struct readers *readers)
{
	bool has_events = readers->ring || sources[0].map;

	for (;;) {
		int64_t wait = print_due_samples(readers->samples, has_events ? POLL_MS : 3600 * 1000);

		if (!flush_output())
			return;
		poll(readers->fds, FD_COUNT, (int)(wait > 0 ? wait : 0));
		read_events(readers);
		if (readers->fds[FD_SIGNAL].revents) {
			/* the last events, now that no more can come; samples once more, so that short runs show something */
			detach_all();
			drain_events(readers);
			for (size_t i = 0; sample_defs[i].map; i++)
				print_sample(&readers->samples[i]);
			flush_output();
			return;
		}
	}
}

static void close_readers(struct readers *readers)
{
	ring_buffer__free(readers->ring);
	for (size_t i = 0; sources[i].map; i++)
		perf_buffer__free(readers->perf[i]);
}

int main(int argc, char **argv)
{
	static struct readers readers;
	struct bpf_object *object;

	(void)argc;
	parse_command_line(argv);
	for (size_t i = 0; i < FD_COUNT; i++)
		readers.fds[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
	if (config.trace)
		readers.fds[FD_TRACE].fd = open_trace_pipe();
	object = load_object();
	open_readers(&readers, object);
	/* until here the kernel cleans up after a process that a signal ends; from here on, we do */
	readers.fds[FD_SIGNAL].fd = open_signals();
	attach_all(object);
	if (iterator_count) {
		print_iterators();
		flush_output();
	}
	/* iterators alone have said all that they have to say */
	if (iterator_count < attachment_count || sources[0].map || sample_defs[0].map || config.trace) {
		fprintf(stderr, "Running eBPF program...\n");
		if (!sources[0].map && !sample_defs[0].map && !config.trace)
			fprintf(stderr, "%s: prints nothing by itself; what bpf_printk() writes is shown with --trace\n", program_name);
		run(&readers);
	}
	detach_all();
	close_readers(&readers);
	bpf_object__close(object);
	return EXIT_SUCCESS;
}
