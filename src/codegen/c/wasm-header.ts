/** The package as a C header for WebAssembly programs: `ewasm-skel.h`. */
import { sha256 } from '../../core/hash.ts';
import { fillTemplate, readTemplate } from '../../core/template.ts';
import { cChars } from './literal.ts';

/**
 * A header that defines `static char program_data[]`, the package text and a NUL. It is C and C++, may be included any number of
 * times from any number of files, and holds text of any length.
 * @param packageText  the JSON of the package, also when the package itself is written as YAML: its readers know JSON only
 */
export function emitWasmHeader(packageText: string): string {
  // headers of two packages must not shut each other out
  const guard = `EWASM_SKEL_${sha256(packageText).slice(0, 16).toUpperCase()}_H`;
  return fillTemplate(readTemplate('wasm/ewasm-skel.h'), { GUARD: guard, DATA: cChars(packageText) });
}
