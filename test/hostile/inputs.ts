/**
 * Inputs of every kind, one a number: the same number gives the same bytes, so that a finding is repeated from it. Damaged goldens and
 * packages of them, and BTF made from a grammar.
 */
import { deflateSync } from 'node:zlib';
import { stringify } from 'yaml';
import { type Btf, parseBtf } from '../../src/btf/table.ts';
import { isElf, parseElf } from '../../src/elf/elf.ts';
import { openObject } from '../../src/object/open.ts';
import { packTar } from '../../src/package/archive.ts';
import { packPackage } from '../../src/package/pack.ts';
import { makeSkeleton } from '../../src/skeleton/skeleton.ts';
import { goldens, readGoldenObject } from '../golden/goldens.ts';
import { mutate, type Random, seeded } from '../golden/mutate.ts';
import { btfOfSeed } from './btf-grammar.ts';
import { exerciseBtfExt, exerciseObject, exercisePackage, exerciseTar, type Outcome } from './exercise.ts';

export interface Input {
  readonly kind: string;
  readonly bytes: Uint8Array;
  readonly run: () => Outcome | Promise<Outcome>;
}

/** A kind of input and how many of 100 are of it. */
interface Kind {
  readonly name: string;
  readonly share: number;
  readonly make: (seed: number, random: Random) => { readonly bytes: Uint8Array; readonly run: Input['run'] };
}

export interface Inputs {
  readonly kinds: readonly string[];
  get(number: number): Input;
}

const pick = <T>(list: readonly T[], random: Random): T => list[Math.floor(random() * list.length)]!;

/** Two entries of the section table change places, or one takes an offset, size, link or type that is at an edge. */
function damageSections(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = Uint8Array.from(bytes);
  if (!isElf(copy) || copy.length < 64) return copy;
  const view = new DataView(copy.buffer);
  const table = Number(view.getBigUint64(0x28, true));
  const count = view.getUint16(0x3c, true);
  if (table + count * 64 > copy.length || count === 0) return copy;
  const at = () => table + 64 * Math.floor(random() * count);
  const a = at();
  if (random() < 0.4) {
    const b = at();
    const first = copy.slice(a, a + 64);
    copy.copyWithin(a, b, b + 64);
    copy.set(first, b);
    return copy;
  }
  const edge = pick(
    [0, 1, 7, 8, 0xffff, copy.length - 1, copy.length, copy.length + 1, 0x7fffffff, 0xffffffff],
    random,
  );
  const place = pick([0, 4, 8, 24, 32, 40, 44, 56], random);
  if (place === 24 || place === 32 || place === 56) {
    const huge = random() < 0.2 ? 0xffff_ffff_ffff_fff0n : BigInt(edge);
    view.setBigUint64(a + place, huge, true);
  } else view.setUint32(a + place, edge, true);
  return copy;
}

const WEIRD: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1e308,
  2 ** 53,
  '',
  '__proto__',
  '../../x',
  'x'.repeat(5000),
  [],
  {},
  [[[[]]]],
  '\u0000',
  '\u2028',
  { length: 1e9 },
];

/** JSON with some values replaced, left out, or given keys that mean something to JavaScript. */
function damageJson(text: string, random: Random): string {
  const root: unknown = JSON.parse(text);
  const places: { holder: Record<string, unknown>; key: string }[] = [];
  const walk = (value: unknown) => {
    if (typeof value !== 'object' || value === null) return;
    for (const key of Object.keys(value)) {
      places.push({ holder: value as Record<string, unknown>, key });
      walk((value as Record<string, unknown>)[key]);
    }
  };
  walk(root);
  for (let count = 1 + Math.floor(random() * 3); count > 0; count--) {
    const { holder, key } = pick(places, random);
    const what = random();
    if (what < 0.2) delete holder[key];
    else if (what < 0.3)
      Object.defineProperty(holder, '__proto__', { value: pick(WEIRD, random), enumerable: true, configurable: true });
    else holder[key] = pick(WEIRD, random);
  }
  const damaged = JSON.stringify(root);
  if (random() >= 0.02) return damaged;
  const depth = 1 + Math.floor(random() * 20_000);
  return damaged.replace(/"progs":/, `"deep":${'['.repeat(depth)}${']'.repeat(depth)},"progs":`);
}

