/**
 * The kernel BTF that ships with us, in `data/`: which kernels there are, and opening one. The files are made by
 * `scripts/kernel-btf`, which also writes `ORIGIN.json`, the list of them.
 *
 * Opening is on the critical path of every compile: what is found by its name is found with an index that ships as well, and an
 * uncompressed copy of everything goes into the cache directory. Nothing depends on that copy: it may be absent, old, cut off or not writable.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { brotliDecompress, inflateRaw } from 'node:zlib';
import { type OccurrenceArrays, Occurrences, unpackOccurrences } from '../btf/occurrences.ts';
import { Btf, type BtfParts, placeBtf } from '../btf/table.ts';
import { MalformedError, UsageError } from '../core/errors.ts';
import { makeDirectory } from '../core/make-directory.ts';
import { dataDirectory } from '../core/paths.ts';

/** A file in the data directory, compressed: with brotli (`.br`), or with deflate (`.deflate`), which is larger and unpacked in half of the time. */
export interface SectionFile {
  readonly file: string;
  /** Bytes, uncompressed. */
  readonly rawSize: number;
}

/** A kernel whose BTF ships. There is more in `ORIGIN.json`; this is what is needed to use it. */
export interface ShippedKernel {
  /** As in `--target-arch`. */
  readonly arch: string;
  /** The first two numbers of the release: `6.18`. */
  readonly version: string;
  /** As `uname -r` says on that kernel. */
  readonly release: string;
  /** The type section, little-endian. */
  readonly types: SectionFile;
  /** The string section, in parts that come one after the other; the first is shared by all kernels. */
  readonly strings: readonly SectionFile[];
  /** Where names occur: see `packOccurrences`. */
  readonly names: SectionFile;
  /** Number of types, void included. */
  readonly typeCount: number;
  /** Digest of the uncompressed type section followed by the whole string section. */
  readonly sha256: string;
  /** The modules whose types are in. */
  readonly modules: readonly string[];
}

export interface ReadKernelOptions {
  /** Where the shipped files are. Default: `data/` of this package. */
  readonly dataDirectory?: string;
  /** Where the uncompressed copy is kept; made when it is missing. Default: no copy. */
  readonly cacheDirectory?: string;
  /** Told what remains to be done, making the copy, when there is nothing more urgent. Default: it is done at once. */
  readonly whenIdle?: (work: () => void) => void;
}

const ORIGIN = 'ORIGIN.json';
/** The least that zlib takes. */
const MIN_CHUNK = 64;

/** All kernels that ship; the first of an architecture is its default. */
export function listKernels(directory: string = dataDirectory()): readonly ShippedKernel[] {
  return JSON.parse(readFileSync(path.join(directory, ORIGIN), 'utf8'));
}

/**
 * @param version  `6.18`; default: the architecture's first
 * @throws {UsageError} `USAGE_KERNEL`, with a hint that says what there is.
 */
export function getKernel(arch: string, version?: string, directory?: string): ShippedKernel {
  const kernels = listKernels(directory).filter((kernel) => kernel.arch === arch);
  const found = kernels.find((kernel) => version === undefined || kernel.version === version);
  if (found !== undefined) return found;
  throw new UsageError(
    'USAGE_KERNEL',
    `no types of a kernel ${version === undefined ? '' : `${version} `}for ${arch} ship with ecc`,
    {
      details: { arch, version, available: kernels.map((kernel) => kernel.version) },
      hint:
        kernels.length === 0
          ? 'give a header or BTF of the kernel with --vmlinux FILE'
          : `there are: ${kernels.map((kernel) => kernel.version).join(', ')}; or give a header or BTF with --vmlinux FILE`,
    },
  );
}

/**
 * The types of a shipped kernel with those of its modules, each once, little-endian whatever the kernel was. Of functions
 * there are only kfuncs, each with a decl tag `bpf_kfunc`. Some strings are of other kernels and used by no type.
 *
 * Decompressing happens off the main thread: start it early, await it late. The copy in the cache is written behind
 * the caller's back; a failure to do so goes unnoticed.
 *
 * @throws {UsageError} `USAGE_KERNEL` no such kernel ships.
 * @throws {MalformedError} `BTF_BAD_DATA` a shipped file is damaged.
 */
