import { describe, expect, test } from 'vitest';
import { datasecIdent, internalMapIdent, internalMapName, objName } from './names.ts';

describe('objName', () => {
  test.each([
    ['client.bpf.o', 'client_bpf'],
    ['abc.o', 'abc'],
    ['dir.with.dots/abc.o', 'abc'],
    ['noextension', 'noextension'],
    ['a.o.o', 'a_o'],
    ['.o', ''],
    ['dir/', ''],
    ['a b-c+d.o', 'a_b_c_d'],
    // two bytes
    ['é.o', '__'],
    // the cut at 63 bytes comes before the suffix is looked for
    [`${'n'.repeat(61)}.o`, 'n'.repeat(61)],
    [`${'n'.repeat(62)}.o`, `${'n'.repeat(62)}_`],
    [`${'n'.repeat(80)}.bpf.o`, 'n'.repeat(63)],
  ])('%j gives %j', (fileName, expected) => {
    expect(objName(fileName)).toBe(expected);
  });
});

describe('internalMapName', () => {
  test.each([
    ['opensnoop_bpf', '.bss', 'opensnoo.bss'],
    ['opensnoop_bpf', '.rodata', 'opensnoo.rodata'],
    ['opensnoop_bpf', '.kconfig', 'opensno.kconfig'],
    ['abc', '.data', 'abc.data'],
    ['', '.data', '.data'],
    ['abc', '.data.config', '.data.config'],
    ['abc', '.rodata.a_very_long_name', '.rodata.a_very_long_name'],
    ['abc', '.bss.abracadabra_long', '.bss.abracadabr'],
    ['abc', '.bss.x-y', '.bss.x_y'],
    ['abc', '.bss.é', '.bss.__'],
  ])('of object %j, section %j: %j', (object, section, expected) => {
    expect(internalMapName(object, section)).toBe(expected);
  });
});

describe('internalMapIdent', () => {
  test.each([
    ['.rodata', 'rodata'],
    ['.kconfig', 'kconfig'],
    ['.data.read-mostly', 'data_read_mostly'],
    ['.rodata.str1.1', 'rodata_str1_1'],
    // the first prefix in libbpf's order counts, wherever it is
    ['.rodata.data', 'data'],
    ['.bss.data', 'data'],
    ['.bss.abracadabra_long', 'bss_abracadabr'],
    ['.data.é', 'data___'],
  ])('of %j: %j', (section, expected) => {
    expect(internalMapIdent(section)).toBe(expected);
  });
});

describe('datasecIdent', () => {
  test.each([
    ['.addr_space.1', 'arena'],
    ['.rodata.data', 'rodata_data'],
    ['.bss', 'bss'],
    ['.maps', undefined],
    ['license', undefined],
  ])('of %j: %j', (name, expected) => {
    expect(datasecIdent(name)).toBe(expected);
  });
});
