/**
 * Hundreds of random C structs: gcc says what is in them, clang's BTF says where, and decoders, views and encoders have to agree.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Btf, Kind, parseBtf, resolve, type TypeId } from '../../src/btf/index.ts';
import { makeCodec } from '../../src/codegen/ts/run-time.ts';
import { parseElf } from '../../src/elf/elf.ts';
import { runOk } from '../support/command.ts';
import { requireTool, type Skippable } from '../support/require.ts';
import { fileDirectory } from '../support/temporary.ts';
import { type Composite, leavesOf, StructMaker } from './c-structs.ts';
import { requireClang64 } from './clang.ts';
import { at, inNativeWords, type NativeFill, type NativeStruct, runNative } from './native.ts';
import { Random } from './random.ts';

const COUNT = 400;
const FILLS = 4;
const FLEXIBLE = 3;

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
});
