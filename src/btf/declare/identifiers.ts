/**
 * What is done to names of BTF that are no C identifiers (foreign or hostile BTF), and how those that might be such are told from the
 * others while they are copied, byte for byte.
 */
import type { TextOutput } from './output.ts';

/** Keywords in every mode of clang that we support; C23's `bool`, `true` and `false` are the header's to handle. */
const KEYWORDS =
  `asm auto break case char const continue default do double else enum extern float for goto if inline int long
  register restrict return short signed sizeof static struct switch typedef typeof union unsigned void volatile while _Alignas
  _Alignof _Atomic _Bool _Complex _Generic _Imaginary _Noreturn _Static_assert _Thread_local`.split(/\s+/);

const KEYWORD = new RegExp(`^(?:${KEYWORDS.join('|')})$`);
/** As compilers take them: letters of every script, and `$`. */
const IDENTIFIER = /^[\p{XID_Start}_$][\p{XID_Continue}$]*$/u;

/** By byte: 1 for those that no identifier of ASCII letters has, 2 for those that it cannot begin with. */
export const BYTE_CLASSES = Uint8Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  return /\d/.test(character) ? 2 : /\w/.test(character) ? 0 : 3;
});

const SLOTS = 1 << 16;
/** By {@link keywordSlot}: 1 where there is a keyword. */
export const KEYWORD_SLOTS = new Uint8Array(SLOTS);
for (const word of KEYWORDS)
  KEYWORD_SLOTS[keywordSlot(word.charCodeAt(0), word.charCodeAt(1), word.charCodeAt(word.length - 1), word.length)] = 1;

/** Of the first two bytes of a name, the last, and their number: few names that are no keywords have the slot of one. */
export function keywordSlot(first: number, second: number, last: number, length: number): number {
  return (first * 37 + second * 2579 + last * 1129 + length * 6133) & (SLOTS - 1);
}

/** Puts an identifier in the place of the name that was written from `start` on, unless that is one. */
export function replaceName(output: TextOutput, start: number): void {
  const { bytes, length } = output;
  const written = Buffer.from(bytes.buffer, bytes.byteOffset, length).subarray(start);
  const name = written.toString();
  if (IDENTIFIER.test(name) && !KEYWORD.test(name)) return;
  output.length = start;
  output.add(replacement(written.toString('latin1')));
}

/** A keyword gets a `_` behind it; a byte that an identifier cannot hold becomes `_`. */
function replacement(name: string): string {
  const safe = name.replace(/\W/g, '_');
  if (/^\d/.test(safe)) return `_${safe}`;
  return safe === name ? `${name}_` : safe;
}
