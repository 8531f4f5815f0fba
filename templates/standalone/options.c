/* The command line: the program's own options, which set its global variables, and those of every loader. */
static struct {
	bool json;
	bool verbose;
	bool trace;
	const char *btf;
	const char *cgroup;
	/* PROG=TARGET */
	const char **targets;
	size_t target_count;
} config = { .cgroup = DEFAULT_CGROUP };

/* New values of the variables, by index in `options`; NULL for those that keep the object's. */
static unsigned char *settings[sizeof(options) / sizeof(options[0])];

__attribute__((format(printf, 1, 2), noreturn)) static void usage_error(const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "%s: ", program_name);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, "\n  help: %s --help lists the options\n", program_name);
	exit(EXIT_USAGE);
}

static const char *argument_name(const struct type *type)
{
	switch (type->kind) {
	case KIND_BOOL:
		return "BOOL";
	case KIND_ENUM:
		return "NAME";
	case KIND_TEXT:
		return "TEXT";
	default:
		return "NUMBER";
	}
}

static bool parse_bool(const char *text, bool *value)
{
	static const char *const words[] = { "false", "true", "no", "yes", "off", "on", "0", "1" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(text, words[i]) == 0) {
			*value = i % 2;
			return true;
		}
	}
	return false;
}

enum parsed { PARSED, NOT_A_NUMBER, OUT_OF_RANGE };

/* Decimal, or hexadecimal after 0x; a sign where the type has one. */
static enum parsed parse_number(const char *text, uint32_t bits, bool is_signed, uint64_t *value)
{
	bool negative = is_signed && text[0] == '-';
	const char *digits = text + (negative || text[0] == '+');
	bool hex = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
	uint64_t limit = UINT64_MAX >> (64 - bits);
	char *end;

	if (hex)
		digits += 2;
	if (!(hex ? isxdigit((unsigned char)digits[0]) : isdigit((unsigned char)digits[0])))
		return text[0] == '-' && isdigit((unsigned char)text[1]) ? OUT_OF_RANGE : NOT_A_NUMBER;
	errno = 0;
	*value = strtoull(digits, &end, hex ? 16 : 10);
	if (*end)
		return NOT_A_NUMBER;
	if (is_signed)
		limit = (limit >> 1) + negative;
	if (errno || *value > limit)
		return OUT_OF_RANGE;
	if (negative)
		*value = -*value;
	return PARSED;
}

static void store_int(unsigned char *bytes, uint32_t size, uint64_t value)
{
	uint8_t u8 = value;
	uint16_t u16 = value;
	uint32_t u32 = value;
	const void *from = size == 1 ? (void *)&u8 : size == 2 ? (void *)&u16 : size == 4 ? (void *)&u32 : (void *)&value;

	memcpy(bytes, from, size);
}

static void store_number(const struct option_def *option, const char *text, unsigned char *bytes)
{
	const struct type *type = option->type;
	uint32_t bits = type->size * 8;
	bool is_signed = type->kind == KIND_INT || (type->kind == KIND_ENUM && type->is_signed);
	uint64_t value = 0;

	/* a char may be given as itself, a digit as the number that it is */
	if (bits == 8 && text[0] && !text[1] && !isdigit((unsigned char)text[0])) {
		store_int(bytes, 1, (unsigned char)text[0]);
		return;
	}
	switch (parse_number(text, bits, is_signed, &value)) {
	case PARSED:
		store_int(bytes, type->size, value);
		return;
	case NOT_A_NUMBER:
		usage_error("--%s %s: a number is expected", option->name, text);
	case OUT_OF_RANGE:
		if (is_signed)
			usage_error("--%s %s: out of range, %" PRId64 " to %" PRId64 " is possible", option->name, text,
				    INT64_MIN >> (64 - bits), INT64_MAX >> (64 - bits));
		usage_error("--%s %s: out of range, 0 to %" PRIu64 " is possible", option->name, text,
			    UINT64_MAX >> (64 - bits));
	}
}

static void store_float(const struct option_def *option, const char *text, unsigned char *bytes)
{
	char *end;
	double number = strtod(text, &end);
	float single = (float)number;

	if (end == text || *end || isspace((unsigned char)text[0]))
		usage_error("--%s %s: a number is expected", option->name, text);
	if (option->type->size == sizeof(single))
		memcpy(bytes, &single, sizeof(single));
	else
		memcpy(bytes, &number, sizeof(number));
}

