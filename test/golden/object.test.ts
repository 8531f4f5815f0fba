import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { Linkage } from '../../src/btf/kinds.ts';
import { sizeOf } from '../../src/btf/layout.ts';
import { parseElf } from '../../src/elf/elf.ts';
import { openObject } from '../../src/object/open.ts';
import { makeSkeleton } from '../../src/skeleton/skeleton.ts';
import { run } from '../support/command.ts';
import { noteWarnings } from '../support/messages.ts';
import { requireTool } from '../support/require.ts';
import { goldens, readGoldenObject } from './goldens.ts';
import { rejectedObjects } from './rejected.ts';

const open = (name: string) => openObject(readGoldenObject(name));
const accepted = goldens.map(({ name }) => name).filter((name) => rejectedObjects[name] === undefined);

describe('variables', () => {
  test('are where readelf says', async (context) => {
    const readelf = requireTool(context, 'readelf');
    const files = accepted.map((name) =>
      fileURLToPath(new URL(`data/${encodeURIComponent(name)}/object.o`, import.meta.url)),
    );
    // a status other than 0 is about notes that readelf cannot read
    const { stdout } = await run(readelf, ['-sW', ...files]);
    const byFile = stdout.split(/^File: .*$/m).slice(1);
    expect(byFile).toHaveLength(accepted.length);
    let compared = 0;
    accepted.forEach((name, i) => {
      const symbols = new Map<string, string>();
      for (const line of byFile[i]!.split('\n')) {
        const match = /^\s*\d+: ([0-9a-f]+)\s+(\d+) OBJECT\s+(?:GLOBAL|WEAK)\s+(\w+)\s+(\d+) (\S+)$/.exec(line);
        if (match) symbols.set(match[5]!, `${Number.parseInt(match[1]!, 16)} ${match[2]} ${match[4]} ${match[3]}`);
      }
      const object = open(name);
      for (const { kind, sectionIndex, variables } of object.dataSections) {
        if (kind === 'kconfig') continue;
        for (const variable of variables) {
          const size = sizeOf(object.btf!, variable.typeId);
          expect(size === undefined || size <= variable.size, `${name}: ${variable.name}`).toBe(true);
          const symbol = symbols.get(variable.name);
          if (symbol === undefined) {
            expect(variable.linkage, `${name}: ${variable.name}`).toBe(Linkage.static);
            continue;
          }
          const isHidden = symbol.endsWith('HIDDEN') || symbol.endsWith('INTERNAL');
          const [value, , index] = symbol.split(' ');
          expect(`${variable.offset} ${sectionIndex} ${!variable.exported}`, `${name}: ${variable.name}`).toBe(
            `${value} ${index} ${isHidden}`,
          );
          compared++;
        }
      }
    });
    expect(compared).toBeGreaterThan(150);
  });
});

describe('maps', () => {
  const maps = new Map(open('map_in_map').maps.map((map) => [map.name, map]));

  test('of maps have their initial values', () => {
    expect(maps.get('outer_arr')).toMatchObject({
      typeName: 'array_of_maps',
      slots: [
        { index: 0, target: 'inner1' },
        { index: 2, target: 'inner2' },
      ],
      inner: { typeName: 'array', keySize: 4, valueSize: 4, maxEntries: 1 },
    });
    expect(maps.get('outer_hash')).toMatchObject({
      slots: [],
      inner: { typeName: 'hash', valueSize: 8, maxEntries: 7 },
    });
    expect(maps.get('outer_plain')).toMatchObject({ slots: [], inner: undefined, valueSize: 4 });
  });

  test('of programs have theirs', () => {
    expect(maps.get('jmp_table')).toMatchObject({
      typeName: 'prog_array',
      slots: [{ index: 1, target: 'tail_b' }],
      inner: undefined,
    });
  });

  test('say what the source says, not what the loader makes of it', () => {
    const all = new Map(open('maps_all_styles').maps.map((map) => [map.name, map]));
    const btf = open('maps_all_styles').btf!;
    const { keyTypeId, valueTypeId } = all.get('hash_kv')!;
    expect([btf.name(keyTypeId!), btf.name(valueTypeId!)]).toEqual(['key_t', 'val_t']);
    expect(all.get('rb_odd')).toMatchObject({ typeName: 'ringbuf', maxEntries: 5000, keyTypeId: undefined });
    expect(all.get('pinned_lru')).toMatchObject({ pinning: 'byName' });
    expect(all.get('bloom')).toMatchObject({ mapExtra: 3n, keySize: 0 });
  });

  test('of struct_ops know their programs', () => {
    const { maps: all } = open('struct_ops_tcp');
    expect(all.filter(({ kind }) => kind === 'structOps').map(({ name, structOps }) => [name, structOps])).toEqual([
      [
        'my_cc',
        {
          typeId: expect.any(Number),
          typeName: 'tcp_congestion_ops',
          link: false,
          autocreate: true,
          programs: [
            { member: 'init', memberIndex: 1, program: 'my_init' },
            { member: 'ssthresh', memberIndex: 3, program: 'my_ssthresh' },
          ],
        },
      ],
      [
        'my_cc_link',
        expect.objectContaining({ link: true, programs: [{ member: 'init', memberIndex: 1, program: 'my_init' }] }),
      ],
      [
        'optional',
        expect.objectContaining({
          typeName: 'my_ops',
          link: true,
          autocreate: false,
          programs: [{ member: 'test_1', memberIndex: 0, program: 't1' }],
        }),
      ],
    ]);
  });

  test('an arena has its variables', () => {
    const { maps: all } = open('arena_vars');
    const arena = all.find(({ kind }) => kind === 'arena');
    expect(arena?.dataSection?.variables.map(({ name, exported }) => `${name} ${exported}`)).toEqual([
      'in_arena true',
      'head true',
      'hid false',
      'tail true',
    ]);
  });
});

