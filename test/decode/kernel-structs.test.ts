/**
 * Real structs: hundreds out of the kernel types that ship with us, picked by a seeded random, compiled by gcc from the header that
 * this package makes and read by decoders made from the same BTF.
 */
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import {
  type Btf,
  IntEncoding,
  isComposite,
  Kind,
  offsetOf,
  resolve,
  sizeOf,
  type TypeId,
} from '../../src/btf/index.ts';
import { emitTypeScript } from '../../src/codegen/ts/module.ts';
import { makeCodec } from '../../src/codegen/ts/run-time.ts';
import { readKernelBtf } from '../../src/headers/data.ts';
import { makeHeader } from '../../src/headers/make-header.ts';
import { requireTool, type Skippable } from '../support/require.ts';
import { fileDirectory } from '../support/temporary.ts';
import { type Leaf, sampledIndices } from './c-structs.ts';
import { typeErrors } from './generated.ts';
import { at, inNativeWords, type NativeFill, type NativeStruct, runNative } from './native.ts';
import { Random } from './random.ts';

const COUNT = 400;
const FILLS = 3;
/** Bytes. The kernel has structs of megabytes, which are arrays mostly. */
const LARGEST = 64 * 1024;
const MOST_LEAVES = 4000;
/** As the kernel is compiled, since 6.2 everywhere: `char` is unsigned, and so its BTF says. */
const AS_KERNEL = ['-funsigned-char'];

// Two compilers and tsc, on a machine that may be busy with other tests.
vi.setConfig({ testTimeout: 240_000 });

const directory = fileDirectory();

/** Structs and unions whose name nothing else has, in an order of chance. */
function pickTypes(btf: Btf, random: Random): TypeId[] {
  const candidates = [...btf.ids()].filter((id) => {
    if (!isComposite(btf.kind(id)) || btf.vlen(id) === 0) return false;
    const size = btf.recordedSize(id);
    return size > 0 && size <= LARGEST && btf.named(btf.name(id)).length === 1;
  });
  const picked = new Set<TypeId>();
  while (picked.size < COUNT) picked.add(random.pick(candidates));
  return [...picked];
}

function leavesOf(btf: Btf, id: TypeId, prefix: string, path: readonly (string | number)[]): Leaf[] {
  const leaves: Leaf[] = [];
  for (let i = 0; i < btf.vlen(id); i++) {
    const name = btf.memberName(id, i);
    const type = btf.memberType(id, i);
    if (name !== '') {
      leaves.push(...leavesOfType(btf, type, prefix + name, [...path, name], btf.memberBitSize(id, i) > 0));
    } else if (isComposite(btf.kind(resolve(btf, type)))) {
      leaves.push(...leavesOf(btf, resolve(btf, type), prefix, path));
    }
  }
  return leaves;
}

function leavesOfType(btf: Btf, id: TypeId, c: string, path: readonly (string | number)[], bitfield: boolean): Leaf[] {
  const type = resolve(btf, id);
  switch (btf.kind(type)) {
    case Kind.int:
      return [{ c, path, bitfield, kind: (btf.int(type).encoding & IntEncoding.bool) !== 0 ? 'bool' : 'int' }];
    case Kind.ptr:
      return [{ c, path, bitfield, kind: 'pointer' }];
    case Kind.enum:
    case Kind.enum64:
      return [{ c, path, bitfield, kind: 'enum' }];
    case Kind.float:
      return [{ c, path, bitfield, kind: btf.recordedSize(type) === 4 ? 'float' : 'double' }];
    case Kind.struct:
    case Kind.union:
      return leavesOf(btf, type, `${c}.`, path);
    case Kind.array: {
      const element = resolve(btf, btf.arrayElement(type));
      // Flexible arrays have no elements here: the bytes end with the struct.
      if (btf.arrayLength(type) === 0) return [];
      if (btf.kind(element) === Kind.int && btf.name(element) === 'char') return [{ c, path, bitfield, kind: 'chars' }];
      return sampledIndices(btf.arrayLength(type)).flatMap((i) =>
        leavesOfType(btf, element, `${c}[${i}]`, [...path, i], false),
      );
    }
    default:
      throw new Error(`no leaf: ${c}`);
  }
}

