/** Clang's notes about a file that only the pipeline knows: nothing that the user could look at when they are read. */
import { stripVTControlCharacters } from 'node:util';

/** Where the next of clang's messages begins. */
const BEGINNING = /^(?:\S.*?:\d+:\d+: |In file included from |\d+ (?:warning|error)s? )/;

/** Diagnostics without the notes that are about places in `file`, with or without colours. */
export function withoutNotesIn(file: string, diagnostics: string): string {
  if (!diagnostics.includes(file)) return diagnostics;
  let isLeftOut = false;
  const lines = diagnostics.split('\n').filter((line) => {
    const plain = stripVTControlCharacters(line);
    if (BEGINNING.test(plain)) isLeftOut = plain.startsWith(`${file}:`) && plain.includes(': note: ');
    return !isLeftOut || line === '';
  });
  return lines.join('\n');
}
