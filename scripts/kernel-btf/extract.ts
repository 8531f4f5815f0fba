/**
 * Getting BTF out of a kernel package: out of the kernel's image, in whatever way that is packed, and out of modules.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { openBtf } from '../../src/btf/open.ts';
import { type Btf, isBtf, parseBtf } from '../../src/btf/table.ts';
import { isEccError } from '../../src/core/errors.ts';
import { isElf, parseElf } from '../../src/elf/elf.ts';

/** Unpacks the image and the modules of these names (in either spelling, `-` or `_`) into `directory`. */
export async function unpackKernel(deb: string, directory: string, modules: readonly string[]): Promise<void> {
  const patterns = modules.flatMap((name) => [
    `*/${name.replaceAll('_', '-')}.ko*`,
    `*/${name.replaceAll('-', '_')}.ko*`,
  ]);
  const open = spawn('dpkg-deb', ['--fsys-tarfile', deb], { stdio: ['ignore', 'pipe', 'inherit'] });
  const tar = spawn('tar', ['-x', '-C', directory, '--wildcards', '*/vmlinu[xz]-*', ...new Set(patterns)], {
    stdio: [open.stdout, 'ignore', 'pipe'],
  });
  open.stdout.destroy(); // tar has it now
  let complaints = '';
  tar.stderr.on('data', (text: Buffer) => {
    complaints += text.toString();
  });
  await Promise.all([once(open, 'exit'), once(tar, 'close')]);
  // tar ends with 2 when a pattern matched nothing: modules that this kernel has not, or has built in
  const serious = complaints
    .split('\n')
    .filter((line) => line !== '' && !/Not found in archive|previous errors/.test(line));
  if (open.exitCode !== 0 || serious.length > 0) throw new Error(`${deb}: cannot be unpacked: ${serious.join('; ')}`);
}

/** What a package holds, found by name. */
export interface KernelFiles {
  readonly release: string;
  readonly image: string;
  /** Module name → file, by name. */
  readonly modules: ReadonlyMap<string, string>;
}

export function findKernel(directory: string): KernelFiles {
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort();
  const image = files.find((file) => /(^|\/)vmlinu[xz]-[^/]+$/.test(file));
  if (image === undefined) throw new Error(`${directory}: no kernel image`);
  const modules = new Map<string, string>();
  for (const file of files) {
    const name = /([^/]+)\.ko(\.xz|\.zst|\.gz)?$/.exec(file)?.[1];
    if (name !== undefined) modules.set(name, path.join(directory, file));
  }
  return { release: path.basename(image).replace(/^vmlinu[xz]-/, ''), image: path.join(directory, image), modules };
}

/** @throws {Error} the image holds none. */
export function readImageBtf(file: string): Btf {
  const image = readFileSync(file);
  for (const bytes of contents(image)) {
    const btf = isElf(bytes) ? openBtf(bytes) : largestBtf(bytes);
    if (btf !== undefined) return btf;
  }
  throw new Error(`${file}: no BTF found`);
}

/**
 * The types of a module; `undefined` when it has none of its own.
 * @throws {Error} it was built outside of the kernel's tree and brings a base of its own.
 */
export function readModuleBtf(file: string, base: Btf): Btf | undefined {
  const bytes = readFileSync(file);
  const format = FORMATS.find(({ magic }) => bytes.subarray(0, magic.length).equals(magic));
  const elf = parseElf(format === undefined ? bytes : format.unpack(bytes));
  if (elf.findSection('.BTF.base') !== undefined) throw new Error(`${file}: has a .BTF.base, which is not handled`);
  const section = elf.findSection('.BTF');
  return section === undefined ? undefined : parseBtf(elf.data(section), { base, what: path.basename(file) });
}

/** The image itself, then everything in it that looks packed and can be unpacked. */
function* contents(image: Buffer): Generator<Buffer> {
  yield image;
  for (const { magic, unpack } of FORMATS) {
    for (let at = image.indexOf(magic); at >= 0; at = image.indexOf(magic, at + 1)) {
      const plain = unpack(image.subarray(at));
      if (plain.length > image.length) yield plain;
    }
  }
}

interface Format {
  readonly magic: Buffer;
  readonly unpack: (bytes: Buffer) => Buffer;
}

/** More bytes may follow the packed ones, at which these programs complain: what came out before that counts. */
function unpackWith(command: string, ...args: string[]): Format['unpack'] {
  return (input) => {
    const result = spawnSync(command, args, { input, maxBuffer: 1 << 30, stdio: ['pipe', 'pipe', 'ignore'] });
    if (result.stdout === null) throw new Error(`${command}: ${result.error?.message}`);
    return result.stdout;
  };
}

const FORMATS: readonly Format[] = [
  { magic: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), unpack: unpackWith('zstd', '-dcq') },
  { magic: Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]), unpack: unpackWith('xz', '-dcq', '--single-stream') },
  { magic: Buffer.from([0x1f, 0x8b, 8]), unpack: unpackWith('gzip', '-dcq') },
];

/** The largest BTF anywhere in an image that is not ELF (arm64, riscv, s390). */
function largestBtf(bytes: Buffer): Btf | undefined {
  let largest: Btf | undefined;
  for (const magic of [Buffer.from([0x9f, 0xeb, 1, 0]), Buffer.from([0xeb, 0x9f, 1, 0])]) {
    for (let at = bytes.indexOf(magic); at >= 0; at = bytes.indexOf(magic, at + 1)) {
      const found = btfAt(bytes.subarray(at));
      if (found !== undefined && found.count > (largest?.count ?? 1)) largest = found;
    }
  }
  return largest;
}

function btfAt(bytes: Buffer): Btf | undefined {
  if (!isBtf(bytes)) return undefined;
  try {
    return parseBtf(Uint8Array.from(bytes.subarray(0, 64 << 20)));
  } catch (error) {
    if (isEccError(error)) return undefined; // four bytes that look like the start of BTF
    throw error;
  }
}
