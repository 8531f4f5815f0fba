import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { openBtf } from '../../src/btf/open.ts';
import { isEccError } from '../../src/core/errors.ts';
import { openObject } from '../../src/object/open.ts';
import { emitSkeleton, makeSkeleton, type SkeletonOptions } from '../../src/skeleton/skeleton.ts';
import { emitStructs } from '../../src/skeleton/structs.ts';
import { type Golden, goldens, readExpected, readGoldenObject, readReference } from './goldens.ts';
import { rejectedBtf, rejectedObjects } from './rejected.ts';
import { type Repair, repair } from './repair.ts';

/** The reference tool ran into a null pointer. */
const CRASHED = 139;
/** It takes the section by an identifier that two of them have. */
const WRONG_SECTION = new Set(['datasec_ident_collision', 'rodata_dot_data_alias']);

function skeletonText({ name, fileName }: Golden, options?: SkeletonOptions): string {
  // the reference tool ran on a little-endian machine
  return emitSkeleton(makeSkeleton(openObject(readGoldenObject(name), { byteOrder: 'little' }), fileName, options));
}

const structsText = (name: string) => emitStructs(openBtf(readGoldenObject(name)));

/** Parsed and printed again: equal texts mean equal values with keys in the same order. */
const normal = (text: string) => `${JSON.stringify(JSON.parse(text))}\n`;

function errorOf(body: () => unknown): { code: string; message: string; hint: string | undefined } {
  try {
    body();
  } catch (error) {
    if (!isEccError(error)) throw error;
    return { code: error.code, message: error.message, hint: error.hint };
  }
  throw new Error('not rejected');
}

const isPrintedSkeleton = ({ name, skeletonExit }: Golden) => skeletonExit === 0 && !WRONG_SECTION.has(name);
const isWritten = ({ name, skeletonExit }: Golden) => skeletonExit === CRASHED || WRONG_SECTION.has(name);
const isRejected = ({ skeletonExit }: Golden) => skeletonExit !== 0 && skeletonExit !== CRASHED;

describe('skeletons', () => {
  const printed = goldens.filter(isPrintedSkeleton);
  const written = goldens.filter(isWritten);
  const rejected = goldens.filter(isRejected);

  test('every golden is checked', () => {
    expect([printed.length, written.length, rejected.length]).toEqual([57, 4, 33]);
    expect(goldens).toHaveLength(94);
    expect(Object.keys(rejectedObjects).sort()).toEqual(rejected.map(({ name }) => name).sort());
  });

  test.each(printed)('$name: as the reference tool prints it', (golden) => {
    expect(skeletonText(golden)).toBe(normal(repair(readReference(golden.name, 'skel')).text));
  });

  test.each(written)('$name: as the source means it', (golden) => {
    expect(skeletonText(golden)).toBe(`${JSON.stringify(readExpected(golden.name))}\n`);
  });

  test.each(goldens.filter(({ name }) => WRONG_SECTION.has(name)))(
    '$name: as the reference tool prints it, on request',
    (golden) => {
      expect(skeletonText(golden, { findSectionBy: 'ident' })).toBe(normal(readReference(golden.name, 'skel')));
    },
  );

  test('looking for sections by identifier changes no other skeleton', () => {
    for (const golden of [...printed, ...goldens.filter(({ skeletonExit }) => skeletonExit === CRASHED)]) {
      expect(skeletonText(golden, { findSectionBy: 'ident' })).toBe(skeletonText(golden));
    }
  });

  test.each(rejected)('$name: rejected with its cause', (golden) => {
    const { code, message } = errorOf(() => skeletonText(golden));
    const expected = rejectedObjects[golden.name]!;
    expect(code).toBe(expected.code);
    for (const name of expected.names) expect(message).toContain(name);
  });

  test('a big-endian object is read where its byte order is accepted', () => {
    const object = openObject(readGoldenObject('bigendian_bad'));
    expect(makeSkeleton(object, 'bigendian_bad.bpf.o')).toMatchObject({
      obj_name: 'bigendian_bad_bpf',
      progs: [{ name: 'p' }],
    });
  });
});

describe('structs', () => {
  const printed = goldens.filter(({ structsExit }) => structsExit === 0);
  const rejected = goldens.filter(({ structsExit }) => structsExit !== 0);

  test('every golden is checked', () => {
    expect([printed.length, rejected.length]).toEqual([84, 10]);
    expect(Object.keys(rejectedBtf).sort()).toEqual(rejected.map(({ name }) => name).sort());
  });

  test.each(printed)('$name: as the reference tool prints them', ({ name }) => {
    expect(structsText(name)).toBe(normal(repair(readReference(name, 'structs')).text));
  });

  test.each(rejected)('$name: rejected with its cause', ({ name }) => {
    const { code, message } = errorOf(() => structsText(name));
    expect(code).toBe(rejectedBtf[name]!.code);
    for (const part of rejectedBtf[name]!.names) expect(message).toContain(part);
  });
});

describe('the collection', () => {
  test('objects are the ones that the reference tool saw', () => {
    const manifest: Record<string, { sha256: string }> = JSON.parse(
      readFileSync(new URL('manifest.json', import.meta.url), 'utf8'),
    );
    for (const { name } of goldens) {
      expect(createHash('sha256').update(readGoldenObject(name)).digest('hex')).toBe(manifest[name]!.sha256);
    }
  });

  const differences = readFileSync(new URL('DIFFERENCES.md', import.meta.url), 'utf8');
  const names = new Set(goldens.map(({ name }) => name));
  /** The goldens that a numbered section of DIFFERENCES.md names. */
  const listedIn = (section: number) => {
    const text = differences.split(/^## /m).find((part) => part.startsWith(`${section}.`)) ?? '';
    return [...new Set([...text.matchAll(/`([^`]+)`/g)].map((match) => match[1]!))]
      .filter((name) => names.has(name))
      .sort();
  };

  test.each<[number, Repair]>([
    [1, 'dropPadding'],
    [2, 'escapeControls'],
    [3, 'escapeTypeTags'],
    [4, 'dropLeadingText'],
  ])('DIFFERENCES.md, section %i, lists what needed %s', (section, wanted) => {
    const repaired = goldens.filter(
      ({ name, skeletonExit, structsExit }) =>
        (skeletonExit === 0 && repair(readReference(name, 'skel')).applied.includes(wanted)) ||
        (structsExit === 0 && repair(readReference(name, 'structs')).applied.includes(wanted)),
    );
    expect(listedIn(section)).toEqual(repaired.map(({ name }) => name).sort());
  });

  test('DIFFERENCES.md, section 5, lists what was written by hand', () => {
    expect(listedIn(5)).toEqual(
      goldens
        .filter(isWritten)
        .map(({ name }) => name)
        .sort(),
    );
  });
});
