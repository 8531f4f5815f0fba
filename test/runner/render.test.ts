/** Values as text: what the reference loader prints for each C type, and what it cannot print. */
import { type BpfMap, openObject, type PackageMeta } from 'ebpf-ecc';
import { beforeAll, describe, expect, test } from 'vitest';
import { Kind } from '../../src/btf/kinds.ts';
import type { Btf } from '../../src/btf/table.ts';
import { stackInterpreter } from '../../src/codegen/stack-event.ts';
import { chooseType, decodeEvents, eventTypes } from '../../src/runner/event-types.ts';
import { parseKallsyms } from '../../src/runner/kallsyms.ts';
import { fieldsAt, fieldsOf, jsonObject } from '../../src/runner/render.ts';
import { stackReader, stackText } from '../../src/runner/stacks.ts';
import { fileDirectory } from '../support/temporary.ts';
import { findTool } from '../support/tools.ts';
import { ObjectBuilder } from './objects.ts';

const builder = new ObjectBuilder(fileDirectory());

const SOURCE = `
enum mood { CALM, BUSY = 3 };
struct nested { __u16 a; char b; };
struct everything {
  int pid; __u32 u; __s8 s8; char c; bool yes; unsigned char raw[3];
  char comm[16]; __u64 big; __s64 low; void *ptr; enum mood state;
  struct nested in; float f; double d; __u32 bits : 3, more : 5;
  union { int arm; __u8 bytes[4]; }; const char note[4]; __int128 wide; __u32 grid[2][2];
};
struct tail { __u32 n; __u32 items[]; };
struct stacks { __u32 pid; __u32 cpu_id; char comm[16]; __s32 kernel_size; __s32 ustack_sz; __u64 kstack[4]; __u64 ustack[4]; };
struct everything e; struct tail t; struct stacks s;
SEC("raw_tp/sys_enter") int use(void *ctx) { return e.pid + t.n + s.pid; }
`;