interface Prepared {
  readonly btf: Btf;
  readonly types: readonly TypeId[];
  readonly structs: readonly NativeStruct[];
  readonly fills: readonly (readonly NativeFill[])[];
}

let preparing: Promise<Prepared> | undefined;

/** What gcc says of the structs, once for all tests. */
function prepare(context: Skippable): Promise<Prepared> {
  const gcc = requireTool(context, 'gcc');
  if (os.arch() !== 'x64') return context.skip('the shipped types that are compared are those of x86_64');
  preparing ??= (async () => {
    const btf = await readKernelBtf('x86', '6.18');
    const types = pickTypes(btf, new Random(1848));
    const header = makeHeader(btf, { identifiers: types.map((id) => btf.name(id)) });
    const structs = types.map((id): NativeStruct => {
      const use = `${btf.kind(id) === Kind.struct ? 'struct' : 'union'} ${btf.name(id)}`;
      return { use, leaves: leavesOf(btf, id, '', []).slice(0, MOST_LEAVES) };
    });
    return { btf, types, structs, fills: await runNative(gcc, directory, header.text, structs, FILLS, AS_KERNEL) };
  })();
  return preparing;
}

describe("the shipped kernel's structs", () => {
  it('have the sizes and offsets that C has', async (context) => {
    const { btf, types, structs, fills } = await prepare(context);
    const wrong: string[] = [];
    let compared = 0;
    structs.forEach(({ use, leaves }, i) => {
      const { size, offsets } = fills[i]![0]!;
      if (sizeOf(btf, types[i]!) !== size) wrong.push(`${use}: size ${sizeOf(btf, types[i]!)}, sizeof ${size}`);
      leaves.forEach(({ c, bitfield }, k) => {
        if (bitfield) return;
        const { byteOffset, derefs } = offsetOf(btf, types[i]!, c);
        compared++;
        if (byteOffset !== offsets[k] || derefs.length > 0)
          wrong.push(`${use}.${c}: ${byteOffset}, C has ${offsets[k]}`);
      });
    });
    expect(wrong.slice(0, 20)).toEqual([]);
    expect(compared).toBeGreaterThan(6_000);
  });

  it('decode as C reads them', async (context) => {
    const { btf, types, structs, fills } = await prepare(context);
    const wrong: string[] = [];
    let compared = 0;
    structs.forEach(({ use, leaves }, i) => {
      const codec = makeCodec(btf, types[i]!);
      for (const fill of fills[i]!) {
        if (codec.size !== fill.size) wrong.push(`${use}: size ${codec.size}, sizeof ${fill.size}`);
        const decoded = codec.decode(fill.bytes);
        leaves.forEach((leaf, k) => {
          const native = fill.values[k]!;
          const ours = inNativeWords(leaf, at(decoded, leaf.path), native);
          compared++;
          if (ours !== native) wrong.push(`${use}.${leaf.c}: ${ours}, C has ${native}`);
        });
      }
    });
    expect(wrong.slice(0, 20)).toEqual([]);
    expect(structs.length).toBe(COUNT);
    expect(compared).toBeGreaterThan(20_000);
  });

  it('encode back to what was decoded', async (context) => {
    const { btf, types, structs, fills } = await prepare(context);
    structs.forEach(({ use }, i) => {
      const codec = makeCodec(btf, types[i]!, { charArrays: 'bytes' });
      for (const { bytes } of fills[i]!) {
        const decoded = codec.decode(bytes);
        const encoded = codec.encode(decoded);
        // an array of unknown length that has no elements begins before the padding at the end
        expect([codec.size, codec.need], use).toContain(encoded.length);
        expect(codec.decode(encoded), use).toEqual(decoded);
      }
    });
  });

  it('make a module that tsc accepts', async () => {
    const btf = await readKernelBtf('x86', '6.18');
    const types = [...pickTypes(btf, new Random(1848)), btf.find('task_struct', Kind.struct) as TypeId];
    const text = emitTypeScript({ btf, types, source: 'vmlinux' });
    expect(await typeErrors(path.join(directory, 'strict'), { 'kernel.ts': text })).toBe('');
  });
});
