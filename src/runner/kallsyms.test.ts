import { expect, test } from 'vitest';
import { parseKallsyms } from './kallsyms.ts';

const symbols = parseKallsyms(
  [
    'ffffffff81000000 T _stext',
    'ffffffff81000000 T _text',
    'ffffffff81000040 t helper\t[module]',
    'ffffffff81000100 D some_data',
    '0000000000000000 A absolute',
  ].join('\n'),
);

test('an address inside a function', () => {
  expect(symbols.find(0xffffffff81000010n)).toBe('_stext+0x10');
  expect(symbols.find(0xffffffff81000040n)).toBe('helper');
});

test('data is no function, and what is below the first symbol has no name', () => {
  expect(symbols.find(0xffffffff81000110n)).toBe('helper+0xd0');
  expect(symbols.find(0xffffffff80000000n)).toBeUndefined();
  expect(symbols.find(0x1000n)).toBeUndefined();
});

test('hidden addresses (kptr_restrict) name nothing', () => {
  expect(parseKallsyms('0000000000000000 T _stext').find(0xffffffff81000010n)).toBeUndefined();
});
