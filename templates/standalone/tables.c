/* ---- What follows is about this program: made from its BTF and its doc comments. ---- */

static const char program_name[] = @PROGRAM_NAME@;
static const char program_version[] = @PROGRAM_VERSION@;
static const char *const program_summary = @PROGRAM_SUMMARY@;
static const char *const program_details = @PROGRAM_DETAILS@;
/* Several maps are printed: each line of JSON says which it is from. */
static const bool several_tables = @SEVERAL_TABLES@;
/* A map has samples of stacks. */
static const bool has_stacks = @HAS_STACKS@;

@TYPES@
static const struct option_def options[] = {
@OPTIONS@	{ .name = NULL },
};

@SOURCE_TYPES@static const struct source_def sources[] = {
@SOURCES@	{ .map = NULL },
};

static const struct sample_def sample_defs[] = {
@SAMPLES@	{ .map = NULL },
};

static const struct attach_def attach_defs[] = {
@ATTACH@	{ .program = NULL },
};

/* The name that libbpf gives to the object and, in part, to its maps. */
static const char object_name[] = @OBJECT_NAME@;

/* The eBPF object, an ELF file. */
static const unsigned char object_bytes[] __attribute__((aligned(8))) = {
@OBJECT@
};

/* ---- What follows is the same for every program. ---- */
