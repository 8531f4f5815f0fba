/* Makes the n-th call of a kind fail: FAULT_CALL, FAULT_NTH, FAULT_ERRNO; only in the process of that name (FAULT_PROCESS). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_int calls;

static int is_faulty(const char *call)
{
	const char *wanted = getenv("FAULT_CALL"), *nth = getenv("FAULT_NTH"), *process = getenv("FAULT_PROCESS");
	extern char *program_invocation_short_name;

	if (!wanted || !nth || strcmp(wanted, call))
		return 0;
	if (process && !strstr(program_invocation_short_name, process))
		return 0;
	if (atomic_fetch_add(&calls, 1) + 1 != atoi(nth))
		return 0;
	if (getenv("FAULT_LOG")) {
		int fd = creat(getenv("FAULT_LOG"), 0600);
		if (fd >= 0)
			close(fd);
	}
	errno = atoi(getenv("FAULT_ERRNO"));
	return 1;
}

#define REAL(type, name, ...) static type (*real)(__VA_ARGS__); if (!real) real = dlsym(RTLD_NEXT, #name)

static int is_file(int fd)
{
	struct stat info;

	return fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

ssize_t write(int fd, const void *bytes, size_t size)
{
	REAL(ssize_t, write, int, const void *, size_t);
	return is_file(fd) && is_faulty("write") ? -1 : real(fd, bytes, size);
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t at)
{
	REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t);
	return is_faulty("write") ? -1 : real(fd, bytes, size, at);
}

int fsync(int fd)
{
	REAL(int, fsync, int);
	return is_faulty("fsync") ? -1 : real(fd);
}

int rename(const char *from, const char *to)
{
	REAL(int, rename, const char *, const char *);
	return is_faulty("rename") ? -1 : real(from, to);
}

int mkdir(const char *path, mode_t mode)
{
	REAL(int, mkdir, const char *, mode_t);
	return is_faulty("mkdir") ? -1 : real(path, mode);
}

static int open_real(const char *path, int flags, mode_t mode)
{
	REAL(int, open64, const char *, int, ...);
	return real(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	va_list rest;
	mode_t mode;

	va_start(rest, flags);
	mode = va_arg(rest, mode_t);
	va_end(rest);
	if ((flags & O_CREAT) && is_faulty("create"))
		return -1;
	return open_real(path, flags, mode);
}

int open(const char *path, int flags, ...)
{
	va_list rest;
	mode_t mode;

	va_start(rest, flags);
	mode = va_arg(rest, mode_t);
	va_end(rest);
	if ((flags & O_CREAT) && is_faulty("create"))
		return -1;
	return open_real(path, flags, mode);
}
