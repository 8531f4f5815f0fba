/** Archives against GNU tar, and hostile ones that GNU tar makes. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packTar, readTar } from './archive.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'ecc-tar-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const LONG = `btfhub-archive/${'distribution/'.repeat(12)}kernel.btf`;
const ENTRIES = [
  { path: 'package.json', content: Buffer.from('{"a":1}') },
  { path: 'empty', content: Buffer.alloc(0) },
  { path: 'block.bin', content: Buffer.alloc(512, 7) },
  { path: LONG, content: Buffer.from([0, 255, 10]) },
  { path: 'dir/name with blank é', content: Buffer.from('x') },
];
const byName = (entries: readonly { path: string; content: Uint8Array }[]) =>
  new Map(entries.map(({ path, content }) => [path, Buffer.from(content).toString('hex')]));

/** GNU tar over files made for the purpose. */
function gnuTar(name: string, ...args: string[]): Buffer {
  const file = path.join(directory, `${name}.tar`);
  execFileSync('tar', ['cf', file, '-C', directory, ...args], { stdio: 'pipe' });
  return readFileSync(file);
}

describe('packTar', () => {
  test('GNU tar reads what is packed', async () => {
    const file = path.join(directory, 'ours.tar');
    const out = path.join(directory, 'out');
    mkdirSync(out);
    writeFileSync(file, await packTar(ENTRIES));
    const listed = execFileSync('tar', ['tvf', file, '--numeric-owner', '--utc'], { encoding: 'utf8' })
      .trim()
      .split('\n');
    expect(listed).toHaveLength(ENTRIES.length);
    for (const line of listed) expect(line).toMatch(/^-rw-r--r-- 0\/0 +\d+ 1970-01-01 00:00 /);
    execFileSync('tar', ['xf', file, '-C', out]);
    for (const { path: name, content } of ENTRIES) expect(readFileSync(path.join(out, name))).toEqual(content);
  });

  test('the same bytes whatever the order', async () => {
    expect(await packTar([...ENTRIES].reverse())).toEqual(await packTar(ENTRIES));
  });
});

describe('readTar', () => {
  test('reads back what is packed', async () => {
    expect(byName(await readTar(await packTar(ENTRIES)))).toEqual(byName(ENTRIES));
  });

  test.each(['gnu', 'pax', 'ustar'])('reads what GNU tar packs (--format=%s)', async (format) => {
    const long = `in-${format}/${'d'.repeat(90)}/${'f'.repeat(90)}`;
    mkdirSync(path.join(directory, path.dirname(long)), { recursive: true });
    writeFileSync(path.join(directory, long), 'content');
    const entries = await readTar(gnuTar(format, `--format=${format}`, `./in-${format}`));
    expect(byName(entries)).toEqual(byName([{ path: long, content: Buffer.from('content') }]));
  });

  test('refuses names that lead out, links and devices', async () => {
    writeFileSync(path.join(directory, 'plain'), '');
    symlinkSync('/etc/passwd', path.join(directory, 'link'));
    execFileSync('mkfifo', [path.join(directory, 'pipe')]);
    const refused = expect.objectContaining({ code: 'PKG_TAR_ENTRY' });
    await expect(readTar(gnuTar('up', '--transform=s,plain,../evil,', '-P', 'plain'))).rejects.toThrow(refused);
    await expect(readTar(gnuTar('mid', '--transform=s,plain,a/../../evil,', '-P', 'plain'))).rejects.toThrow(refused);
    await expect(readTar(gnuTar('abs', '--transform=s,plain,/tmp/evil,', '-P', 'plain'))).rejects.toThrow(refused);
    await expect(readTar(gnuTar('link', 'link'))).rejects.toThrow(refused);
    await expect(readTar(gnuTar('pipe', 'pipe'))).rejects.toThrow(refused);
  });

  test('refuses what is no whole archive', async () => {
    const whole = await packTar(ENTRIES);
    const refused = expect.objectContaining({ code: 'PKG_TAR' });
    await expect(readTar(Buffer.from('not a tar'))).rejects.toThrow(refused);
    await expect(readTar(Buffer.alloc(2048, 'x'))).rejects.toThrow(refused);
    for (const length of [600, 1100, 2048, whole.length - 512 * 3, whole.length - 1]) {
      await expect(readTar(whole.subarray(0, length)), `${length} bytes`).rejects.toThrow(refused);
    }
    const gzipped = spawnSync('gzip', ['-c'], { input: whole }).stdout;
    await expect(readTar(Buffer.concat([gzipped, Buffer.alloc(512)]))).rejects.toThrow(refused);
    // gzip's optional field can hold the letters of a tar in the place where they stand in one
    const extra = Buffer.alloc(400);
    extra.write('ustar', 257 - 12);
    const disguised = Buffer.concat([
      Buffer.from('1f8b0804000000000003', 'hex'),
      Buffer.of(144, 1),
      extra,
      gzipped.subarray(10),
    ]);
    const padded = Buffer.concat([disguised, Buffer.alloc(1024 - (disguised.length % 512))]);
    await expect(readTar(padded)).rejects.toThrow(refused);
  });
});
