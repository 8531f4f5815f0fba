/* Text that grows, and bytes of strangers made fit to print. */
struct text {
	char *data;
	size_t length;
	size_t capacity;
};

static void *need(void *memory)
{
	if (memory)
		return memory;
	fprintf(stderr, "%s: out of memory\n", program_name);
	exit(EXIT_FAILURE);
}

static void *allocate(size_t size)
{
	return need(calloc(1, size ? size : 1));
}

static void put_bytes(struct text *text, const char *bytes, size_t length)
{
	if (text->length + length + 1 > text->capacity) {
		size_t capacity = 2 * (text->length + length + 1);

		text->data = need(realloc(text->data, capacity));
		text->capacity = capacity;
	}
	memcpy(text->data + text->length, bytes, length);
	text->length += length;
	text->data[text->length] = '\0';
}

static void put(struct text *text, const char *string)
{
	put_bytes(text, string, strlen(string));
}

__attribute__((format(printf, 2, 3))) static void put_format(struct text *text, const char *format, ...)
{
	char buffer[128];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(buffer, sizeof(buffer), format, arguments);
	va_end(arguments);
	if (length < 0)
		return;
	if ((size_t)length < sizeof(buffer)) {
		put_bytes(text, buffer, length);
		return;
	}
	char *large = allocate((size_t)length + 1);

	va_start(arguments, format);
	vsnprintf(large, (size_t)length + 1, format, arguments);
	va_end(arguments);
	put_bytes(text, large, length);
	free(large);
}

static void put_blanks(struct text *text, size_t count)
{
	while (count-- > 0)
		put_bytes(text, " ", 1);
}

static void clear_text(struct text *text)
{
	text->length = 0;
	if (text->data)
		text->data[0] = '\0';
}

/* Bytes of the UTF-8 character that begins here; 0 for what is none. */
static size_t utf8_length(const unsigned char *bytes, size_t size)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char first = bytes[0];
	size_t length = first < 0x80 ? 1 : first >= 0xf0 && first < 0xf5 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
	uint32_t code;

	if (length <= 1)
		return length;
	if (length > size || first >= 0xf5)
		return 0;
	code = first & (0x7f >> length);
	for (size_t i = 1; i < length; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (bytes[i] & 0x3f);
	}
	return code < smallest[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? 0 : length;
}

#define REPLACEMENT "\xef\xbf\xbd"

/* Characters on a line, not bytes. */
static size_t width_of(const char *string, size_t length)
{
	size_t width = 0;

	for (size_t i = 0; i < length; i++)
		width += ((unsigned char)string[i] & 0xc0) != 0x80;
	return width;
}

/*
 * A string of the program's, up to its NUL or `size`: quoted for JSON, or for people, whose terminal must not take it for a
 * command.
 */
static void put_string(struct text *text, const unsigned char *bytes, size_t size, bool json)
{
	if (json)
		put(text, "\"");
	for (size_t i = 0; i < size && bytes[i];) {
		size_t length = utf8_length(bytes + i, size - i);

		if (length == 0) {
			put(text, REPLACEMENT);
			length = 1;
		} else if (bytes[i] < 0x20 || bytes[i] == 0x7f || (length == 2 && bytes[i] == 0xc2 && bytes[i + 1] < 0xa0)) {
			put_format(text, json ? "\\u%04x" : "\\x%02x", length == 2 ? bytes[i + 1] : bytes[i]);
		} else {
			if (json && (bytes[i] == '"' || bytes[i] == '\\'))
				put(text, "\\");
			put_bytes(text, (const char *)bytes + i, length);
		}
		i += length;
	}
	if (json)
		put(text, "\"");
}
