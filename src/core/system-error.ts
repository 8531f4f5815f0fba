/** What the system says, in words. */

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'no space is left on the device',
  EDQUOT: 'the disk quota is used up',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  EISDIR: 'a directory is in its place',
  ENOTDIR: 'a part of the path is not a directory',
  EEXIST: 'a file is in the place of the directory',
  ENAMETOOLONG: 'the name is too long',
  EIO: 'the device reports an error',
  ENOENT: 'no such file or directory',
  ELOOP: 'the links lead in a circle',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open on this machine',
};

/** Why writing failed: `no space is left on the device`; the code itself where there are no words for it. */
export function reasonOf(code: string): string {
  return REASONS[code] ?? code;
}

/** True for what Node makes of a system call that failed. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException & { readonly code: string } {
  if (!(error instanceof Error)) return false;
  const { code, syscall } = error as NodeJS.ErrnoException;
  return typeof code === 'string' && typeof syscall === 'string';
}
