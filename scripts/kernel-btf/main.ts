/**
 * Makes the kernel BTF that ships in `data/`: for each kernel of `kernels.json` its own types and those of the modules of
 * `modules.ts`, each type once, without what no C program can use, compressed with brotli; and `data/ORIGIN.json`, which says
 * where everything came from. The same packages give the same bytes.
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
import { brotliCompressSync, constants } from 'node:zlib';
import { mergeBtf } from '../../src/btf/merge.ts';
import type { Btf } from '../../src/btf/table.ts';
import { writeBtf } from '../../src/btf/writer.ts';
import { sha256 } from '../../src/core/hash.ts';
import { cacheDirectory } from '../../src/core/paths.ts';
import { findKernel, readImageBtf, readModuleBtf, unpackKernel } from './extract.ts';
import { fetchPackage } from './fetch.ts';
import { MODULES } from './modules.ts';
import type { KernelOrigin, KernelSpec, PackagePin } from './types.ts';
import { usefulTypes } from './useful.ts';

export async function main(root: string, argv: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: { update: { type: 'boolean', default: false }, downloads: { type: 'string' } },
  });
  const downloads = values.downloads ?? path.join(cacheDirectory(), 'kernels');
  const specFile = path.join(root, 'scripts', 'kernel-btf', 'kernels.json');
  const originFile = path.join(root, 'data', 'ORIGIN.json');
  const specs: KernelSpec[] = JSON.parse(readFileSync(specFile, 'utf8'));
  const unknown = positionals.filter((id) => !specs.some((spec) => spec.id === id));
  if (unknown.length > 0) throw new Error(`not in kernels.json: ${unknown.join(', ')}`);

  for (const [i, spec] of specs.entries()) {
    if (positionals.length > 0 && !positionals.includes(spec.id)) continue;
    const download = await fetchPackage(spec, downloads, values.update);
    const origin = await makeBlob(spec, download.file, path.join(root, 'data'), download.package);
    specs[i] = { ...spec, package: download.package };
    writeFileSync(specFile, `${JSON.stringify(specs, null, 2)}\n`);
    const origins: KernelOrigin[] = readOrigins(originFile).filter(({ file }) => file !== origin.file);
    origins.push(origin);
    const order = (one: KernelOrigin): number => specs.findIndex(({ id }) => fileName(id) === one.file);
    origins.sort((a, b) => order(a) - order(b));
    writeFileSync(originFile, `${JSON.stringify(origins, null, 2)}\n`);
    console.log(
      `${spec.id}: ${origin.types} types, ${origin.modules.length} modules, ${origin.rawSize} bytes, ${origin.size} compressed`,
    );
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

function fileName(id: string): string {
  return `${id}.btf.br`;
}

async function makeBlob(spec: KernelSpec, deb: string, dataDirectory: string, pin: PackagePin): Promise<KernelOrigin> {
  const scratch = mkdtempSync(path.join(os.tmpdir(), 'kernel-btf-'));
  try {
    await unpackKernel(deb, scratch, spec.modules ? MODULES : []);
    const kernel = findKernel(scratch);
    const vmlinux = readImageBtf(kernel.image);
    const merged: string[] = [];
    const all = mergeBtf(
      (function* (): Generator<Btf> {
        yield vmlinux;
        for (const [name, file] of kernel.modules) {
          const types = readModuleBtf(file, vmlinux);
          if (types === undefined) continue;
          merged.push(name);
          yield types;
        }
      })(),
    );
    const useful = usefulTypes(all);
    const raw = writeBtf(useful, { littleEndian: true });
    const packed = brotliCompressSync(raw, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
        [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
        [constants.BROTLI_PARAM_SIZE_HINT]: raw.length,
      },
    });
    writeFileSync(path.join(dataDirectory, fileName(spec.id)), packed);
    return {
      arch: spec.arch,
      version: /^\d+\.\d+/.exec(kernel.release)![0],
      release: kernel.release,
      file: fileName(spec.id),
      size: packed.length,
      sha256: sha256(packed),
      rawSize: raw.length,
      rawSha256: sha256(raw),
      types: useful.count,
      package: { ...pin, suite: spec.suite, architecture: spec.debArch },
      modules: merged,
    };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