describe('externs', () => {
  test('of the kernel configuration, in the order of their places', () => {
    const object = open('kconfig_externs');
    expect(object.externs.map(({ name, kind, weak }) => `${kind} ${name}${weak ? ' weak' : ''}`)).toEqual([
      'kconfig CONFIG_HZ',
      'kconfig CONFIG_MISSING weak',
      'kconfig CONFIG_MODULES weak',
      'kconfig LINUX_KERNEL_VERSION',
      'kconfig CONFIG_U16 weak',
      'kconfig CONFIG_BPF_SYSCALL weak',
      'kconfig CONFIG_ONE_CHAR weak',
      'kconfig LINUX_HAS_BPF_COOKIE weak',
      'kconfig CONFIG_DEFAULT_HOSTNAME weak',
    ]);
    const { variables, size } = object.dataSections.find(({ kind }) => kind === 'kconfig')!;
    expect(variables.map(({ offset, size }) => [offset, size])).toEqual([
      [0, 8],
      [8, 8],
      [16, 4],
      [20, 4],
      [24, 2],
      [26, 1],
      [27, 1],
      [28, 1],
      [29, 16],
    ]);
    expect(size).toBe(45);
  });

  test('of the kernel itself', () => {
    const { externs } = open('ksym_externs');
    expect(externs.map(({ name, kind, weak }) => `${kind} ${name}${weak ? ' weak' : ''}`)).toEqual([
      'ksymVar bpf_prog_active weak',
      'ksymFunc bpf_task_acquire weak',
      'ksymFunc bpf_task_release',
      'ksymVar init_task',
      'ksymVar runqueues',
    ]);
  });
});

describe('programs', () => {
  test('in .text are subprograms, unless there is no other', () => {
    const { programs, subprograms } = open('text_and_sections');
    expect(programs.map(({ name }) => name)).toEqual(['cls', 'x']);
    expect(subprograms.map(({ name }) => name)).toEqual(['uncalled_global', 'helper']);
    expect(open('text_single').programs).toHaveLength(1);
  });

  test('know their CO-RE relocations and their types', () => {
    const object = open('opensnoop_like');
    const total = [...object.btfExt!.coreRelocs.values()].reduce((sum, relocs) => sum + relocs.length, 0);
    expect(total).toBeGreaterThan(0);
    expect(object.programs.reduce((sum, { coreRelocs }) => sum + coreRelocs.length, 0)).toBe(total);
    for (const { name, typeId, insnOffset, size, coreRelocs, insns } of object.programs) {
      expect(object.btf!.name(typeId!)).toBe(name);
      expect(insns).toHaveLength(size);
      for (const reloc of coreRelocs) {
        expect(reloc.insnOffset).toBeGreaterThanOrEqual(insnOffset);
        expect(reloc.insnOffset).toBeLessThan(insnOffset + size);
      }
    }
  });

  test('are not loaded by themselves behind a question mark', () => {
    const { programs } = open('struct_ops_tcp');
    expect(programs.map(({ name, section, autoload }) => `${name} ${section} ${autoload}`)).toEqual([
      'my_init struct_ops/my_init true',
      'my_ssthresh struct_ops true',
      't1 ?struct_ops/t1 false',
    ]);
  });
});

describe('the rest', () => {
  test('license, version, and what is left out', () => {
    const object = open('unknown_section_unused');
    expect(object).toMatchObject({ license: 'GPL', kernelVersion: 0x050a00 });
    noteWarnings(object.warnings);
    expect(object.warnings.map(({ code, section }) => `${code} ${section}`)).toEqual([
      'SECTION_IGNORED mydata',
      'SECTION_IGNORED my.version',
    ]);
  });

  test('BTF that nothing needs may be broken', () => {
    const bytes = Buffer.from(readGoldenObject('text_single'));
    const elf = parseElf(bytes);
    bytes[elf.findSection('.BTF')!.offset] = 0;
    const object = openObject(bytes);
    expect(object.btf).toBeUndefined();
    noteWarnings(object.warnings);
    expect(object.warnings.map(({ code }) => code)).toEqual(['BTF_IGNORED']);
    expect(makeSkeleton(object, 'text_single.bpf.o')).not.toHaveProperty('data_sections');
  });

  test('the bytes and the BTF stay as they are', () => {
    for (const name of accepted) {
      const bytes = Buffer.from(readGoldenObject(name));
      makeSkeleton(openObject(bytes), 'x.bpf.o');
      expect(bytes.equals(readGoldenObject(name)), name).toBe(true);
    }
  });
});
