/** Paths in keys and records: the same in every checkout of a project, and on every machine that has the same packages installed. */
import path from 'node:path';

/** Files of the system and of a compiler: where they are does not depend on where the project is. */
const SYSTEM =
  /^\/(?:usr\/(?:local\/)?(?:include|s?bin|lib\w*|share)|lib\w*|etc|sys)\/|\/lib(?:32|64)?\/clang\/[^/]+\/include\//;

/** Relative to the directory of the source, unless it is one of the system's. */
export function portablePath(file: string, directory: string): string {
  const absolute = path.resolve(file);
  return SYSTEM.test(absolute) ? absolute : path.relative(directory, absolute);
}
