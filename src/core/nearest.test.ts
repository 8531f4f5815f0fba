import { expect, test } from 'vitest';
import { nearest } from './nearest.ts';

test('typing errors, best first', () => {
  expect(nearest('do_unlinkatt', ['vfs_read', 'do_unlinkat', 'do_linkat'])).toEqual(['do_unlinkat', 'do_linkat']);
});

test('prefixes and suffixes of other kernels', () => {
  expect(nearest('tcp_connect', ['__tcp_connect', 'tcp_connect.isra.0', 'udp_sendmsg'])).toContain('__tcp_connect');
});

test('nothing alike, nothing offered; never the name itself', () => {
  expect(nearest('abc', ['vfs_read', 'abc'])).toEqual([]);
});

test('a swap of neighbours is one error', () => {
  expect(nearest('pdi', ['pid'])).toEqual(['pid']);
});
