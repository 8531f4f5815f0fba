import { expect, test } from 'vitest';
import { withoutNotesIn } from './own-notes.ts';

const OWN = '/tmp/ecc-1/exports.h';
const ERROR = "a.c:1:9: error: incomplete type 'struct e'\n  e->x\n   ^";
const NOTE = `${OWN}:6:8: note: forward declaration of 'struct e'\nstruct e;\n       ^`;

test('notes about a file go, whatever stands around them', () => {
  expect(withoutNotesIn(OWN, `${ERROR}\n${NOTE}\n1 error generated.\n`)).toBe(`${ERROR}\n1 error generated.\n`);
  expect(withoutNotesIn(OWN, `${ERROR}\n${NOTE}\n${ERROR}\n${NOTE}\n`)).toBe(`${ERROR}\n${ERROR}\n`);
  const included = 'In file included from a.c:1:\n./b.h:2:1: error: no';
  expect(withoutNotesIn(OWN, `${NOTE}\n${included}\n`)).toBe(`${included}\n`);
});

test('in colour', () => {
  const note = `\x1b[1m${OWN}:6:8: \x1b[0m\x1b[0;1;36mnote: \x1b[0mforward\nstruct e;\n\x1b[0;1;32m       ^\n`;
  expect(withoutNotesIn(OWN, `${ERROR}\n${note}\x1b[0m1 error generated.\n`)).toBe(
    `${ERROR}\n\x1b[0m1 error generated.\n`,
  );
});

test('errors there, and notes about other files, stay', () => {
  const other = `${OWN}:1:1: error: no\nx\n^\na.c:4:1: note: here\ny\n^\n`;
  expect(withoutNotesIn(OWN, other)).toBe(other);
});
