/** Sources that are cut off, put together at random, or no C at all: read or refused, never an error. What C makes of the others is ../../../test/golden-docs. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SourceTexts } from '../source-texts.ts';
import { readOutline } from './outline.ts';

const fixtures = path.join(import.meta.dirname, '../../../fixtures');
const sources = readdirSync(fixtures, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.bpf.c'))
  .sort()
  .map((name) => readFileSync(path.join(fixtures, name), 'latin1'));

function outline(text: string) {
  const texts = new SourceTexts(() => Buffer.from(text, 'latin1'));
  return readOutline({ source: 'a.bpf.c', userFiles: ['a.bpf.c'], texts, systemTexts: () => [], defined: [] });
}

test('the fixtures are read, so that what follows is about something', () => {
  expect(sources.filter((text) => outline(text) !== undefined).length).toBeGreaterThan(sources.length / 2);
});

test('sources of which a piece is missing, doubled or replaced', () => {
  const scrap = fc.constantFrom(
    ...'(){}[];,*&=#:<>"\'\\/',
    '/**',
    '*/',
    '\n',
    '#if 1\n',
    '#endif\n',
    'struct ',
    'SEC(',
    'BPF_PROG(',
    '__attribute__((',
    'bpf_ringbuf_reserve(',
    'bpf_ringbuf_output',
    'sizeof',
    'é',
  );
  const places = fc.tuple(
    fc.constantFrom(...sources),
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.nat({ max: 60 }),
    fc.array(scrap, { maxLength: 4 }),
  );
  fc.assert(
    fc.property(places, ([text, at, length, scraps]) => {
      const start = Math.floor(at * text.length);
      outline(text.slice(0, start) + scraps.join('') + text.slice(start + length));
      outline(text.slice(0, start));
      outline(text.slice(start));
    }),
    { numRuns: Number(process.env.ECC_OUTLINE_RUNS ?? 500) },
  );
});
