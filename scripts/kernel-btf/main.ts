/**
 * Makes the kernel BTF that ships in `data/`: for each kernel of `kernels.json` its own types and those of the modules of
 * `modules.ts`, each type once, without what no C program can use; and `data/ORIGIN.json`, which says where everything came from.
 * The same packages give the same bytes.
 *
 * Types and strings are files of their own, so that they can be decompressed side by side, and so that all kernels can share
 * the strings that they have in common, which are those of the first. Making the first again makes all others again.
 *
 *   run.mjs [--update] [--downloads DIR] [ID...]
 *
 *   ID           only these kernels; default: all
 *   --update     take the newest packages that fit and pin them in `kernels.json`
 *   --downloads  where packages stay; default: `kernels/` in the cache directory
 *
 * Needs apt, dpkg, tar, xz, zstd, gzip, and the network for what is not yet downloaded.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import { mergeBtf } from '../../src/btf/merge.ts';
import { rewrite } from '../../src/btf/rewrite.ts';
import type { Btf } from '../../src/btf/table.ts';
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
    options: { update: { type: 'boolean', default: false }, downloads: { type: 'string' } },
  });
  const downloads = values.downloads ?? path.join(cacheDirectory(), 'kernels');
  const specFile = path.join(root, 'scripts', 'kernel-btf', 'kernels.json');
  const dataDirectory = path.join(root, 'data');
  const originFile = path.join(dataDirectory, 'ORIGIN.json');
  const specs: KernelSpec[] = JSON.parse(readFileSync(specFile, 'utf8'));
  const unknown = positionals.filter((id) => !specs.some((spec) => spec.id === id));
  if (unknown.length > 0) throw new Error(`not in kernels.json: ${unknown.join(', ')}`);
  const all = positionals.length === 0 || positionals.includes(specs[0]!.id);

  const origins = new Map(readOrigins(originFile).map((origin) => [idOf(origin), origin]));
  for (const [i, spec] of specs.entries()) {
    if (!all && !positionals.includes(spec.id)) continue;
    const download = await fetchPackage(spec, downloads, values.update);
    specs[i] = { ...spec, package: download.package };
    writeJson(specFile, specs);
    const { types, release, modules } = await readKernel(download.file, spec.modules);
    const shared = i === 0 ? undefined : origins.get(specs[0]!.id)?.strings[0];
    const sections = writeSections(dataDirectory, spec.id, types, shared);
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
    const size = sections.types.size + sections.strings.at(-1)!.size;
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

/** @param shared  the file with the strings to begin with; left out: all strings are the kernel's own */
function writeSections(
  directory: string,
  id: string,
  types: Btf,
  shared: SectionFile | undefined,
): Pick<KernelOrigin, 'types' | 'strings' | 'typeCount' | 'sha256'> {
  const first =
    shared === undefined ? undefined : brotliDecompressSync(readFileSync(path.join(directory, shared.file)));
  const everything = new Uint8Array(types.count).fill(1);
  const { words, strings } = rewrite(types, { keep: everything, ...(first && { strings: first }) });
  const section = Buffer.from(words.buffer, words.byteOffset, words.byteLength);
  if (os.endianness() === 'BE') section.swap32();
  const own = writeSection(directory, `${id}.strings.br`, strings.subarray(first?.length ?? 0));
  return {
    types: writeSection(directory, `${id}.types.br`, section),
    strings: shared === undefined ? [own] : [shared, own],
    typeCount: types.count,
    sha256: sha256(section, strings),
  };
}

function writeSection(directory: string, file: string, raw: Uint8Array): SectionFile {
  const packed = brotliCompressSync(raw, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
      [constants.BROTLI_PARAM_SIZE_HINT]: raw.length,
    },
  });
  writeFileSync(path.join(directory, file), packed);
  return { file, size: packed.length, sha256: sha256(packed), rawSize: raw.length };
}
