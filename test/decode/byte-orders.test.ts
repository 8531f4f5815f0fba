/**
 * Both byte orders without a machine of either: clang lays out initialised globals for bpfel and bpfeb, and what it wrote into
 * the object is what decoding has to find and encoding has to write, to the bit.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { Kind, parseBtf, type TypeId } from '../../src/btf/index.ts';
import { makeCodec } from '../../src/codegen/ts/run-time.ts';
import { parseElf, SectionType } from '../../src/elf/elf.ts';
import { runOk } from '../support/command.ts';
import { fileDirectory } from '../support/temporary.ts';
import { StructMaker } from './c-structs.ts';
import { differences, initialise } from './c-values.ts';
import { requireClang64 } from './clang.ts';
import { Random } from './random.ts';

const COUNT = 300;

const directory = fileDirectory();
const random = new Random(7);
const maker = new StructMaker(random);
const globals = Array.from({ length: COUNT }, (_, i) => {
  const composite = maker.make(i);
  return { name: `g${i}`, use: composite.use, ...initialise(composite, random) };
});

describe.each(['bpfel', 'bpfeb'])('globals of %s', (target) => {
  it('decode to their initialisers and are encoded to the same bytes', async (context) => {
    const clang = requireClang64(context);
    const source = path.join(directory, `${target}.c`);
    const object = path.join(directory, `${target}.o`);
    writeFileSync(source, maker.text + globals.map(({ name, use, c }) => `${use} ${name} = ${c};\n`).join(''));
    await runOk(clang, ['-target', target, '-g', '-O2', '-w', '-c', source, '-o', object]);
    const elf = parseElf(readFileSync(object));
    const btf = parseBtf(elf.data(elf.findSection('.BTF')!));
    expect(btf.littleEndian).toBe(target === 'bpfel');
    const symbols = new Map(elf.symbols.map((symbol) => [symbol.name, symbol]));
    const wrong: string[] = [];
    for (const { name, use, value } of globals) {
      const symbol = symbols.get(name)!;
      const section = elf.sections[symbol.sectionIndex]!;
      const codec = makeCodec(btf, btf.ref(btf.find(name, Kind.var) as TypeId));
      const data = section.type === SectionType.nobits ? new Uint8Array(section.size) : elf.data(section);
      const bytes = data.subarray(symbol.value, symbol.value + codec.size);
      wrong.push(...differences(codec.decode(bytes), value, use));
      const encoded = Buffer.from(codec.encode(value)).toString('hex');
      // Encoding stops where an empty flexible array starts, which may be in the padding, or after the NUL of an empty string.
      const expected = Buffer.from(bytes).toString('hex');
      const common = Math.min(encoded.length, expected.length);
      if (common < codec.need * 2 || encoded.slice(0, common) !== expected.slice(0, common))
        wrong.push(`${use}: encoded to ${encoded}, clang has ${expected}`);
    }
    expect(wrong.slice(0, 10)).toEqual([]);
  });
});