static void store_enum(const struct option_def *option, const char *text, unsigned char *bytes)
{
	struct text names = { 0 };

	for (const struct enumerator *known = option->type->values; known->name; known++) {
		if (strcmp(known->name, text) == 0) {
			store_int(bytes, option->type->size, (uint64_t)known->value);
			return;
		}
		put_format(&names, "%s%s", names.length ? ", " : "", known->name);
	}
	if (!isdigit((unsigned char)text[0]) && text[0] != '-' && text[0] != '+')
		usage_error("--%s %s: one of %s is expected, or a number", option->name, text, names.data ? names.data : "no names");
	free(names.data);
	store_number(option, text, bytes);
}

static void store_text(const struct option_def *option, const char *text, unsigned char *bytes)
{
	if (strlen(text) >= option->type->size)
		usage_error("--%s %s: %zu bytes, but there is room for %u", option->name, text, strlen(text),
			    option->type->size - 1);
	memcpy(bytes, text, strlen(text));
}

static void set_option(const struct option_def *option, const char *text)
{
	unsigned char **setting = &settings[option - options];
	bool flag;

	free(*setting);
	*setting = allocate(option->type->size);
	switch (option->type->kind) {
	case KIND_BOOL:
		if (!parse_bool(text, &flag))
			usage_error("--%s=%s: true or false is expected", option->name, text);
		(*setting)[0] = flag;
		break;
	case KIND_FLOAT:
		store_float(option, text, *setting);
		break;
	case KIND_ENUM:
		store_enum(option, text, *setting);
		break;
	case KIND_TEXT:
		store_text(option, text, *setting);
		break;
	default:
		store_number(option, text, *setting);
	}
}

struct builtin {
	const char *name;
	char letter;
	const char *argument;
	const char *help;
	bool *flag;
	const char **value;
};

static const struct builtin builtins[] = {
	{ "json", 'j', NULL, "Print JSON, one object a line", &config.json, NULL },
	{ "trace", 0, NULL, "Print the trace pipe, where bpf_printk() writes", &config.trace, NULL },
	{ "verbose", 'v', NULL, "Print what libbpf and the verifier say", &config.verbose, NULL },
	{ "btf", 0, "FILE", "BTF of the running kernel, where it has none itself", NULL, &config.btf },
	{ "cgroup", 0, "DIR", "Cgroup of programs that attach to one [default: " DEFAULT_CGROUP "]", NULL, &config.cgroup },
	{ "attach", 0, "PROG=TARGET", "What a program is attached to, where its section does not say; PROG=none leaves it out", NULL, NULL },
	{ "help", 'h', NULL, "Print this text", NULL, NULL },
	{ "version", 'V', NULL, "Print the version", NULL, NULL },
	{ NULL, 0, NULL, NULL, NULL, NULL },
};

#define HELP_COLUMN 30

static void print_option(char letter, const char *name, const char *argument, const char *help, const char *shown)
{
	struct text line = { 0 };

	if (letter)
		put_format(&line, "  -%c, --%s%s", letter, name, argument);
	else
		put_format(&line, "      --%s%s", name, argument);
	if (line.length + 2 > HELP_COLUMN) {
		put(&line, "\n");
		put_blanks(&line, HELP_COLUMN);
	} else {
		put_blanks(&line, HELP_COLUMN - line.length);
	}
	put(&line, help);
	if (shown)
		put_format(&line, "%s[default: %s]", help[0] ? " " : "", shown);
	puts(line.data);
	free(line.data);
}

static const struct option_def *find_letter(char letter);

static void print_help(void)
{
	char argument[40];

	printf("Usage: %s [OPTIONS]\n", program_name);
	if (program_summary)
		printf("\n%s\n", program_summary);
	if (options[0].name)
		printf("\nOptions of the program:\n");
	for (const struct option_def *option = options; option->name; option++) {
		const char *format = option->type->kind == KIND_BOOL ? "[=%s]" : " %s";

		snprintf(argument, sizeof(argument), format, argument_name(option->type));
		print_option(option->letter, option->name, argument, option->help, option->shown);
	}
	printf("\nOptions:\n");
	for (const struct builtin *builtin = builtins; builtin->name; builtin++) {
		snprintf(argument, sizeof(argument), builtin->argument ? " %s" : "%s", builtin->argument ? builtin->argument : "");
		print_option(find_letter(builtin->letter) ? 0 : builtin->letter, builtin->name, argument, builtin->help, NULL);
	}
	if (program_details)
		printf("\n%s\n", program_details);
}

/* `-` and `_` are the same in a name. */
static bool is_name(const char *name, const char *given, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (name[i] != given[i] && !(name[i] == '_' && given[i] == '-') && !(name[i] == '-' && given[i] == '_'))
			return false;
	}
	return name[length] == '\0';
}

