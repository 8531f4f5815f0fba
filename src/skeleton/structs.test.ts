import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { openBtf } from '../btf/open.ts';
import { BtfBuilder } from '../btf/writer.ts';
import { isEccError } from '../core/errors.ts';
import { emitStructs, exportTypes, findExportType, makeStructs } from './structs.ts';

const read = (name: string) =>
  openBtf(readFileSync(new URL(`../../test/golden/data/${name}/object.o`, import.meta.url)));

describe('exportTypes', () => {
  const btf = read('bootstrap_like');

  test('are entries of the struct JSON, with the keys of the package', () => {
    const [event] = exportTypes(btf, ['event']);
    const { type_id, size, name, members } = makeStructs(btf).structs.find((struct) => struct.name === 'event')!;
    expect(event).toEqual({ name, members, size, type_id });
    expect(Object.keys(event!)).toEqual(['name', 'members', 'size', 'type_id']);
  });

  test('come in the order that was asked for', () => {
    expect(exportTypes(btf, ['event', 'common']).map(({ name }) => name)).toEqual(['event', 'common']);
    expect(exportTypes(btf, ['common', 'event']).map(({ name }) => name)).toEqual(['common', 'event']);
  });

  test.each([
    ['a typedef', 'pid_t', 'it is a typedef'],
    ['nothing', 'no_such_struct', 'no type of that name'],
    ['an empty name', '', 'no type of that name'],
  ])('%s is refused', (_, name, why) => {
    let caught: unknown;
    try {
      exportTypes(btf, [name]);
    } catch (error) {
      caught = error;
    }
    expect(isEccError(caught) && `${caught.code} ${caught.message}`).toContain(
      `USAGE_EXPORT_NO_STRUCT export type ${name}`,
    );
    expect(isEccError(caught) && caught.message).toContain(why);
    expect(findExportType(btf, name)).toBeUndefined();
  });

  test('a forward declaration and a union are no structs', () => {
    const other = read('struct_fwd_flex');
    expect(other.named('undefined_s').length).toBeGreaterThan(0);
    expect(findExportType(other, 'undefined_s')).toBeUndefined();
    expect(other.named('undefined_u').length).toBeGreaterThan(0);
    expect(findExportType(other, 'undefined_u')).toBeUndefined();
  });

  test('names printed for one struct do not count for the next', () => {
    const linked = read('linked_dup_types');
    const alone = findExportType(linked, 'only_here');
    expect(exportTypes(linked, ['foo', 'only_here'])[1]).toEqual(alone);
  });
});

test.each(['bootstrap_like', 'map_in_map'])('the text of %s is that of the objects', (name) => {
  const btf = read(name);
  expect(emitStructs(btf)).toBe(`${JSON.stringify(makeStructs(btf))}\n`);
});

test('names that JSON has to escape, longer than a piece of the text', () => {
  const builder = new BtfBuilder();
  const int = builder.addInt('é"\\\n\u0001', { size: 4, signed: true });
  for (let i = 0; i < 400; i++) builder.addStruct(`${'ü'.repeat(100)}"${i}`, 4, [{ name: 'x\ty', type: int }]);
  const btf = builder.build();
  const text = emitStructs(btf);
  expect(text.length).toBeGreaterThan(40_000);
  expect(text).toBe(`${JSON.stringify(makeStructs(btf))}\n`);
});
