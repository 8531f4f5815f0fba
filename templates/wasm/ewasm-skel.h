/* An eBPF package for WebAssembly programs, written by ecc. Do not edit. */
#ifndef @GUARD@
#define @GUARD@

/*
 * The package, JSON, and a NUL: sizeof(program_data) - 1 is its length. Every source that includes this header has its own
 * copy; one that does not use it has none in its object.
 */
#ifdef __GNUC__
__attribute__((__unused__))
#endif
static char program_data[] = {
@DATA@
};

#endif /* @GUARD@ */
