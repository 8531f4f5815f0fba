import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { openBtf } from '../btf/open.ts';
import { isEccError } from '../core/errors.ts';
import { exportTypes, findExportType, makeStructs } from './structs.ts';

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
