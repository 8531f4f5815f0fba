/* Tables: a time, then a column for each member; and the events that come as their rows. */

/* What the last row on standard output belongs to: the header is printed again when that changes. */
static const void *last_table;

static size_t natural_width(const struct type *type, uint32_t bits)
{
	size_t width = 0;

	switch (type->kind) {
	case KIND_BOOL:
		return 5;
	case KIND_INT:
	case KIND_UINT:
		return bits <= 8 ? 4 : bits <= 16 ? 6 : bits <= 32 ? 8 : bits <= 64 ? 14 : 20;
	case KIND_FLOAT:
		return 12;
	case KIND_POINTER:
		return 18;
	case KIND_ENUM:
		for (const struct enumerator *known = type->values; known->name; known++)
			width = strlen(known->name) > width ? strlen(known->name) : width;
		return width < 24 ? width : 24;
	case KIND_TEXT:
		return type->size && type->size < 17 ? type->size - 1 : 16;
	default:
		return 8;
	}
}

static size_t column_width(const char *name, const struct type *type, uint32_t bits)
{
	size_t width = natural_width(type, bits);

	return strlen(name) > width ? strlen(name) : width;
}

/* Blanks up to the width since `start`, and one more. */
static void pad(struct text *line, size_t start, size_t width)
{
	size_t used = width_of(line->data + start, line->length - start);

	put_blanks(line, used < width ? width - used + 1 : 1);
}

static void put_heading(struct text *line, const char *name, const struct type *type, uint32_t bits)
{
	size_t start = line->length;

	for (const char *c = name; *c; c++)
		put_bytes(line, (char[]){ (char)toupper((unsigned char)*c) }, 1);
	pad(line, start, column_width(name, type, bits));
}

static const struct type unknown_type = { .kind = KIND_BYTES };

/* Columns of a value: its members, or itself under the name `alone`. */
static void put_headings(struct text *line, const struct type *type, const char *alone)
{
	if (!type)
		type = &unknown_type;
	if (type->kind != KIND_STRUCT) {
		put_heading(line, alone, type, type->size * 8);
		return;
	}
	for (const struct member *member = type->members; member->name; member++)
		put_heading(line, member->name, member->type, member->bit_size ? member->bit_size : member->type->size * 8);
}

static void put_cells(struct text *line, const struct type *type, const char *alone, const unsigned char *data, size_t size)
{
	size_t start = line->length;

	if (!type)
		type = &unknown_type;
	if (type->kind != KIND_STRUCT) {
		put_value(line, type, data, size, STYLE_TABLE);
		pad(line, start, column_width(alone, type, type->size * 8));
		return;
	}
	for (const struct member *member = type->members; member->name; member++) {
		uint32_t bits = member->bit_size ? member->bit_size : member->type->size * 8;

		start = line->length;
		put_member(line, member, data, size, STYLE_TABLE);
		pad(line, start, column_width(member->name, member->type, bits));
	}
}

static void print_line(struct text *line)
{
	put(line, "\n");
	fwrite(line->data, 1, line->length, stdout);
	clear_text(line);
}

/* The last cell is padded like the others. */
static void print_row(struct text *line)
{
	while (line->length && line->data[line->length - 1] == ' ')
		line->length--;
	print_line(line);
}

static void put_time(struct text *line)
{
	time_t now = time(NULL);
	struct tm local;
	char clock[16];

	localtime_r(&now, &local);
	strftime(clock, sizeof(clock), "%H:%M:%S", &local);
	put_format(line, "%-8s ", clock);
}

/* The type that a record fits: the largest that is not longer, for the tail of the longest may be cut off. */
static const struct type *type_of_record(const struct source_def *source, size_t size)
{
	const struct type *smallest = NULL, *best = NULL;

	for (const struct type *const *type = source->types; *type; type++) {
		if ((*type)->size <= size && (!best || (*type)->size > best->size))
			best = *type;
		if (!smallest || (*type)->size < smallest->size)
			smallest = *type;
	}
	return best ? best : smallest;
}

static void print_event(const struct source_def *source, const unsigned char *data, size_t size)
{
	static struct text line;
	const struct type *type = type_of_record(source, size);

	if (config.json) {
		if (several_tables)
			put_format(&line, "{\"map\":\"%s\",\"event\":", source->map);
		put_value(&line, type, data, size, STYLE_JSON);
		if (several_tables)
			put(&line, "}");
		print_line(&line);
		return;
	}
	if (has_stacks && source->stacks) {
		last_table = source;
		if (put_stacks(&line, source->stacks, data, size))
			print_line(&line);
		return;
	}
	if (last_table != (type ? (const void *)type : source)) {
		last_table = type ? (const void *)type : source;
		put(&line, "TIME     ");
		put_headings(&line, type, source->map);
		print_row(&line);
	}
	put_time(&line);
	put_cells(&line, type, source->map, data, size);
	print_row(&line);
}

/* Records after which other things get their turn: a program that is faster than its reader would never let go. */
#define RECORDS_A_TURN 4096

/* Any negative number ends the turn; the record counts as read. */
static int on_ring_record(void *source, void *data, size_t size)
{
	static unsigned int count;

	print_event(source, data, size);
	return ++count % RECORDS_A_TURN ? 0 : -EINTR;
}

static void on_perf_record(void *source, int cpu, void *data, uint32_t size)
{
	(void)cpu;
	print_event(source, data, size);
}

static void on_lost_records(void *source, int cpu, unsigned long long count)
{
	fprintf(stderr, "%s: %llu events of %s were lost on CPU %d: they came faster than they were printed\n", program_name,
		count, ((const struct source_def *)source)->map, cpu);
}
