/**
 * 84 doc comments and the fields that they are to give, with every clang that is installed. `cases.golden.json` is the specification:
 * `best` or one of `alt`, and a warning where it says so (and nowhere else).
 */
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { collectDocs } from '../../src/doc/docs.ts';
import { hasDocsOrEvents } from '../../src/doc/relevance.ts';
import { CLANGS, factsByText, SOURCE, unitOf } from './clang.ts';

interface Case {
  readonly id: string;
  readonly entry: 'variable' | 'map' | 'prog' | 'doc';
  readonly name: string;
  readonly source: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly encoding?: 'latin-1';
  readonly best: unknown;
  readonly alt?: readonly unknown[];
  readonly warn?: boolean;
}

const { cases } = JSON.parse(await readFile(new URL('cases.golden.json', import.meta.url), 'utf8')) as {
  cases: Case[];
};

const withoutClang = new Set<string>();

describe.each(CLANGS)('doc comments read with %s', (clang) => {
  test.concurrent.each(cases)('$id', async ({ id, entry, name, source, headers, encoding, best, alt, warn }) => {
    const bytes = Buffer.from(source, encoding === 'latin-1' ? 'latin1' : 'utf8');
    const files = { ...headers, [SOURCE]: bytes };
    const docs = collectDocs(await unitOf(clang, files), SOURCE);
    const found = {
      variable: docs.variables.get(name),
      map: docs.maps.get(name),
      prog: docs.programs.get(name),
      doc: docs.license,
    }[entry];
    expect([best, ...(alt ?? [])]).toContainEqual({ ...found });
    expect(docs.warnings.length > 0).toBe(warn ?? false);
    if (Object.keys({ ...found }).length > 0 || warn) expect(hasDocsOrEvents([source], new Set())).toBe(true);
    const byText = factsByText(files);
    if (byText !== undefined) {
      const { warnings, ...rest } = docs;
      expect(byText).toMatchObject({ docs: rest, warnings });
      withoutClang.add(id);
    }
  });
  test('for most of them clang is not needed', () => expect(withoutClang.size).toBeGreaterThan(42));
});

test('all cases are there', () => expect(cases).toHaveLength(84));