describe.skipIf(findTool('clang') === undefined)('printed values', () => {
  let btf: Btf;
  const idOf = (name: string) => btf.find(name, Kind.struct)!;

  beforeAll(async () => {
    ({ btf } = openObject(await builder.build('render', SOURCE)) as { btf: Btf });
  });

  function everything(): DataView {
    const bytes = Buffer.alloc(btf.recordedSize(idOf('everything')));
    const at = (name: string) => {
      const id = idOf('everything');
      for (let i = 0; i < btf.vlen(id); i++) if (btf.memberName(id, i) === name) return btf.memberBitOffset(id, i) / 8;
      throw new Error(name);
    };
    bytes.writeInt32LE(-7, at('pid'));
    bytes.writeUInt32LE(4294967295, at('u'));
    bytes.writeInt8(-8, at('s8'));
    bytes.write('x', at('c'));
    bytes[at('yes')] = 1;
    bytes.set([1, 2, 255], at('raw'));
    bytes.write('say "hi"', at('comm'));
    bytes.writeBigUInt64LE(18446744073709551615n, at('big'));
    bytes.writeBigInt64LE(-5n, at('low'));
    bytes.writeBigUInt64LE(0xffffffff81000000n, at('ptr'));
    bytes.writeUInt32LE(3, at('state'));
    bytes.writeUInt16LE(513, at('in'));
    bytes.write('y', at('in') + 2);
    bytes.writeFloatLE(1.23, at('f'));
    bytes.writeDoubleLE(2, at('d'));
    bytes[at('bits')] = 0b10110_101;
    bytes.writeInt32LE(0x04030201, at('d') + 12);
    bytes.write('full', at('note'));
    bytes[at('wide')] = 9;
    for (let i = 0; i < 4; i++) bytes.writeUInt32LE(i, at('grid') + i * 4);
    return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  test('JSON: keys sorted, numbers exact, as serde prints them', () => {
    const view = everything();
    expect(jsonObject(fieldsOf(btf, idOf('everything')))(view, 0, view.byteLength)).toBe(
      '{"arm":67305985,"big":18446744073709551615,"bits":5,"bytes":[1,2,3,4],"c":120,"comm":"say \\"hi\\"","d":2.0,' +
        '"f":1.2300000190734863,"grid":[[0,1],[2,3]],"in":{"__EUNOMIA_TYPE":"struct","__EUNOMIA_TYPE_NAME":"nested","a":513,"b":121},' +
        '"low":-5,"more":22,"note":"full","pid":-7,"ptr":18446744071578845184,"raw":[1,2,255],"s8":-8,"state":"BUSY(3)","u":4294967295,' +
        '"wide":"9","yes":true}',
    );
  });

  test('text: the same, strings and enums bare', () => {
    const view = everything();
    const text = (name: string) =>
      fieldsOf(btf, idOf('everything'))
        .find((field) => field.name === name)!
        .text(view, 0, view.byteLength);
    expect([text('comm'), text('state'), text('raw'), text('yes')]).toEqual([
      'say "hi"',
      'BUSY(3)',
      '[1,2,255]',
      'true',
    ]);
  });

  test('events that end early read as zeros; flexible arrays take what is left', () => {
    const view = everything();
    expect(jsonObject(fieldsOf(btf, idOf('everything')))(view, 0, 4)).toMatch(
      /"big":0,.*"comm":"",.*"pid":-7,.*"yes":false}$/,
    );
    const tail = new DataView(new Uint8Array([2, 0, 0, 0, 7, 0, 0, 0, 8, 0, 0, 0]).buffer);
    expect(jsonObject(fieldsOf(btf, idOf('tail')))(tail, 0, 12)).toBe('{"items":[7,8],"n":2}');
  });

  test('an unknown enumerator, a number that JSON does not have', () => {
    const view = everything();
    const id = idOf('everything');
    const field = (name: string) => fieldsOf(btf, id).find((one) => one.name === name)!;
    const place = (name: string) =>
      btf.memberBitOffset(
        id,
        fieldsOf(btf, id).findIndex((one) => one.name === name),
      ) / 8;
    view.setUint32(place('state'), 9, true);
    view.setFloat32(place('f'), Number.NaN, true);
    expect(field('state').json(view, 0, view.byteLength)).toBe('"<UNKNOWN_VARIANT>(9)"');
    expect(field('f').json(view, 0, view.byteLength)).toBe('null');
  });

  test('stack traces, with members named by the package and symbols of the kernel', () => {
    const entry = { intepreter: { stack_trace: { field_map: { kstack_sz: 'kernel_size' } } } };
    const interpreter = stackInterpreter(entry)!;
    const bytes = Buffer.alloc(btf.recordedSize(idOf('stacks')));
    bytes.writeUInt32LE(7, 0);
    bytes.writeUInt32LE(1, 4);
    bytes.write('bash', 8);
    bytes.writeInt32LE(16, 24);
    bytes.writeInt32LE(-14, 28);
    bytes.writeBigUInt64LE(0xffffffff81000010n, 32);
    bytes.writeBigUInt64LE(0xffffffff80000000n, 40);
    const read = stackReader(btf, idOf('stacks'), interpreter.fields);
    const event = read(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length);
    const symbols = {
      kernel: parseKallsyms('ffffffff81000000 T sym'),
      user: { find: (pid: number, address: bigint) => (address === 0x1234n ? `main of ${pid}` : undefined) },
    };
    expect(stackText(event, symbols)).toBe(
      'COMM: bash (pid=7) @ CPU 1\nKernel:\n  0 [<ffffffff81000010>] sym+0x10\n  1 [<ffffffff80000000>]\nNo Userspace Stack\n',
    );
    expect(stackText({ ...event, kernel: [], user: [0x1234n, 0x99n] }, symbols)).toBe(
      'COMM: bash (pid=7) @ CPU 1\nNo Kernel Stack\nUserspace:\n  0 [<0000000000001234>] main of 7\n  1 [<0000000000000099>]\n',
    );
    expect(stackText({ ...event, kernel: [] }, undefined)).toBe('');
    expect(() => stackReader(btf, idOf('nested'), interpreter.fields)).toThrow(
      expect.objectContaining({ code: 'UNSUP_STACK_EVENT' }),
    );
    expect(stackInterpreter({ intepreter: 'default_struct' })).toBeUndefined();
  });

  describe('which type a record has', () => {
    const map = { name: 'rb', valueTypeId: undefined } as unknown as BpfMap;
    const metaOf = (config: unknown, types: readonly string[] = []) =>
      ({
        bpf_skel: { maps: [{ name: 'rb', ident: 'rb', export_config: config }] },
        export_types: types.map((name) => ({ name, members: [], size: 0, type_id: idOf(name) })),
      }) as unknown as PackageMeta;

    test('the export types of the package; the size of the record decides', () => {
      const types = eventTypes(btf, metaOf('no_export', ['everything', 'stacks', 'tail']), map);
      expect(types.map(({ name }) => name)).toEqual(['everything', 'stacks', 'tail']);
      const size = btf.recordedSize(idOf('stacks'));
      expect(chooseType(types, size)?.name).toBe('stacks');
      // perf buffers round up
      expect(chooseType(types, size + 4)?.name).toBe('stacks');
      expect(chooseType(types, 40)?.name).toBe('everything');
    });

    test("the map's own type before them", () => {
      const types = eventTypes(btf, metaOf({ btf_type_id: idOf('tail') }, ['everything']), map);
      expect(types.map(({ name }) => name)).toEqual(['tail']);
    });

    test('members picked by the package, in the order of their places', () => {
      const u32 = btf.memberType(idOf('tail'), 0);
      const config = {
        custom_members: [
          { name: 'second', offset: 4, btf_type_id: u32 },
          { name: 'first', offset: 0, btf_type_id: u32 },
        ],
      };
      const [type] = eventTypes(btf, metaOf(config), map);
      expect(type?.size).toBe(8);
      const view = new DataView(new Uint8Array([1, 0, 0, 0, 2, 0, 0, 0]).buffer);
      expect(fieldsAt(btf, type!.members!).map((field) => [field.name, field.text(view, 0, 8)])).toEqual([
        ['first', '1'],
        ['second', '2'],
      ]);
      expect(decodeEvents(btf, [type!])(view, 0, 8)).toEqual({ first: 1, second: 2 });
      expect(() =>
        eventTypes(btf, metaOf({ custom_members: [{ name: 'x', offset: 0, btf_type_id: 99999 }] }), map),
      ).toThrow(expect.objectContaining({ code: 'PKG_BAD_EXPORT_CONFIG' }));
    });

    test('nothing known: bytes', () => {
      const view = new DataView(new Uint8Array([1, 2, 3]).buffer);
      expect(decodeEvents(btf, eventTypes(btf, undefined, map))(view, 1, 2)).toEqual({ bytes: Uint8Array.of(2, 3) });
    });
  });
});