export async function makeInputs(maxObject = 12_000): Promise<Inputs> {
  const objects = goldens.map(({ name }) => readGoldenObject(name)).filter(({ length }) => length < maxObject);
  const tables: { readonly bytes: Uint8Array }[] = [];
  const exts: { readonly bytes: Uint8Array; readonly btf: Btf }[] = [];
  const packages: string[] = [];
  for (const object of objects) {
    try {
      const elf = parseElf(object);
      const section = elf.findSection('.BTF');
      if (section === undefined) continue;
      tables.push({ bytes: elf.data(section) });
      const ext = elf.findSection('.BTF.ext');
      if (ext !== undefined) exts.push({ bytes: elf.data(ext), btf: parseBtf(elf.data(section)) });
      const skeleton = makeSkeleton(openObject(object), 'x.bpf.o');
      packages.push(packPackage({ object, meta: { bpf_skel: skeleton, export_types: [] } as never }));
    } catch {
      // some goldens are broken on purpose
    }
  }
  const small = packages.filter(({ length }) => length < 12_000);
  const yamls = small.map((text) => Buffer.from(stringify(JSON.parse(text))));
  const tars = await Promise.all(
    small.map((text) =>
      packTar([
        { path: 'package.json', content: Buffer.from(text) },
        { path: 'btfhub-archive/debian/12/x86_64/1.btf', content: new Uint8Array(700) },
      ]),
    ),
  );
  const object = (bytes: Uint8Array) => ({ bytes, run: () => exerciseObject(bytes) });
  const opened = (bytes: Uint8Array) => ({ bytes, run: () => exercisePackage(bytes) });
  const kinds: readonly Kind[] = [
    { name: 'object, bytes damaged', share: 22, make: (_, random) => object(mutate(pick(objects, random), random)) },
    {
      name: 'object, section table damaged',
      share: 13,
      make: (_, random) => object(damageSections(pick(objects, random), random)),
    },
    { name: 'BTF, bytes damaged', share: 15, make: (_, random) => object(mutate(pick(tables, random).bytes, random)) },
    {
      name: '.BTF.ext, bytes damaged',
      share: 15,
      make: (_, random) => {
        const { bytes, btf } = pick(exts, random);
        const damaged = mutate(bytes, random);
        return { bytes: damaged, run: () => exerciseBtfExt(damaged, btf) };
      },
    },
    { name: 'BTF from a grammar', share: 17, make: (seed) => object(btfOfSeed(seed)) },
    {
      name: 'package JSON, values damaged',
      share: 6,
      make: (_, random) => opened(Buffer.from(damageJson(pick(small, random), random))),
    },
    {
      name: 'package JSON, bytes damaged',
      share: 3,
      make: (_, random) => opened(mutate(Buffer.from(pick(small, random)), random)),
    },
    {
      name: 'package with a damaged object or stream',
      share: 3,
      make: (_, random) => {
        const { bpf_object_size: size, ...rest } = JSON.parse(pick(small, random)) as {
          bpf_object_size: number;
          bpf_object: string;
        };
        const inner = mutate(pick(objects, random), random);
        const stream =
          random() < 0.5 ? deflateSync(inner, { level: 1 }) : mutate(deflateSync(inner, { level: 1 }), random);
        const declared = random() < 0.8 ? inner.length : size;
        return opened(
          Buffer.from(
            JSON.stringify({ ...rest, bpf_object_size: declared, bpf_object: Buffer.from(stream).toString('base64') }),
          ),
        );
      },
    },
    { name: 'package YAML, bytes damaged', share: 2, make: (_, random) => opened(mutate(pick(yamls, random), random)) },
    {
      name: 'tar, bytes damaged',
      share: 4,
      make: (_, random) => {
        const bytes = mutate(pick(tars, random), random);
        return { bytes, run: () => exerciseTar(bytes) };
      },
    },
  ];
  const byPercent = kinds.flatMap((kind) => Array.from({ length: kind.share }, () => kind));
  return {
    kinds: kinds.map(({ name }) => name),
    get(number) {
      // 37 and 100 have no common divisor, so that neighbours are of different kinds
      const kind = byPercent[(number * 37) % 100]!;
      return { kind: kind.name, ...kind.make(number, seeded(number)) };
    },
  };
}
