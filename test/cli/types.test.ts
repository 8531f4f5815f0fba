/** What `ecc types` reads: one file, a split BTF with its base. */
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { BtfBuilder, getType, readHostBtf } from 'ebpf-ecc/btf';
import { expect, test } from 'vitest';
import { ecc } from '../support/cli.ts';
import { fileDirectory } from '../support/temporary.ts';

const directory = fileDirectory();

test('types of one file are asked for, not of two', async () => {
  const { status, stderr } = await ecc(['types', 'a.o', '--btf', 'host']);
  expect(status).not.toBe(0);
  expect(stderr).toContain('error[USAGE_SOURCE]: types come from one file, not from a.o and --btf host');
});

test('types of a split BTF are read with those of the running kernel', async (context) => {
  if (!existsSync('/sys/kernel/btf/vmlinux')) context.skip('the kernel has no BTF (/sys/kernel/btf/vmlinux)');
  const kernel = readHostBtf();
  const builder = new BtfBuilder({ base: kernel });
  builder.addStruct('in_a_module', 16, [{ name: 'entry', type: getType(kernel, 'struct list_head') }]);
  const file = path.join(directory, 'module.btf');
  writeFileSync(file, builder.bytes());
  const args = ['types', file, '--base', 'host', '-t', 'in_a_module'];
  const { status, stdout, stderr } = await ecc(args);
  expect(status, stderr).toBe(0);
  expect(stdout).toContain('export interface InAModule {');
});
