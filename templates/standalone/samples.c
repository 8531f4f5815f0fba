/* Maps that are printed every so often: keys and values, or histograms. */

struct sample {
	const struct sample_def *def;
	const struct bpf_map *map;
	uint32_t key_size;
	uint32_t value_size;
	/* Values of a key: one, or one a CPU. */
	uint32_t copies;
	/* Milliseconds of the monotonic clock. */
	int64_t due;
};

#define MAX_SLOTS 1024

static bool is_per_cpu(enum bpf_map_type type)
{
	return type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_LRU_PERCPU_HASH || type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

static uint32_t stride(const struct sample *sample)
{
	return sample->copies > 1 ? (sample->value_size + 7) / 8 * 8 : sample->value_size;
}

static void put_copies(struct text *out, const struct sample *sample, const unsigned char *values)
{
	if (sample->copies == 1) {
		put_value(out, sample->def->value, values, sample->value_size, STYLE_JSON);
		return;
	}
	put(out, "[");
	for (uint32_t i = 0; i < sample->copies; i++) {
		put(out, i ? "," : "");
		put_value(out, sample->def->value, values + i * stride(sample), sample->value_size, STYLE_JSON);
	}
	put(out, "]");
}

static void print_json_entry(const struct sample *sample, const unsigned char *key, const unsigned char *values)
{
	static struct text line;

	put(&line, "{");
	if (several_tables)
		put_format(&line, "\"map\":\"%s\",", sample->def->map);
	put(&line, "\"key\":");
	put_value(&line, sample->def->key, key, sample->key_size, STYLE_JSON);
	put(&line, ",\"value\":");
	put_copies(&line, sample, values);
	put(&line, "}");
	print_line(&line);
}

/* A row; per-CPU values are a row each. */
static void print_entry(const struct sample *sample, const unsigned char *key, const unsigned char *values)
{
	static const struct type cpu_type = { .kind = KIND_UINT, .size = 2 };
	static struct text line;
	const struct sample_def *def = sample->def;

	if (last_table != def) {
		last_table = def;
		put(&line, "TIME     ");
		put_headings(&line, def->key, "key");
		if (sample->copies > 1)
			put_heading(&line, "cpu", &cpu_type, 16);
		put_headings(&line, def->value, "value");
		print_row(&line);
	}
	for (uint32_t i = 0; i < sample->copies; i++) {
		uint16_t cpu = i;

		put_time(&line);
		put_cells(&line, def->key, "key", key, sample->key_size);
		if (sample->copies > 1)
			put_cells(&line, &cpu_type, "cpu", (unsigned char *)&cpu, sizeof(cpu));
		put_cells(&line, def->value, "value", values + i * stride(sample), sample->value_size);
		print_row(&line);
	}
}

static const struct member *slots_of(const struct type *type)
{
	for (const struct member *member = type->members; member->name; member++) {
		if (strcmp(member->name, "slots") == 0)
			return member;
	}
	return NULL;
}

/* Counts by slot, summed over the CPUs. Returns the number of slots up to the last that is not zero. */
static size_t read_slots(const struct sample *sample, const unsigned char *values, uint64_t *counts)
{
	const struct type *type = sample->def->value;
	const struct member *slots = type->kind == KIND_STRUCT ? slots_of(type) : NULL;
	const struct type *array = slots ? slots->type : type;
	size_t offset = slots ? slots->bit_offset / 8 : 0, used = 0;
	size_t count = array->size / array->element->size;

	for (size_t i = 0; i < count && i < MAX_SLOTS; i++) {
		counts[i] = 0;
		for (uint32_t copy = 0; copy < sample->copies; copy++) {
			size_t at = copy * stride(sample) + offset + i * array->element->size;

			counts[i] += (uint64_t)load_int(values + at, array->element->size);
		}
		if (counts[i])
			used = i + 1;
	}
	return used;
}

static void put_bar(struct text *line, uint64_t count, uint64_t most, uint32_t width)
{
	uint64_t filled = most ? (uint64_t)((wide)count * width / most) : 0;

	put(line, "|");
	for (uint32_t i = 0; i < width; i++)
		put(line, i < filled ? "*" : " ");
	put(line, "|");
}

static void print_histogram(const struct sample_def *def, const uint64_t *counts, size_t used)
{
	static struct text line;
	bool is_log2 = def->form == SAMPLE_LOG2_HIST, is_wide = is_log2 && used > 33;
	int number = is_wide ? 20 : 10;
	uint64_t most = 0;

	for (size_t i = 0; i < used; i++)
		most = counts[i] > most ? counts[i] : most;
	put_format(&line, "%*s%-*s : count    distribution", is_wide ? 15 : 5, "", is_wide ? 29 : 19, def->unit);
	print_line(&line);
	for (size_t i = 0; i < used; i++) {
		uint64_t low = i == 0 ? 0 : UINT64_C(1) << i, high = i >= 63 ? UINT64_MAX : (UINT64_C(2) << i) - 1;

		if (is_log2)
			put_format(&line, "%*" PRIu64 " -> %-*" PRIu64, number, low, number, high);
		else
			put_format(&line, "     %-19zu", i);
		put_format(&line, " : %-8" PRIu64 " ", counts[i]);
		put_bar(&line, counts[i], most, is_wide ? 20 : 40);
		print_line(&line);
	}
}

static void print_distribution(const struct sample *sample, const unsigned char *key, const unsigned char *values)
{
	static struct text line;
	static uint64_t counts[MAX_SLOTS];
	const struct type *key_type = sample->def->key, *type = sample->def->value;
	size_t used = read_slots(sample, values, counts);

	if (used == 0)
		return;
	put(&line, "key = ");
	if (key_type && key_type->kind == KIND_STRUCT) {
		for (const struct member *member = key_type->members; member->name; member++) {
			put(&line, member == key_type->members ? "" : " ");
			put_member(&line, member, key, sample->key_size, STYLE_TABLE);
		}
	} else {
		put_value(&line, key_type, key, sample->key_size, STYLE_TABLE);
	}
	print_line(&line);
	if (type->kind == KIND_STRUCT && sample->copies == 1) {
		for (const struct member *member = type->members; member->name; member++) {
			if (strcmp(member->name, "slots") == 0)
				continue;
			put_format(&line, "%s = ", member->name);
			put_member(&line, member, values, sample->value_size, STYLE_TABLE);
			print_line(&line);
		}
	}
	print_histogram(sample->def, counts, used);
	print_line(&line);
}

static void forget_entry(const struct sample *sample, const unsigned char *key, unsigned char *values)
{
	int fd = bpf_map__fd(sample->map);

	if (bpf_map_delete_elem(fd, key) == 0)
		return;
	/* arrays keep their entries */
	memset(values, 0, (size_t)stride(sample) * sample->copies);
	bpf_map_update_elem(fd, key, values, BPF_EXIST);
}

/* Keys first, then values: a map that changes meanwhile may send the walk back to its start, so it ends after as many as fit. */
static size_t read_keys(const struct sample *sample, unsigned char **keys)
{
	uint32_t most = bpf_map__max_entries(sample->map);
	unsigned char *all = NULL;
	size_t count = 0, room = 0;

	while (count < most) {
		if (count == room) {
			unsigned char *more = realloc(all, (room = room ? 2 * room : 64) * sample->key_size);

			if (!more)
				break;
			all = more;
		}
		if (bpf_map_get_next_key(bpf_map__fd(sample->map), count ? all + (count - 1) * sample->key_size : NULL,
					 all + count * sample->key_size))
			break;
		count++;
	}
	*keys = all;
	return count;
}

static void print_sample(const struct sample *sample)
{
	unsigned char *values = allocate((size_t)stride(sample) * sample->copies), *keys;
	size_t count = read_keys(sample, &keys);

	for (size_t i = 0; i < count; i++) {
		const unsigned char *key = keys + i * sample->key_size;

		if (bpf_map_lookup_elem(bpf_map__fd(sample->map), key, values))
			continue;
		if (config.json)
			print_json_entry(sample, key, values);
		else if (sample->def->form == SAMPLE_KEY_VALUE)
			print_entry(sample, key, values);
		else
			print_distribution(sample, key, values);
		if (sample->def->clear)
			forget_entry(sample, key, values);
	}
	free(keys);
	free(values);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void open_sample(struct sample *sample, const struct sample_def *def, const struct bpf_object *object)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, def->map);

	*sample = (struct sample){
		.def = def,
		.map = map,
		.key_size = bpf_map__key_size(map),
		.value_size = bpf_map__value_size(map),
		.copies = is_per_cpu(bpf_map__type(map)) ? (uint32_t)libbpf_num_possible_cpus() : 1,
		.due = now_ms() + def->interval_ms,
	};
}

/* Prints what is due. Returns the milliseconds until the next is, at most `wait`. */
static int64_t print_due_samples(struct sample *all, int64_t wait)
{
	for (size_t i = 0; sample_defs[i].map; i++) {
		int64_t now = now_ms();

		if (all[i].due <= now) {
			print_sample(&all[i]);
			/* a sample that took longer than its interval is not made up for */
			all[i].due += all[i].def->interval_ms;
			if (all[i].due <= now)
				all[i].due = now + all[i].def->interval_ms;
		}
		if (all[i].due - now < wait)
			wait = all[i].due - now;
	}
	return wait;
}
