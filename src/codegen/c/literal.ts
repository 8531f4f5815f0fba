/** Bytes and text as C constants that mean the same to every C and C++ compiler. */

const LINE_WIDTH = 120;

/**
 * A string literal, quotes included. Everything but plain ASCII is an octal escape of three digits, which no character after it can
 * run into; `?` is escaped because of trigraphs.
 */
export function cString(text: string): string {
  let literal = '"';
  for (const byte of Buffer.from(text)) literal += stringByte(byte);
  return `${literal}"`;
}

function stringByte(byte: number): string {
  if (byte === 0x0a) return '\\n';
  if (byte === 0x09) return '\\t';
  if (byte < 0x20 || byte > 0x7e) return `\\${byte.toString(8).padStart(3, '0')}`;
  const character = String.fromCharCode(byte);
  return '"\\?'.includes(character) ? `\\${character}` : character;
}

/** A string literal, or `NULL` for no text. */
export function cStringOrNull(text: string | undefined): string {
  return text === undefined ? 'NULL' : cString(text);
}

/** Elements of an `unsigned char` array, in lines. */
export function cBytes(bytes: Uint8Array): string {
  return lines(Array.from(bytes, String));
}

/**
 * Elements of a `char` array that hold text and its NUL. An array has none of the length limits of string literals; bytes
 * above 127 are character constants, since as numbers they would not fit where `char` is signed.
 */
export function cChars(text: string): string {
  const elements = Array.from(Buffer.from(text), (byte) => (byte < 128 ? String(byte) : `'\\${byte.toString(8)}'`));
  return lines([...elements, '0']);
}

function lines(elements: readonly string[]): string {
  const done: string[] = [];
  let line = '';
  for (const element of elements) {
    if (line.length + element.length + 1 > LINE_WIDTH) {
      done.push(line);
      line = '';
    }
    line += `${element},`;
  }
  if (line !== '') done.push(line);
  return done.map((text) => `\t${text}`).join('\n');
}
