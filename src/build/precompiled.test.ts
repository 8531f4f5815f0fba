import { expect, test } from 'vitest';
import { includesFirst } from './precompiled.ts';

test.each([
  ['#include "vmlinux.h"\nint x;', true],
  ['// SPDX\n/* a\n * b */ #include <vmlinux.h>', true],
  ['\n\n  #  include "dir/vmlinux.h"', true],
  ['/* #include "vmlinux.h" */ int x;', false],
  ['#define X\n#include "vmlinux.h"', false],
  ['#include "common.h"\n#include "vmlinux.h"', false],
  ['/* never closed #include "vmlinux.h"', false],
  ['', false],
])('%j: %s', (text, first) => expect(includesFirst(text, 'vmlinux.h')).toBe(first));
