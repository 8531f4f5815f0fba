/**
 * Hundreds of random C structs: gcc says what is in them, clang's BTF says where, and decoders, views and encoders have to agree.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { type Btf, Kind, parseBtf, type TypeId } from '../../src/btf/index.ts';
import { emitTypeScript } from '../../src/codegen/ts/module.ts';
import { makeCodec } from '../../src/codegen/ts/run-time.ts';
import type { Codec, View } from '../../src/decode/index.ts';
import { parseElf } from '../../src/elf/elf.ts';
import { runOk } from '../support/command.ts';
import { requireTool, type Skippable } from '../support/require.ts';
import { fileDirectory } from '../support/temporary.ts';
import { type Composite, leavesOf, StructMaker } from './c-structs.ts';
import { requireClang64 } from './clang.ts';
import { loadModule, typeErrors } from './generated.ts';
import { at, inNativeWords, type NativeFill, type NativeStruct, runNative } from './native.ts';
import { Random } from './random.ts';

const COUNT = 300;
const FILLS = 4;
const FLEXIBLE = 3;

// Two compilers and tsc, on a machine that may be busy with other tests.
vi.setConfig({ testTimeout: 240_000 });

const directory = fileDirectory();
const maker = new StructMaker(new Random(20261122));
const structs: NativeStruct[] = Array.from({ length: COUNT }, (_, i) => nativeStruct(maker.make(i)));

function nativeStruct(composite: Composite): NativeStruct {
  const last = composite.members.find((member) => member.flexible);
  const flexible = last === undefined ? undefined : { member: last.name, count: FLEXIBLE };
  return { use: composite.use, leaves: leavesOf(composite, FLEXIBLE), flexible };
}

/** The BTF that clang makes of the structs: pointers to them keep them in. */
async function compileBtf(context: Skippable): Promise<Btf> {
  const clang = requireClang64(context);
  const uses = structs.map(({ use }, i) => `${use} *use${i};\n`).join('');
  const source = path.join(directory, 'structs.c');
  writeFileSync(source, maker.text + uses);
  await runOk(clang, ['-target', 'bpf', '-g', '-O2', '-w', '-c', source, '-o', path.join(directory, 'structs.o')]);
  const elf = parseElf(readFileSync(path.join(directory, 'structs.o')));
  return parseBtf(elf.data(elf.findSection('.BTF')!));
}

function findType(btf: Btf, use: string): TypeId {
  const name = use.replace(/^(struct|union) /, '');
  const id = btf.find(name, Kind.struct, Kind.union, Kind.typedef);
  if (id === undefined) throw new Error(`no ${use} in the BTF`);
  return id;
}

interface Prepared {
  readonly btf: Btf;
  readonly fills: readonly (readonly NativeFill[])[];
}

let preparing: Promise<Prepared> | undefined;

/** Both compilers, once for all tests. */
function prepare(context: Skippable): Promise<Prepared> {
  const gcc = requireTool(context, 'gcc');
  preparing ??= (async () => ({
    btf: await compileBtf(context),
    fills: await runNative(gcc, directory, maker.text, structs, FILLS),
  }))();
  return preparing;
}

