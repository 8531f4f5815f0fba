import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { runOk } from '../../test/support/command.ts';
import { requireTool } from '../../test/support/require.ts';
import { testDirectory } from '../../test/support/temporary.ts';
import { type EccError, isEccError } from '../core/errors.ts';
import { Kind } from './kinds.ts';
import { openBtf } from './open.ts';
import { listBtfModules, readBtf, readHostBtf, readModuleBtf } from './read.ts';
import { parseBtf } from './table.ts';
import { BtfBuilder } from './writer.ts';

const HOST = '/sys/kernel/btf/vmlinux';

function failure(call: () => unknown): EccError {
  try {
    call();
  } catch (error) {
    if (isEccError(error)) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

describe('readBtf', () => {
  test('raw and ELF', async (context) => {
    const clang = requireTool(context, 'clang');
    const directory = testDirectory();
    const source = path.join(directory, 's.c');
    const object = path.join(directory, 's.o');
    const raw = path.join(directory, 'raw');
    writeFileSync(source, 'struct s { int a; } s;');
    await runOk(clang, ['-target', 'bpf', '-g', '-c', source, '-o', object]);
    expect(readBtf(object).find('s', Kind.struct)).toBeDefined();
    const b = new BtfBuilder();
    b.addStruct('s', 0, []);
    writeFileSync(raw, b.bytes());
    expect(readBtf(raw).find('s', Kind.struct)).toBe(1);
  });

  test('errors name the file', () => {
    const directory = testDirectory();
    const file = path.join(directory, 'x');
    expect(failure(() => readBtf(file))).toMatchObject({ code: 'USAGE_NO_FILE', file });
    expect(failure(() => readBtf(directory))).toMatchObject({ code: 'USAGE_NO_FILE', file: directory });
    writeFileSync(file, 'text');
    expect(failure(() => readBtf(file))).toMatchObject({ code: 'BTF_BAD_MAGIC', file });
  });
});

describe('split BTF', () => {
  const base = new BtfBuilder();
  const int = base.addInt('int', { size: 4, signed: true });
  const kernel = base.build();
  const split = new BtfBuilder({ base: kernel });
  split.addStruct('usb', 4, [{ name: 'n', type: int }]);

  test('over its base; without it the error says so', () => {
    const file = path.join(testDirectory(), 'usb');
    writeFileSync(file, split.bytes());
    expect(readBtf(file, { base: kernel }).find('usb')).toBe(int + 1);
    expect(failure(() => readBtf(file))).toMatchObject({
      code: 'BTF_BAD_STRINGS',
      hint: expect.stringContaining('base'),
    });
    expect(failure(() => parseBtf(new Uint8Array(0))).hint).toBeUndefined();
  });

  test('a module that brings its base along (.BTF.base)', async (context) => {
    const clang = requireTool(context, 'clang');
    const objcopy = requireTool(context, 'objcopy');
    const directory = testDirectory();
    const at = (name: string): string => path.join(directory, name);
    writeFileSync(at('m.c'), 'int x;');
    await runOk(clang, ['-c', at('m.c'), '-o', at('m.o')]);
    writeFileSync(at('split'), split.bytes());
    writeFileSync(at('base'), base.bytes());
    const sections = ['--add-section', `.BTF=${at('split')}`, '--add-section', `.BTF.base=${at('base')}`];
    await runOk(objcopy, [...sections, at('m.o'), at('m.ko')]);
    expect(readBtf(at('m.ko')).find('usb')).toBe(int + 1);
    expect(readBtf(at('m.ko'), { base: kernel }).find('usb')).toBe(int + 1);
  });
});

describe('the running kernel', () => {
  test('itself', (context) => {
    if (!existsSync(HOST)) context.skip(`this kernel has no ${HOST}`);
    expect(readHostBtf().find('task_struct', Kind.struct)).toBeDefined();
  });

  test('without BTF the error says what it takes', (context) => {
    if (existsSync(HOST)) context.skip('this kernel has BTF');
    expect(failure(readHostBtf)).toMatchObject({ code: 'UNSUP_KERNEL_BTF', hint: expect.stringContaining('CONFIG_') });
  });

  test('its modules, over it', (context) => {
    const modules = listBtfModules();
    if (modules.length === 0) context.skip('no module with BTF is loaded');
    const host = readHostBtf();
    for (const name of modules.slice(0, 5)) {
      const module = readModuleBtf(name, { base: host });
      expect(module.firstOwnId).toBe(host.count);
      expect(module.count).toBeGreaterThan(host.count);
    }
  });

  test.each(['no-such-module', '../btf/vmlinux', 'vmlinux', '', '..'])('%j is no module', (name) => {
    expect(failure(() => readModuleBtf(name, { base: openBtf(new BtfBuilder().bytes()) })).code).toBe('USAGE_MODULE');
  });
});
