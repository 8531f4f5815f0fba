/** The dependency file for Make and Ninja: which files, when touched, ask for a new build. */
import { UsageError } from '../core/errors.ts';

export interface Dependencies {
  /** What the build writes, as the user would name it in a Makefile. */
  readonly targets: readonly string[];
  /** The user's files that went into it. None of ours, which come and go. */
  readonly dependencies: readonly string[];
}

/**
 * One rule, and an empty one for each dependency, so that a header that was deleted does not stop the next `make`. Ninja reads
 * the first rule and passes over the others.
 * @throws {UsageError} `USAGE_DEPFILE_NAME` for a name with a line break, which neither can express.
 */
export function emitDepfile({ targets, dependencies }: Dependencies): string {
  const outputs = targets.map(escapeName);
  const inputs = [...new Set(dependencies)].map(escapeName);
  const rule = `${outputs.join(' ')}:${inputs.map((name) => ` \\\n  ${name}`).join('')}\n`;
  // the first dependency is the source: without it there is nothing to build
  return (
    rule +
    inputs
      .slice(1)
      .map((name) => `\n${name}:\n`)
      .join('')
  );
}

/**
 * A name as GNU make and Ninja both read it, the way that gcc and clang write it: `$` doubled, blanks, `#` and `:` behind a backslash, and
 * backslashes doubled where one of these follows.
 */
function escapeName(name: string): string {
  if (/[\n\r]/.test(name)) {
    throw new UsageError(
      'USAGE_DEPFILE_NAME',
      `${JSON.stringify(name)}: a name with a line break cannot be in a dependency file`,
      { hint: 'rename it, or build without --depfile' },
    );
  }
  return name.replaceAll('$', '$$$$').replace(/(\\*)([ \t#:])/g, '$1$1\\$2');
}

/** File names out of a rule as clang writes it. */
export function parseDepfile(text: string): string[] {
  const names: string[] = [];
  const body = text.slice(text.indexOf(':') + 1);
  for (const [word] of body.matchAll(/(?:\\[^\n]|\$\$|[^\s\\])+/g))
    names.push(word.replaceAll('$$', '$').replace(/\\([ #\\])/g, '$1'));
  return names;
}
