/**
 * Makes the kernel BTF that ships in `data/`: for each kernel of `kernels.json` its own types and those of the modules of
 * `modules.ts`, each type once, without what no C program can use; and `data/ORIGIN.json`, which says where everything came from.
 * The same packages give the same bytes.
 *
 * Types and strings are files of their own, so that they can be decompressed side by side, and so that all kernels can share
 * the strings that they have in common, which are those of the first. Making the first again makes all others again.
 *
 *   run.mjs [--update | --repack] [--downloads DIR] [ID...]
 *
 *   ID           only these kernels; default: all
 *   --repack     write all files again from what `data/` holds, when only their form has changed; the types stay as they are
 *   --update     take the newest packages that fit and pin them in `kernels.json`
 *   --downloads  where packages stay; default: `kernels/` in the cache directory
 *
 * Without --repack, needs apt, dpkg, tar, xz, zstd, gzip, and the network for what is not yet downloaded.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { brotliCompressSync, brotliDecompressSync, constants, inflateRawSync } from 'node:zlib';
import { deflateRaw } from 'pako';
import { mergeBtf } from '../../src/btf/merge.ts';
import { indexOccurrences, packOccurrences } from '../../src/btf/occurrences.ts';
import { rewrite } from '../../src/btf/rewrite.ts';
import { type Btf, placeBtf } from '../../src/btf/table.ts';
import { sha256 } from '../../src/core/hash.ts';
import { cacheDirectory } from '../../src/core/paths.ts';
import { findKernel, readImageBtf, readModuleBtf, unpackKernel } from './extract.ts';
import { fetchPackage } from './fetch.ts';
import { MODULES } from './modules.ts';
import type { KernelOrigin, KernelSpec, SectionFile } from './types.ts';
import { usefulTypes } from './useful.ts';

export async function main(root: string, argv: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      update: { type: 'boolean', default: false },
      repack: { type: 'boolean', default: false },
      downloads: { type: 'string' },
    },
  });
  const downloads = values.downloads ?? path.join(cacheDirectory(), 'kernels');
  const specFile = path.join(root, 'scripts', 'kernel-btf', 'kernels.json');
  const dataDirectory = path.join(root, 'data');
  const originFile = path.join(dataDirectory, 'ORIGIN.json');
  const specs: KernelSpec[] = JSON.parse(readFileSync(specFile, 'utf8'));
  const unknown = positionals.filter((id) => !specs.some((spec) => spec.id === id));
  if (unknown.length > 0) throw new Error(`not in kernels.json: ${unknown.join(', ')}`);
  if (values.repack) {
    if (values.update || positionals.length > 0) throw new Error('--repack is for all kernels, and updates none');
    repack(dataDirectory, originFile, specs);
    return;
  }
  const all = positionals.length === 0 || positionals.includes(specs[0]!.id);

  const origins = new Map(readOrigins(originFile).map((origin) => [idOf(origin), origin]));
  for (const [i, spec] of specs.entries()) {
    if (!all && !positionals.includes(spec.id)) continue;
    const download = await fetchPackage(spec, downloads, values.update);
    specs[i] = { ...spec, package: download.package };
    writeJson(specFile, specs);
    const { types, release, modules } = await readKernel(download.file, spec.modules);
    const shared = i === 0 ? undefined : origins.get(specs[0]!.id)?.strings[0];
    const sections = writeSections(dataDirectory, spec, sectionsOf(types, dataDirectory, shared), shared);
    const { name, version, sha256: digest } = download.package;
    origins.set(spec.id, {
      arch: spec.arch,
      version: /^\d+\.\d+/.exec(release)![0],
      release,
      ...sections,
      package: { name, version, architecture: spec.debArch, suite: spec.suite, sha256: digest },
      modules,
    });
    const inOrder = specs.flatMap(({ id }) => origins.get(id) ?? []);
    writeJson(originFile, inOrder);
    const size = sections.types.size + sections.strings.at(-1)!.size + sections.names.size;
    console.log(`${spec.id}: ${sections.typeCount} types, ${modules.length} modules, ${size} bytes`);
  }
}

function readOrigins(file: string): KernelOrigin[] {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function idOf({ arch, version }: KernelOrigin): string {
  return `${arch}-${version}`;
}

function writeJson(file: string, value: unknown): void {
  writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);
}

/** The types of a kernel and of its modules that programs can use. */
async function readKernel(
  deb: string,
  withModules: boolean,
): Promise<{ types: Btf; release: string; modules: string[] }> {
  const scratch = mkdtempSync(path.join(os.tmpdir(), 'kernel-btf-'));
  try {
    await unpackKernel(deb, scratch, withModules ? MODULES : []);
    const kernel = findKernel(scratch);
    const vmlinux = readImageBtf(kernel.image);
    const modules: string[] = [];
    const tables = function* (): Generator<Btf> {
      yield vmlinux;
      for (const [name, file] of kernel.modules) {
        const types = readModuleBtf(file, vmlinux);
        if (types === undefined) continue;
        modules.push(name);
        yield types;
      }
    };
    return { types: usefulTypes(mergeBtf(tables())), release: kernel.release, modules };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The two sections as they are in memory: words in host byte order. */
type Sections = Pick<Btf, 'words' | 'strings'>;

/** @param shared  the file with the strings to begin with; left out: all strings are the kernel's own */
function sectionsOf(types: Btf, directory: string, shared: SectionFile | undefined): Sections {
  const first = shared === undefined ? undefined : readSection(directory, shared);
  const everything = new Uint8Array(types.count).fill(1);
  return rewrite(types, { keep: everything, ...(first && { strings: first }) });
}

/** The same types in files of today's form. */
function repack(directory: string, originFile: string, specs: readonly KernelSpec[]): void {
  const origins = readOrigins(originFile);
  // all is read before anything is written: kernels share a file
  const sections = origins.map(({ types, strings }) => ({
    words: new Uint32Array(littleEndian(Uint8Array.from(readSection(directory, types))).buffer),
    strings: Buffer.concat(strings.map((part) => readSection(directory, part))),
  }));
  const old = origins.flatMap(({ types, strings, names }) => [types, ...strings, ...(names ? [names] : [])]);
  for (const { file } of old) rmSync(path.join(directory, file), { force: true });
  const repacked: KernelOrigin[] = [];
  for (const [i, origin] of origins.entries()) {
    const spec = specs.find(({ id }) => id === idOf(origin));
    if (spec === undefined) throw new Error(`${idOf(origin)}: not in kernels.json`);
    const { release, arch, version, package: from, modules } = origin;
    const files = writeSections(directory, spec, sections[i]!, repacked[0]?.strings[0]);
    if (files.sha256 !== origin.sha256) throw new Error(`${spec.id}: the types have changed`);
    repacked.push({ arch, version, release, ...files, package: from, modules });
  }
  writeJson(originFile, repacked);
}

/** @param shared  the file with the strings to begin with */
function writeSections(
  directory: string,
  { id, fast }: KernelSpec,
  { words, strings }: Sections,
  shared: SectionFile | undefined,
): Pick<KernelOrigin, 'types' | 'strings' | 'names' | 'typeCount' | 'sha256'> {
  const section = littleEndian(new Uint8Array(words.slice().buffer));
  const parts = placeBtf(section, strings);
  const write = (part: string, raw: Uint8Array) => writeSection(directory, `${id}.${part}`, raw, fast === true);
  const own = write('strings', strings.subarray(shared?.rawSize ?? 0));
  return {
    types: write('types', section),
    strings: shared === undefined ? [own] : [shared, own],
    names: write('names', packOccurrences(indexOccurrences(parts))),
    typeCount: parts.offsets.length,
    sha256: sha256(section, strings),
  };
}

/** Words from host byte order to little-endian or back, in place. */
function littleEndian(bytes: Uint8Array): Uint8Array {
  if (os.endianness() === 'BE') Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).swap32();
  return bytes;
}

function readSection(directory: string, { file }: SectionFile): Buffer {
  const packed = readFileSync(path.join(directory, file));
  return file.endsWith('.br') ? brotliDecompressSync(packed) : inflateRawSync(packed);
}

function writeSection(directory: string, name: string, raw: Uint8Array, fast: boolean): SectionFile {
  // not Node's own, whose bytes depend on the processor
  const packed = fast ? deflateRaw(raw, { level: 9, memLevel: 9 }) : brotli(raw);
  const file = `${name}.${fast ? 'deflate' : 'br'}`;
  writeFileSync(path.join(directory, file), packed);
  return { file, size: packed.length, sha256: sha256(packed), rawSize: raw.length };
}

function brotli(raw: Uint8Array): Buffer {
  return brotliCompressSync(raw, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
      [constants.BROTLI_PARAM_SIZE_HINT]: raw.length,
    },
  });
}
