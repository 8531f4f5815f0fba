import { expect, test } from 'vitest';
import { wantsColour } from './colours.ts';

test('a stream that is no terminal has no colours, in CI neither', () => {
  expect(wantsColour(1, { CI: 'true', TERM: 'xterm' })).toBe(false);
});

test('FORCE_COLOR asks for them, NO_COLOR refuses', () => {
  expect(wantsColour(1, { FORCE_COLOR: '1' })).toBe(true);
  expect(wantsColour(1, { FORCE_COLOR: '0' })).toBe(false);
  expect(wantsColour(1, { FORCE_COLOR: '1', NO_COLOR: '1' })).toBe(false);
});
