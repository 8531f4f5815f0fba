/**
 * A header compiled by itself (`--header-only`): how clang is told to, and which includes the header forgot. A header that works only
 * after others were included compiles in one program and fails in the next.
 */
import type { Warning } from '../core/warning.ts';

/** Before the header's name: clang would precompile a file with this suffix, and mind `#pragma once` in a main file. */
export const HEADER_ONLY_FLAGS: readonly string[] = ['-x', 'c', '-Wno-pragma-once-outside-header'];

/** What declares the names that headers use most without saying so. */
const DECLARED_IN: readonly (readonly [names: RegExp, include: string])[] = [
  [/^__(u|s|le|be)(8|16|32|64)$/, '<linux/types.h>'],
  [/^u?int(8|16|32|64)_t$|^u?intptr_t$/, '<stdint.h>'],
  [/^(bool|true|false)$/, '<stdbool.h>'],
  [/^(size_t|ptrdiff_t|NULL|offsetof)$/, '<stddef.h>'],
  [/^(pid|uid|gid|off|mode|ssize|dev|ino|time)_t$/, '<sys/types.h>'],
  [/^(CHAR|U?SHRT|U?INT|U?LONG|U?LLONG|PATH|NAME)_(BIT|MIN|MAX)$/, '<limits.h>'],
];
/** Headers that cannot be read together with `vmlinux.h`. */
const CLASHES_WITH_KERNEL = ['<linux/types.h>', '<sys/types.h>'];

const MISSING = /^(.+?):(\d+):(\d+): error: (?:unknown type name|use of undeclared identifier) '([^']+)'/gm;
const COLOUR = /\x1b\[[0-9;]*[A-Za-z]/g;

/**
 * Names that the header uses before anything declares them, each at its first place, in order.
 * @param diagnostics  clang's, in English
 * @param isHeader  tells files of the user's from others, which are not theirs to mend
 */
export function findForgottenIncludes(diagnostics: string, isHeader: (file: string) => boolean): Warning[] {
  const seen = new Set<string>();
  const warnings: Warning[] = [];
  for (const [, file, line, column, name] of diagnostics.replace(COLOUR, '').matchAll(MISSING)) {
    if (seen.has(name!) || !isHeader(file!)) continue;
    seen.add(name!);
    const include = DECLARED_IN.find(([names]) => names.test(name!))?.[1];
    warnings.push({
      code: 'HEADER_FORGOT_INCLUDE',
      message: `${name} is used, but nothing that the header includes declares it`,
      file,
      line: Number(line),
      column: Number(column),
      hint: hintFor(include),
    });
  }
  return warnings;
}

function hintFor(include: string | undefined): string {
  if (include === undefined) return 'include the header that declares it, or "vmlinux.h" for types of the kernel';
  if (!CLASHES_WITH_KERNEL.includes(include)) return `add  #include ${include}`;
  return `add  #include ${include}  between  #ifndef __VMLINUX_H__  and  #endif: programs that include "vmlinux.h" have it already`;
}