export async function readKernelBtf(arch: string, version?: string, options: ReadKernelOptions = {}): Promise<Btf> {
  const directory = options.dataDirectory ?? dataDirectory();
  const kernel = getKernel(arch, version, directory);
  const copy =
    options.cacheDirectory === undefined
      ? undefined
      : path.join(options.cacheDirectory, `kernel-${kernel.sha256.slice(0, 32)}-${IMAGE_FORMAT}`);
  const cached = copy === undefined ? undefined : readImage(copy, kernel);
  if (cached !== undefined) return cached;

  const [types, names, ...strings] = await Promise.all(
    [kernel.types, kernel.names, ...kernel.strings].map((section) => readSection(directory, section)),
  );
  const parts = placeBtf(types!, strings.length === 1 ? strings[0]! : Buffer.concat(strings));
  const occurrences = unpackOccurrences(names!);
  if (occurrences === undefined) throw damaged(kernel.names);
  const { whenIdle = (work) => work() } = options;
  if (copy !== undefined) whenIdle(() => void writeImage(copy, parts, occurrences));
  return openTable(parts, occurrences);
}

function openTable(parts: BtfParts, occurrences: OccurrenceArrays): Btf {
  return new Btf({ ...parts, occurrences: new Occurrences(parts, occurrences) });
}

/** Decompressing begins at once: read in the background, the file would have to wait for a main thread that has enough to do. */
async function readSection(directory: string, section: SectionFile): Promise<Buffer> {
  const { file, rawSize } = section;
  const packed = readFileSync(path.join(directory, file));
  // one piece of output, not hundreds to be put together
  const options = { chunkSize: Math.max(rawSize, MIN_CHUNK), maxOutputLength: rawSize };
  let cause: unknown;
  try {
    const raw = await (file.endsWith('.br')
      ? promisify(brotliDecompress)(packed, options)
      : promisify(inflateRaw)(packed, options));
    if (raw.length === rawSize) return raw;
  } catch (error) {
    cause = error;
  }
  throw damaged(section, cause);
}

function damaged({ file }: SectionFile, cause?: unknown): MalformedError {
  return new MalformedError('BTF_BAD_DATA', `${file}: the kernel types that ship with ecc are damaged`, {
    hint: 'install ebpf-ecc again',
    cause,
  });
}

/** Part of the copy's name: changes with the layout below. */
const IMAGE_FORMAT = 'v3';
/** Number of words of types, number of types, bytes of strings, starts and ids of the index of names. */
const IMAGE_HEADER_WORDS = 5;
/** Several times what any kernel takes. */
const MAX_IMAGE_SIZE = 1 << 26;

/**
 * `undefined` unless it is whole. Its content is not checked: its name says what it has to be, and only renaming put it there.
 * Read at once: a build has nothing else to do until it knows the kernel's types, and the detour over other threads takes longer.
 */
function readImage(file: string, kernel: ShippedKernel): Btf | undefined {
  let handle: number;
  try {
    handle = openSync(file, 'r');
  } catch {
    return undefined;
  }
  try {
    const { size } = fstatSync(handle);
    if (size < IMAGE_HEADER_WORDS * 4 || size > MAX_IMAGE_SIZE || size % 4 !== 0) return undefined;
    const all = new Uint32Array(size / 4);
    if (readSync(handle, all, 0, size, 0) !== size) return undefined;
    const [wordCount, types, stringsLength, startCount, idCount] = all as unknown as number[];
    const sizes = [wordCount!, types!, startCount!, Math.ceil(idCount! / 2), Math.ceil(stringsLength! / 4)];
    const end = sizes.reduce((sum, words) => sum + words, IMAGE_HEADER_WORDS);
    if (types !== kernel.typeCount || end !== all.length) return undefined;
    let at = IMAGE_HEADER_WORDS;
    const [words, offsets, starts, packedIds, packedStrings] = sizes.map((count) => {
      at += count;
      return all.subarray(at - count, at);
    });
    const strings = new Uint8Array(all.buffer, packedStrings!.byteOffset, stringsLength);
    const ids = new Uint16Array(all.buffer, packedIds!.byteOffset, idCount);
    return openTable(
      { words: words!, offsets: offsets!, strings, firstOwnId: 1, firstOwnString: 0, littleEndian: true },
      { starts: starts!, ids },
    );
  } catch {
    return undefined;
  } finally {
    closeSync(handle);
  }
}

async function writeImage(file: string, parts: BtfParts, { starts, ids }: OccurrenceArrays): Promise<void> {
  const { words, offsets, strings } = parts;
  const temporary = `${file}.${randomBytes(6).toString('hex')}`;
  const padding = ({ byteLength }: Uint8Array | Uint16Array) => new Uint8Array(-byteLength & 3);
  try {
    makeDirectory(path.dirname(file));
    const header = Uint32Array.of(words.length, offsets.length, strings.length, starts.length, ids.length);
    await writeFile(temporary, [header, words, offsets, starts, ids, padding(ids), strings, padding(strings)]);
    await rename(temporary, file);
  } catch {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}
