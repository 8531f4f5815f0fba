/* Samples of stacks: whose they are, then the frames, innermost first, those of the kernel by name. */

/* A function of the kernel; `name` is where its name begins in `symbol_names`. */
struct symbol {
	uint64_t address;
	size_t name;
};

static struct symbol *symbols;
static size_t symbol_count;
static struct text symbol_names;

static int compare_symbols(const void *left, const void *right)
{
	const struct symbol *a = left, *b = right;

	if (a->address != b->address)
		return a->address < b->address ? -1 : 1;
	return a->name < b->name ? -1 : a->name > b->name;
}

static void add_symbol(uint64_t address, const char *name, size_t length)
{
	static size_t capacity;

	if (symbol_count == capacity) {
		capacity = capacity ? 2 * capacity : 1 << 16;
		symbols = need(realloc(symbols, capacity * sizeof(*symbols)));
	}
	symbols[symbol_count++] = (struct symbol){ address, symbol_names.length };
	put_bytes(&symbol_names, name, length);
	put_bytes(&symbol_names, "", 1);
}

/* Lines of ADDRESS KIND NAME [MODULE]. Where the kernel hides the addresses they are all 0. */
static void read_symbols(void)
{
	FILE *file = fopen("/proc/kallsyms", "re");
	char *line = NULL;
	size_t capacity = 0;

	while (file && getline(&line, &capacity, file) > 0) {
		char *end;
		uint64_t address = strtoull(line, &end, 16);

		if (address && end[0] == ' ' && end[1] && strchr("tTwW", end[1]) && end[2] == ' ')
			add_symbol(address, end + 3, strcspn(end + 3, " \t\n"));
	}
	free(line);
	if (file)
		fclose(file);
	if (symbol_count)
		qsort(symbols, symbol_count, sizeof(*symbols), compare_symbols);
}

/* The function that an address is in: the last that begins at it or before; of several with one address the first. */
static const struct symbol *find_symbol(uint64_t address)
{
	static bool is_read;
	size_t low = 0, high;

	if (!is_read)
		read_symbols();
	is_read = true;
	high = symbol_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (symbols[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return NULL;
	while (low > 1 && symbols[low - 2].address == symbols[low - 1].address)
		low--;
	return &symbols[low - 1];
}

/* An integer of the sample; 0 when the sample ends before it. */
static int64_t stack_number(const struct stack_member *member, const unsigned char *data, size_t size)
{
	if (member->offset + (size_t)member->size > size)
		return 0;
	/* lengths are negative errors when there is no stack */
	return member->size == 4 ? (int32_t)load_int(data + member->offset, 4) : (int64_t)load_int(data + member->offset, member->size);
}

/* How many frames there are: never more than the sample has room for. */
static size_t frame_count(const struct stack_member *frames, const struct stack_member *bytes, const unsigned char *data, size_t size)
{
	int64_t length = stack_number(bytes, data, size);
	size_t room = size > frames->offset ? size - frames->offset : 0;

	if (room > frames->size)
		room = frames->size;
	return length <= 0 ? 0 : (uint64_t)length > room ? room / 8 : (size_t)length / 8;
}

static void put_frames(struct text *out, const unsigned char *frames, size_t count, bool is_named)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t address = (uint64_t)load_int(frames + i * 8, 8);
		const struct symbol *symbol = is_named ? find_symbol(address) : NULL;

		put_format(out, "%3zu [<%016" PRIx64 ">]", i, address);
		if (symbol)
			put_format(out, " %s", symbol_names.data + symbol->name);
		if (symbol && address != symbol->address)
			put_format(out, "+0x%" PRIx64, address - symbol->address);
		put(out, "\n");
	}
}

/* False for a sample without frames. */
static bool put_stacks(struct text *out, const struct stack_def *def, const unsigned char *data, size_t size)
{
	size_t kernel = frame_count(&def->kernel, &def->kernel_bytes, data, size);
	size_t user = frame_count(&def->user, &def->user_bytes, data, size);
	size_t room = size > def->comm.offset ? size - def->comm.offset : 0;

	if (!kernel && !user)
		return false;
	put(out, "COMM: ");
	put_string(out, data + (room ? def->comm.offset : 0), room < def->comm.size ? room : def->comm.size, false);
	put_format(out, " (pid=%" PRId64 ") @ CPU %" PRId64 "\n", stack_number(&def->pid, data, size), stack_number(&def->cpu, data, size));
	put(out, kernel ? "Kernel:\n" : "No Kernel Stack\n");
	put_frames(out, data + def->kernel.offset, kernel, def->with_symbols);
	put(out, user ? "Userspace:\n" : "No Userspace Stack\n");
	put_frames(out, data + def->user.offset, user, false);
	return true;
}
