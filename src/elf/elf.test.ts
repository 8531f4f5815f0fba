import { describe, expect, test } from 'vitest';
import { isEccError } from '../core/errors.ts';
import { parseElf } from './elf.ts';

describe('parseElf', () => {
  test.each([
    ['an empty file', new Uint8Array(0), 'ELF_BAD_MAGIC'],
    ['text', Buffer.from('hello, this is no object'), 'ELF_BAD_MAGIC'],
    ['a header cut short', Buffer.from('\x7fELF\x02\x01\x01', 'latin1'), 'ELF_TRUNCATED'],
  ])('refuses %s', (_, bytes, code) => {
    let caught: unknown;
    try {
      parseElf(bytes);
    } catch (error) {
      caught = error;
    }
    expect(isEccError(caught) && caught.code).toBe(code);
  });
});
