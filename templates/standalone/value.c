/* Values out of the bytes that the program sent: never beyond `size`, whatever the type says. */
typedef unsigned __int128 wide;

enum style { STYLE_TABLE, STYLE_JSON };

/* An integer of 1, 2, 4, 8 or 16 bytes in this machine's byte order. */
static wide load_int(const unsigned char *data, uint32_t size)
{
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;
	wide value = 0;

	switch (size) {
	case 1:
		memcpy(&u8, data, size);
		return u8;
	case 2:
		memcpy(&u16, data, size);
		return u16;
	case 4:
		memcpy(&u32, data, size);
		return u32;
	case 8:
		memcpy(&u64, data, size);
		return u64;
	case 16:
		memcpy(&value, data, size);
		return value;
	default:
		return 0;
	}
}

/* A bit-field, up to 64 bits wide. */
static wide load_bits(const unsigned char *data, uint32_t bit_offset, uint32_t bit_size)
{
	uint32_t first = bit_offset / 8, last = (bit_offset + bit_size - 1) / 8;
	wide value = 0;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	for (uint32_t i = last + 1; i > first; i--)
		value = value << 8 | data[i - 1];
	value >>= bit_offset % 8;
#else
	for (uint32_t i = first; i <= last; i++)
		value = value << 8 | data[i];
	value >>= (last + 1) * 8 - (bit_offset + bit_size);
#endif
	return value & (((wide)1 << bit_size) - 1);
}

static void put_wide(struct text *out, wide value, bool negative)
{
	char digits[40];
	size_t at = sizeof(digits);

	do {
		digits[--at] = '0' + (char)(value % 10);
		value /= 10;
	} while (value);
	if (negative)
		digits[--at] = '-';
	put_bytes(out, digits + at, sizeof(digits) - at);
}

static void put_integer(struct text *out, wide value, uint32_t bits, bool is_signed)
{
	bool negative = is_signed && (value >> (bits - 1) & 1);

	if (negative)
		value = bits == 128 ? -value : ((wide)1 << bits) - value;
	put_wide(out, value, negative);
}

static void put_float(struct text *out, const unsigned char *data, uint32_t size, enum style style)
{
	float single;
	double number;
	int least = size == sizeof(single) ? 6 : 15, most = least == 6 ? 9 : 17;
	char buffer[40];

	if (size == sizeof(single)) {
		memcpy(&single, data, sizeof(single));
		number = (double)single;
	} else {
		memcpy(&number, data, sizeof(number));
	}
	if (number - number != 0) {
		/* JSON has no infinity and no NaN */
		put(out, style == STYLE_JSON ? "null" : number != number ? "nan" : number > 0 ? "inf" : "-inf");
		return;
	}
	for (int digits = least; digits <= most; digits++) {
		snprintf(buffer, sizeof(buffer), "%.*g", digits, number);
		if (size == sizeof(single) ? strtof(buffer, NULL) == (float)number : strtod(buffer, NULL) == number)
			break;
	}
	put(out, buffer);
}

static void put_enum(struct text *out, const struct type *type, wide value, uint32_t bits, enum style style)
{
	int64_t number = (int64_t)value;

	if (type->is_signed && bits < 64 && value >> (bits - 1) & 1)
		number = (int64_t)((uint64_t)value | ~(uint64_t)0 << bits);
	for (const struct enumerator *known = type->values; known->name; known++) {
		if (known->value != number)
			continue;
		put_format(out, style == STYLE_JSON ? "\"%s\"" : "%s", known->name);
		return;
	}
	put_integer(out, value, bits, type->is_signed);
}

static void put_scalar(struct text *out, const struct type *type, wide value, uint32_t bits, enum style style)
{
	switch (type->kind) {
	case KIND_BOOL:
		put(out, value ? "true" : "false");
		break;
	case KIND_ENUM:
		put_enum(out, type, value, bits, style);
		break;
	case KIND_POINTER:
		if (style == STYLE_TABLE)
			put_format(out, "0x%" PRIx64, (uint64_t)value);
		else
			put_wide(out, value, false);
		break;
	default:
		/* numbers of 128 bits are strings in JSON: few readers keep all their digits otherwise */
		if (bits > 64 && style == STYLE_JSON)
			put(out, "\"");
		put_integer(out, value, bits, type->kind == KIND_INT);
		if (bits > 64 && style == STYLE_JSON)
			put(out, "\"");
	}
}

static void put_hex(struct text *out, const unsigned char *data, size_t size, enum style style)
{
	if (style == STYLE_JSON)
		put(out, "\"");
	for (size_t i = 0; i < size; i++)
		put_format(out, "%02x", data[i]);
	if (style == STYLE_JSON)
		put(out, "\"");
}

static void put_value(struct text *out, const struct type *type, const unsigned char *data, size_t size, enum style style);

/* A member, or that it is missing when the record ends before it. */
static void put_member(struct text *out, const struct member *member, const unsigned char *data, size_t size,
		       enum style style)
{
	size_t offset = member->bit_offset / 8;

	if (member->bit_size) {
		if (member->bit_offset + (uint64_t)member->bit_size > (uint64_t)size * 8)
			put(out, style == STYLE_JSON ? "null" : "-");
		else
			put_scalar(out, member->type, load_bits(data, member->bit_offset, member->bit_size),
				   member->bit_size, style);
		return;
	}
	put_value(out, member->type, data + (offset < size ? offset : size), offset < size ? size - offset : 0, style);
}

/* Structs are JSON in a table, too. */
static void put_members(struct text *out, const struct type *type, const unsigned char *data, size_t size)
{
	put(out, "{");
	for (const struct member *member = type->members; member->name; member++) {
		put_format(out, "%s\"%s\":", member == type->members ? "" : ",", member->name);
		put_member(out, member, data, size, STYLE_JSON);
	}
	put(out, "}");
}

static void put_elements(struct text *out, const struct type *element, const unsigned char *data, size_t size)
{
	put(out, "[");
	for (size_t at = 0; element->size && at + element->size <= size; at += element->size) {
		if (at)
			put(out, ",");
		put_value(out, element, data + at, element->size, STYLE_JSON);
	}
	put(out, "]");
}

/* `size`: bytes that are there, which may be fewer or more than the type has. `type` may be NULL: not known. */
static void put_value(struct text *out, const struct type *type, const unsigned char *data, size_t size, enum style style)
{
	if (!type) {
		put_hex(out, data, size, style);
		return;
	}
	if (type->size && size > type->size && !type->is_open)
		size = type->size;
	switch (type->kind) {
	case KIND_TEXT:
		put_string(out, data, size, style == STYLE_JSON);
		return;
	case KIND_ARRAY:
		put_elements(out, type->element, data, size);
		return;
	case KIND_STRUCT:
		put_members(out, type, data, size);
		return;
	case KIND_BYTES:
		put_hex(out, data, size, style);
		return;
	default:
		break;
	}
	if (size < type->size)
		put(out, style == STYLE_JSON ? "null" : "-");
	else if (type->kind == KIND_FLOAT)
		put_float(out, data, type->size, style);
	else
		put_scalar(out, type, load_int(data, type->size), type->size * 8, style);
}
