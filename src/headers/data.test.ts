import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { brotliCompressSync, brotliDecompressSync, deflateRawSync, inflateRawSync } from 'node:zlib';
import { describe, expect, test, vi } from 'vitest';
import { testDirectory } from '../../test/support/temporary.ts';
import { Kind } from '../btf/kinds.ts';
import { sizeOf } from '../btf/layout.ts';
import { dedupBtf } from '../btf/merge.ts';
import { parseBtf } from '../btf/table.ts';
import { writeBtf } from '../btf/writer.ts';
import { sha256 } from '../core/hash.ts';
import { dataDirectory } from '../core/paths.ts';
import { getKernel, listKernels, readKernelBtf, type SectionFile } from './data.ts';

const directory = dataDirectory();
const kernels = listKernels();

interface OriginFile extends SectionFile {
  readonly size: number;
  readonly sha256: string;
}
interface Origin {
  readonly arch: string;
  readonly version: string;
  readonly types: OriginFile;
  readonly strings: readonly OriginFile[];
  readonly names: OriginFile;
  readonly sha256: string;
  readonly package: Readonly<Record<string, string>>;
}
/** The index of names first, then what the digest of a kernel is of. */
function filesOf<T>({ names, types, strings }: { names: T; types: T; strings: readonly T[] }): T[] {
  return [names, types, ...strings];
}
const origins: Origin[] = JSON.parse(readFileSync(path.join(directory, 'ORIGIN.json'), 'utf8'));

describe('what ships', () => {
  test('every file is listed, none is over 3 MB, all together are under 7.5', () => {
    const files = readdirSync(directory).filter((file) => file !== 'ORIGIN.json');
    const listed = new Set(kernels.flatMap(filesOf).map(({ file }) => file));
    expect(files.sort()).toEqual([...listed].sort());
    const sizes = files.map((file) => statSync(path.join(directory, file)).size);
    expect(Math.max(...sizes)).toBeLessThan(3_000_000);
    expect(sizes.reduce((a, b) => a + b)).toBeLessThan(7_500_000);
  });

  test.each(origins)('the files of $arch $version are what ORIGIN.json says', (origin) => {
    const raw = filesOf(origin).map(({ file, size, sha256: digest, rawSize }) => {
      const packed = readFileSync(path.join(directory, file));
      expect({ file, size: packed.length, sha256: sha256(packed) }).toEqual({ file, size, sha256: digest });
      const plain = file.endsWith('.br') ? brotliDecompressSync(packed) : inflateRawSync(packed);
      expect(plain.length).toBe(rawSize);
      return plain;
    });
    expect(sha256(...raw.slice(1))).toBe(origin.sha256);
    expect(origin.package).toEqual({
      name: expect.stringMatching(/^linux-image-/),
      version: expect.stringMatching(/^\d/),
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      suite: expect.any(String),
      architecture: expect.any(String),
    });
  });

  test.each(kernels)(
    '$arch $version is BTF that the parser accepts, every type there once',
    async ({ arch, version }) => {
      const btf = await readKernelBtf(arch, version);
      const checked = parseBtf(writeBtf(btf));
      expect(checked.count).toBe(btf.count);
      expect(Buffer.compare(asBytes(checked.offsets), asBytes(btf.offsets))).toBe(0);
      expect(dedupBtf(btf).count).toBe(btf.count);
    },
  );

  test.each(kernels)('$arch $version has what programs use', async ({ arch, version, typeCount, modules }) => {
    const btf = await readKernelBtf(arch, version);
    expect(btf.count).toBe(typeCount);
    const wanted = ['task_struct', 'sk_buff', 'sock', 'file', 'pt_regs', 'bpf_iter__task', 'trace_event_raw_sys_enter'];
    if (modules.length > 0) {
      wanted.push('usb_device', 'scsi_device', 'ext4_inode_info', 'nf_conn', 'nfs_server');
      // mainframes have neither screen nor radio nor sound
      if (arch !== 's390') wanted.push('drm_device', 'ieee80211_hw', 'snd_pcm');
      if (arch === 'x86') wanted.push('i915_request');
    }
    for (const name of wanted) {
      const id = btf.find(name, Kind.struct);
      expect(id, `struct ${name}`).toBeDefined();
      expect(sizeOf(btf, id!), `size of struct ${name}`).toBeGreaterThan(0);
    }
    for (const name of ['u32', '__be16', 'size_t', 'pid_t', 'bool'])
      expect(btf.find(name, Kind.typedef), name).toBeDefined();
  });

  test('of functions there are only kfuncs, and they are marked', async () => {
    const btf = await readKernelBtf('x86');
    const tagged = new Set(
      [...btf.ids()]
        .filter((id) => btf.kind(id) === Kind.declTag && btf.name(id) === 'bpf_kfunc')
        .map((id) => btf.ref(id)),
    );
    const functions = [...btf.ids()].filter((id) => btf.kind(id) === Kind.func);
    expect(functions.filter((id) => !tagged.has(id)).map((id) => btf.name(id))).toEqual([]);
    expect(functions.map((id) => btf.name(id))).toEqual(
      expect.arrayContaining(['bpf_task_acquire', 'bpf_ct_release', 'bpf_cpumask_create']),
    );
    expect([...btf.ids()].filter((id) => btf.kind(id) === Kind.var || btf.kind(id) === Kind.datasec)).toEqual([]);
  });
});