static const struct option_def *find_option(const char *given, size_t length)
{
	for (const struct option_def *option = options; option->name; option++) {
		if (is_name(option->name, given, length))
			return option;
	}
	return NULL;
}

static const struct option_def *find_letter(char letter)
{
	for (const struct option_def *option = options; option->name; option++) {
		if (letter && option->letter == letter)
			return option;
	}
	return NULL;
}

/* --no-x, and the names that the eunomia-bpf loader gives to flags: --enable-x, --disable-x. */
static const struct option_def *find_flag(const char *given, size_t length, const char **value)
{
	static const char *const prefixes[][2] = { { "no-", "false" }, { "disable-", "false" }, { "enable-", "true" } };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		size_t skip = strlen(prefixes[i][0]);
		const struct option_def *option;

		if (length <= skip || strncmp(given, prefixes[i][0], skip) != 0)
			continue;
		option = find_option(given + skip, length - skip);
		if (option && option->type->kind == KIND_BOOL) {
			*value = prefixes[i][1];
			return option;
		}
	}
	return NULL;
}

static void add_target(const char *target)
{
	const char *equals = strchr(target, '=');

	if (!equals || equals == target || !equals[1])
		usage_error("--attach %s: PROG=TARGET is expected", target);
	config.targets = need(realloc(config.targets, (config.target_count + 1) * sizeof(*config.targets)));
	config.targets[config.target_count++] = target;
}

static void use_builtin(const struct builtin *builtin, const char *value)
{
	if (builtin->flag) {
		*builtin->flag = true;
	} else if (builtin->value) {
		*builtin->value = value;
	} else if (value) {
		add_target(value);
	} else {
		if (builtin->letter == 'h')
			print_help();
		else
			printf("%s %s\n", program_name, program_version);
		exit(fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS);
	}
}

static const char *next_value(char **argv, int *at, const char *name)
{
	if (!argv[*at + 1])
		usage_error("%s: a value is expected", name);
	return argv[++*at];
}

static void parse_long(char **argv, int *at)
{
	const char *given = argv[*at] + 2, *equals = strchr(given, '='), *value = equals ? equals + 1 : NULL;
	size_t length = equals ? (size_t)(equals - given) : strlen(given);
	const struct option_def *option = find_option(given, length);
	const char *implied = NULL;

	if (option) {
		if (!value && option->type->kind == KIND_BOOL)
			value = "true";
		set_option(option, value ? value : next_value(argv, at, argv[*at]));
		return;
	}
	for (const struct builtin *builtin = builtins; builtin->name; builtin++) {
		if (!is_name(builtin->name, given, length))
			continue;
		if (!builtin->argument && value)
			usage_error("--%s takes no value", builtin->name);
		if (builtin->argument && !value)
			value = next_value(argv, at, argv[*at]);
		use_builtin(builtin, value);
		return;
	}
	option = find_flag(given, length, &implied);
	if (!option)
		usage_error("unknown option --%.*s", (int)length, given);
	if (value)
		usage_error("--%.*s takes no value", (int)length, given);
	set_option(option, implied);
}

/* One word of letters: -jv, -p 7, -p7. */
static void parse_letters(char **argv, int *at)
{
	for (const char *letter = argv[*at] + 1; *letter; letter++) {
		const struct option_def *option = find_letter(*letter);
		const struct builtin *builtin = builtins;

		if (option && option->type->kind == KIND_BOOL) {
			set_option(option, "true");
			continue;
		}
		if (option) {
			set_option(option, letter[1] ? letter + 1 + (letter[1] == '=') : next_value(argv, at, argv[*at]));
			return;
		}
		while (builtin->name && builtin->letter != *letter)
			builtin++;
		if (!builtin->name)
			usage_error("unknown option -%c", *letter);
		use_builtin(builtin, NULL);
	}
}

/* Ends the process for --help, --version and mistakes. */
static void parse_command_line(char **argv)
{
	for (const struct option_def *option = options; option->name; option++) {
		if (option->value)
			set_option(option, option->value);
	}
	for (int at = 1; argv[at]; at++) {
		if (argv[at][0] == '-' && argv[at][1] == '-' && argv[at][2])
			parse_long(argv, &at);
		else if (argv[at][0] == '-' && argv[at][1] && argv[at][1] != '-')
			parse_letters(argv, &at);
		else
			usage_error("%s: no such argument is known", argv[at]);
	}
	if (config.btf && access(config.btf, R_OK) != 0)
		usage_error("--btf %s: %s", config.btf, strerror(errno));
}
