/**
 * Directories with `=` in their names: clang takes what stands before the first one for the directory when it maps paths, so that the names of
 * the machine would stay in the object. They are given to clang by another name, a link in a directory without.
 */
import { type CompileJob, directoryPrefix, includeFlags } from './clang.ts';

/** Directories of a job that have to be mapped and cannot be, as clang would be given them, without a `/` at the end. */
export function unmappableDirectories(job: CompileJob): string[] {
  const directories = [
    ...includeFlags(job.userFlags).flatMap(({ value, isFile }) => (isFile ? [] : [value])),
    ...job.mappedDirectories.map(({ directory }) => directory),
    directoryPrefix(job.source),
  ];
  return [...new Set(directories.filter((directory) => directory.includes('=')).map(withoutSlash))];
}

/** The same job with other names for directories. */
export function renameDirectories(job: CompileJob, names: ReadonlyMap<string, string>): CompileJob {
  // the longest first: one may lie in another
  const known = [...names].sort(([a], [b]) => b.length - a.length);
  const rename = (file: string) => {
    for (const [directory, name] of known) {
      if (withoutSlash(file) === directory) return name;
      if (file.startsWith(`${directory}/`)) return name + file.slice(directory.length);
    }
    return file;
  };
  const userFlags = [...job.userFlags];
  for (const { flag, offset, value } of includeFlags(userFlags))
    userFlags[flag] = userFlags[flag]!.slice(0, offset) + rename(value);
  return {
    ...job,
    source: rename(job.source),
    ourIncludes: job.ourIncludes.map(rename),
    lastIncludes: job.lastIncludes.map(rename),
    forcedIncludes: job.forcedIncludes.map(rename),
    userFlags,
    mappedDirectories: job.mappedDirectories.map(({ directory, name }) => ({ directory: rename(directory), name })),
  };
}

function withoutSlash(directory: string): string {
  return directory.length > 1 ? directory.replace(/\/+$/, '') : directory;
}
