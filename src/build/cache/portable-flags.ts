/**
 * Which of the user's flags a cached build can answer for: those of which it is known what they read. A plugin, a response file, a
 * profile are read by clang without being listed anywhere, so builds with such flags are not kept.
 */
import path from 'node:path';
import { portablePath } from './portable-path.ts';

/** Followed by a value, joined or as a word of its own. */
const TAKES_VALUE = /^-(?:D|U|mllvm|std=)/;
/** Followed by a path, likewise; longer names first. */
const TAKES_PATH = /^-(?:include(?=$)|imacros|iquote|isystem|idirafter|I)/;
const HARMLESS = [
  /^-O\w?$/,
  /^-[wU]$/,
  /^-W[\w=+-]*$/,
  /^-m(?!llvm)[\w=+-]+$/,
  /^-f(?:file|macro|debug)-prefix-map=/,
  /^-f(?!plugin|pass-plugin|profile|coverage|sanitize|module|prebuilt|build-session|crash|save)[\w-]+(?:=[\w+-]+)?$/,
  /^-pedantic/,
  /^-ansi$/,
];

/**
 * The flags with their paths as seen from a directory, so that they are the same in every checkout.
 * @returns  the flag that is in the way, when there is one
 */
export function portableFlags(
  flags: readonly string[],
  directory: string,
): { readonly flags: readonly string[] } | { readonly obstacle: string } {
  const portable: string[] = [];
  for (let i = 0; i < flags.length; i++) {
    const flag = flags[i]!;
    const name = TAKES_PATH.exec(flag)?.[0];
    if (name !== undefined) {
      const value = flag === name ? (flags[++i] ?? '') : flag.slice(name.length);
      portable.push(name, portablePath(path.resolve(value), directory));
      continue;
    }
    const valued = TAKES_VALUE.exec(flag)?.[0];
    if (valued !== undefined) {
      portable.push(flag);
      if (flag === valued && i + 1 < flags.length) portable.push(flags[++i]!);
    } else if (HARMLESS.some((pattern) => pattern.test(flag))) portable.push(flag);
    else return { obstacle: flag };
  }
  return { flags: portable };
}