describe('choosing', () => {
  test('the first of an architecture is its default, a version can be named', () => {
    expect(getKernel('x86')).toEqual(kernels.find(({ arch }) => arch === 'x86'));
    expect(getKernel('x86', '6.18').version).toBe('6.18');
  });

  test('what is not there is an error that says what is', () => {
    expect(() => getKernel('x86', '2.4')).toThrow(
      expect.objectContaining({ code: 'USAGE_KERNEL', hint: expect.stringContaining('6.18') }),
    );
    expect(() => getKernel('vax')).toThrow(expect.objectContaining({ code: 'USAGE_KERNEL' }));
  });
});

describe('the copy in the cache', () => {
  async function readTwice(cache: string) {
    const first = await readKernelBtf('x86', undefined, { cacheDirectory: cache });
    await vi.waitFor(
      () => expect(readdirSync(cache)).toEqual([expect.stringMatching(/^kernel-[0-9a-f]{32}-v\d+$/)]),
      10_000,
    );
    const second = await readKernelBtf('x86', undefined, { cacheDirectory: cache });
    return { first, second, file: path.join(cache, readdirSync(cache)[0]!) };
  }

  test('is the same table', async () => {
    const cache = testDirectory();
    const { first, second } = await readTwice(cache);
    expect(second).not.toBe(first);
    for (const part of ['words', 'offsets', 'strings'] as const) {
      expect(Buffer.compare(asBytes(first[part]), asBytes(second[part])), part).toBe(0);
    }
    expect(second.find('task_struct')).toBe(first.find('task_struct'));
  });

  test('is used: it need not be unpacked again', async () => {
    const cache = testDirectory();
    const { file } = await readTwice(cache);
    const copy = readFileSync(file);
    const place = copy.indexOf('\0task_struct\0', 'latin1');
    copy.write('tusk_struct', place + 1, 'latin1');
    writeFileSync(file, copy);
    const changed = await readKernelBtf('x86', undefined, { cacheDirectory: cache });
    expect(changed.find('tusk_struct')).toBeDefined();
  });

  test.each([0, 5, 1000, -1])('cut off after %i bytes: it is made again', async (length) => {
    const cache = testDirectory();
    const { file } = await readTwice(cache);
    const { size } = statSync(file);
    truncateSync(file, length < 0 ? size + length : length);
    const btf = await readKernelBtf('x86', undefined, { cacheDirectory: cache });
    expect(btf.find('task_struct')).toBeDefined();
    await vi.waitFor(() => expect(statSync(file).size).toBe(size), 10_000);
  });

  test('a cache directory that cannot be made does not matter', async () => {
    const cache = testDirectory();
    const notADirectory = path.join(cache, 'file');
    writeFileSync(notADirectory, '');
    const btf = await readKernelBtf('x86', undefined, { cacheDirectory: path.join(notADirectory, 'ecc') });
    expect(btf.find('task_struct')).toBeDefined();
  });
});

describe('a damaged file is an error of its own', () => {
  const { types, strings, names } = getKernel('x86');

  async function readWith(file: string, content: Uint8Array): Promise<unknown> {
    const scratch = testDirectory();
    for (const name of ['ORIGIN.json', types.file, strings[0]!.file, names.file])
      writeFileSync(path.join(scratch, name), readFileSync(path.join(directory, name)));
    writeFileSync(path.join(scratch, file), content);
    return readKernelBtf('x86', undefined, { dataDirectory: scratch });
  }

  test.each([types, strings[0]!, names])('$file cut off', async ({ file }) => {
    const start = readFileSync(path.join(directory, file)).subarray(0, 1000);
    await expect(readWith(file, start)).rejects.toMatchObject({ code: 'BTF_BAD_DATA' });
  });

  test('an index of the right length that is none', async () => {
    const pack = names.file.endsWith('.br') ? brotliCompressSync : deflateRawSync;
    const nonsense = pack(new Uint8Array(names.rawSize).fill(7));
    await expect(readWith(names.file, nonsense)).rejects.toMatchObject({ code: 'BTF_BAD_DATA' });
  });
});

function asBytes(part: Uint8Array | Uint32Array): Uint8Array {
  return new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
}
