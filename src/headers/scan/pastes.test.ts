import { expect, test } from 'vitest';
import { parsePasteMacro, pastedNames } from './pastes.ts';

function names(definition: string, text: string): string[] {
  const macro = parsePasteMacro(definition);
  return macro === undefined ? [] : [...pastedNames(text, macro)];
}

test('prefix, suffix and both, for each use', () => {
  expect(names('M(a, b) a##_x p_ ## b q_##a##_##b', 'M(one, two); M ( three,\n four )')).toEqual([
    ...['one_x', 'p_two', 'q_one_two'],
    ...['three_x', 'p_four', 'q_three_four'],
  ]);
});

test('arguments with commas and parentheses of their own, missing ones, too many', () => {
  expect(names('M(a, rest...) it_##a', 'M(x, f(1, (2)), 3) M(y) M()')).toEqual(['it_x', 'it_y', 'it_']);
});

test('what makes no name makes none', () => {
  expect(names('M(a) x##a', 'M(1 + 2) M("s")')).toEqual([]);
  expect(names('M(a) x##a', 'M(1)')).toEqual(['x1']);
  expect(parsePasteMacro('M a##b')).toBeUndefined();
  expect(parsePasteMacro('M(a) #a')).toBeUndefined();
});

test('a use that does not end', () => {
  expect(names('M(a) x##a', `M(${'('.repeat(1000)}`)).toEqual(['x']);
});