describe('random structs', () => {
  it('have leaves of every kind', () => {
    const kinds = new Set(
      structs.flatMap(({ leaves }) => leaves.map((leaf) => `${leaf.kind}${leaf.bitfield ? ':' : ''}`)),
    );
    expect([...kinds].sort()).toEqual([
      'bool',
      'bool:',
      'chars',
      'double',
      'enum',
      'enum:',
      'float',
      'int',
      'int:',
      'pointer',
    ]);
    expect(structs.filter(({ flexible }) => flexible).length).toBeGreaterThan(20);
  });

  it('decode as C reads them', async (context) => {
    const { btf, fills } = await prepare(context);
    const wrong: string[] = [];
    let compared = 0;
    structs.forEach(({ use, leaves }, i) => {
      const codec = makeCodec(btf, findType(btf, use));
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
    expect(compared).toBeGreaterThan(10_000);
  });

  it('encode back to what was decoded', async (context) => {
    const { btf, fills } = await prepare(context);
    structs.forEach(({ use }, i) => {
      const codec = makeCodec(btf, findType(btf, use), { charArrays: 'bytes' });
      for (const { bytes } of fills[i]!) {
        const decoded = codec.decode(bytes);
        const encoded = codec.encode(decoded);
        expect(encoded.length, use).toBe(bytes.length);
        expect(codec.decode(encoded), use).toEqual(decoded);
        const target = new Uint8Array(bytes.length + 8).fill(0xee);
        expect(codec.encodeInto(decoded, target, 4), use).toBe(bytes.length);
        expect(target.subarray(4, -4), use).toEqual(encoded);
        expect([...target.subarray(0, 4), ...target.subarray(-4)], use).toEqual(new Array(8).fill(0xee));
      }
    });
  });

  it('decode from any offset of any source, and refuse one byte less', async (context) => {
    const { btf, fills } = await prepare(context);
    structs.forEach(({ use }, i) => {
      const codec = makeCodec(btf, findType(btf, use));
      const { bytes } = fills[i]![0]!;
      const expected = codec.decode(bytes);
      const shifted = new Uint8Array(bytes.length + 3);
      shifted.set(bytes, 3);
      expect(codec.decode(shifted, 3), use).toEqual(expected);
      expect(codec.decode(shifted.buffer, 3), use).toEqual(expected);
      expect(codec.decode(new DataView(shifted.buffer, 1), 2), use).toEqual(expected);
      expect(codec.decode(Buffer.from(shifted), 3), use).toEqual(expected);
      const short = { name: 'ShortBufferError', typeName: codec.name, need: codec.need, have: codec.need - 1 };
      if (codec.need > 0)
        expect(() => codec.decode(bytes.subarray(0, codec.need - 1)), use).toThrow(expect.objectContaining(short));
      const cut = Math.floor(codec.need / 2);
      const padded = new Uint8Array(codec.need);
      padded.set(bytes.subarray(0, cut));
      expect(codec.decodePartial(bytes.subarray(0, cut)), use).toEqual(codec.decode(padded));
      expect(codec.decodePartial(bytes), use).toEqual(expected);
    });
  });

  it('make a module that tsc accepts and whose codecs and views agree with C', async (context) => {
    const { btf, fills } = await prepare(context);
    const types = structs.map(({ use }) => findType(btf, use));
    const text = emitTypeScript({ btf, types, source: 'structs.o' });
    expect(emitTypeScript({ btf, types, source: 'structs.o' })).toBe(text);
    expect(await typeErrors(path.join(directory, 'strict'), { 'structs.ts': text })).toBe('');
    const module = await loadModule(directory, 'structs', text);
    const byName = new Map(
      Object.values(module)
        .filter(isCodec)
        .map((codec) => [codec.name, codec]),
    );
    const views = new Map(
      Object.values(module)
        .filter(isViewClass)
        .map((make) => [new make().$codec.name, make]),
    );
    const wrong: string[] = [];
    structs.forEach(({ use, leaves }, i) => {
      const codec = byName.get(use);
      const viewClass = views.get(use);
      if (codec === undefined || viewClass === undefined) throw new Error(`the module has no ${use}`);
      const view = new viewClass();
      for (const fill of fills[i]!) {
        const decoded = codec.decode(fill.bytes);
        view.$set(fill.bytes);
        expect(view.$decode()).toEqual(decoded);
        leaves.forEach((leaf, k) => {
          const native = fill.values[k]!;
          for (const value of [at(decoded, leaf.path), throughView(view, leaf.path)]) {
            const ours = inNativeWords(leaf, value, native);
            if (ours !== native) wrong.push(`${use}.${leaf.c}: ${ours}, C has ${native}`);
          }
        });
      }
    });
    expect(wrong.slice(0, 20)).toEqual([]);
  });
});

function isCodec(value: unknown): value is Codec<unknown> {
  return typeof value === 'object' && value !== null && 'decode' in value;
}

function isViewClass(value: unknown): value is new () => View<unknown> {
  return typeof value === 'function' && value.prototype instanceof Object && '$set' in value.prototype;
}

/** The same path through getters, `at()` for arrays of views. */
function throughView(view: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((inner, key) => {
    if (typeof key === 'number' && !Array.isArray(inner) && !ArrayBuffer.isView(inner)) {
      return (inner as { at(index: number): unknown }).at(key);
    }
    return (inner as Record<string | number, unknown>)[key];
  }, view);
}
