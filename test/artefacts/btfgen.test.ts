/** btfgen over an archive made from this kernel's BTF: what is packed, what bad files do, that the archive stays as it is. */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { parseBtf } from '../../src/btf/table.ts';
import { findBtfArchive, incompleteArchive, makeBtfPackage } from '../../src/build/btfgen.ts';
import { readTar } from '../../src/package/archive.ts';
import { runOk } from '../support/command.ts';
import { requireTool, type Skippable } from '../support/require.ts';
import { fileDirectory, testDirectory } from '../support/temporary.ts';

const KERNEL = '/sys/kernel/btf/vmlinux';

/** Reads two members of two kernel structs. */
const SOURCE = `
struct task_struct { int tgid; struct task_struct *real_parent; } __attribute__((preserve_access_index));
__attribute__((section("tp/sched/sched_process_exit"), used)) int on_exit(void *ctx)
{
	struct task_struct *(*get_current)(void) = (void *)35;
	int (*read)(void *, unsigned, const void *) = (void *)113;
	struct task_struct *parent;
	int tgid;
	read(&parent, sizeof(parent), &get_current()->real_parent);
	read(&tgid, sizeof(tgid), &parent->tgid);
	return tgid == 1;
}
char LICENSE[] __attribute__((section("license"), used)) = "GPL";
`;

const directory = fileDirectory();
let object: Buffer;

function requirements(context: Skippable): void {
  requireTool(context, 'bpftool');
  requireTool(context, 'xz');
  if (!existsSync(KERNEL)) context.skip(`no ${KERNEL} to make an archive of`);
}

beforeAll(async () => {
  const source = path.join(directory, 'parent.bpf.c');
  writeFileSync(source, SOURCE);
  await runOk('clang', ['-target', 'bpf', '-g', '-O2', '-c', source, '-o', path.join(directory, 'parent.bpf.o')]);
  object = readFileSync(path.join(directory, 'parent.bpf.o'));
}, 60_000);

/** `root/DISTRO/VERSION/ARCH/RELEASE.btf[.tar.xz]`, with the kernel's own BTF unless other bytes are given. */
async function addKernel(root: string, name: string, content: Uint8Array = readFileSync(KERNEL)): Promise<void> {
  const file = path.join(root, name);
  mkdirSync(path.dirname(file), { recursive: true });
  if (!name.endsWith('.tar.xz')) {
    writeFileSync(file, content);
    return;
  }
  const bare = path.basename(name, '.tar.xz');
  const scratch = testDirectory();
  writeFileSync(path.join(scratch, bare), content);
  await runOk('tar', ['-C', scratch, '--use-compress-program=xz -0', '-cf', file, bare]);
}

/** Everything that could have changed. */
function snapshot(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const { mtimeMs, mode, size } = statSync(path.join(root, name));
      const isFile = statSync(path.join(root, name)).isFile();
      const hash = isFile
        ? createHash('sha256')
            .update(readFileSync(path.join(root, name)))
            .digest('hex')
        : '';
      return `${name} ${mtimeMs} ${mode} ${size} ${hash}`;
    });
}

const input = () => ({ objName: 'parent', object, packageText: '{"the":"package"}' });

describe('an archive', () => {
  test('gives a package with a small BTF for each kernel of the architecture', async (context) => {
    requirements(context);
    const archive = path.join(testDirectory(), 'an archive');
    await addKernel(archive, 'ubuntu/20.04/x86_64/5.4.0-1-generic.btf.tar.xz');
    await addKernel(archive, 'debian/10/x86_64/4.19.0-18.btf');
    await addKernel(archive, 'debian/10/arm64/4.19.0-18.btf');
    writeFileSync(path.join(archive, 'README.md'), 'not a kernel');
    mkdirSync(path.join(archive, '.git'));
    // distributions of one family share files
    symlinkSync('debian', path.join(archive, 'raspbian'));
    const before = snapshot(archive);
    const progress: string[] = [];
    const options = {
      arch: 'x86',
      archive,
      onProgress: (done: number, total: number) => progress.push(`${done}/${total}`),
    } as const;
    const result = await makeBtfPackage(input(), options);

    expect(result.failures).toEqual([]);
    expect(result.kernels).toBe(3);
    expect(progress).toEqual(['1/3', '2/3', '3/3']);
    expect(snapshot(archive)).toEqual(before);
    const entries = await readTar(result.tar);
    expect(entries.map((entry) => entry.path)).toEqual([
      'btfhub-archive/debian/10/x86_64/4.19.0-18.btf',
      'btfhub-archive/raspbian/10/x86_64/4.19.0-18.btf',
      'btfhub-archive/ubuntu/20.04/x86_64/5.4.0-1-generic.btf',
      'package.json',
      'parent.bpf.o',
    ]);
    expect(Buffer.from(entries[3]!.content).toString()).toBe('{"the":"package"}');
    expect(Buffer.compare(entries[4]!.content, object)).toBe(0);
    for (const { content } of entries.slice(0, 3)) {
      const btf = parseBtf(content);
      expect(content.length).toBeLessThan(2000);
      const task = btf.find('task_struct')!;
      const members = Array.from({ length: btf.vlen(task) }, (_, index) => btf.memberName(task, index));
      expect(members.sort()).toEqual(['real_parent', 'tgid']);
    }
    expect((await makeBtfPackage(input(), options)).tar.equals(result.tar), 'a second run').toBe(true);
  });

  test('packs arm64 kernels under the name that the loader asks for', async (context) => {
    requirements(context);
    const archive = testDirectory();
    await addKernel(archive, 'debian/12/arm64/6.1.0-1.btf');
    const { tar } = await makeBtfPackage(input(), { arch: 'arm64', archive });
    expect((await readTar(tar))[0]!.path).toBe('btfhub-archive/debian/12/aarch64/6.1.0-1.btf');
  });

  test('with bad files: they are named, the others are packed', async (context) => {
    requirements(context);
    const archive = testDirectory();
    const kernel = readFileSync(KERNEL);
    await addKernel(archive, 'a/1/x86_64/cut.btf', kernel.subarray(0, 1000));
    await addKernel(archive, 'a/1/x86_64/good.btf');
    await addKernel(archive, 'a/1/x86_64/junk.btf.tar.xz');
    writeFileSync(path.join(archive, 'a/1/x86_64/junk.btf.tar.xz'), 'not xz');
    await addKernel(archive, 'a/1/x86_64/other.btf.tar.xz');
    cpSync(path.join(archive, 'a/1/x86_64/other.btf.tar.xz'), path.join(archive, 'a/1/x86_64/renamed.btf.tar.xz'));
    symlinkSync('nowhere', path.join(archive, 'a/1/x86_64/zdangling.btf'));
    const result = await makeBtfPackage(input(), { arch: 'x86', archive });

    expect(result.kernels).toBe(6);
    expect(result.failures.map(({ file }) => path.basename(file!))).toEqual([
      'cut.btf',
      'junk.btf.tar.xz',
      'renamed.btf.tar.xz',
      'zdangling.btf',
    ]);
    expect(result.failures[1]!.message).toMatch(/decompressed.*format not recognized/);
    expect(result.failures[2]!.message).toMatch(/holds no renamed\.btf/);
    const names = (await readTar(result.tar)).map((entry) => entry.path);
    expect(names).toEqual([
      'btfhub-archive/a/1/x86_64/good.btf',
      'btfhub-archive/a/1/x86_64/other.btf',
      'package.json',
      'parent.bpf.o',
    ]);
    const error = incompleteArchive(archive, result);
    expect(error).toMatchObject({ code: 'BTF_ARCHIVE_INCOMPLETE', exitCode: 5, file: archive });
    expect(error.message).toContain('4 of 6');
  });

  test('that is none, or has no kernel of the architecture', async (context) => {
    requirements(context);
    const archive = testDirectory();
    const refused = expect.objectContaining({ code: 'USAGE_BTF_ARCHIVE' });
    await expect(makeBtfPackage(input(), { arch: 'x86', archive })).rejects.toThrow(refused);
    await addKernel(archive, 'debian/12/arm64/6.1.btf', Buffer.from('x'));
    await expect(makeBtfPackage(input(), { arch: 'x86', archive })).rejects.toThrow(refused);
    await expect(findBtfArchive(path.join(archive, 'missing'))).rejects.toThrow(refused);
    await expect(findBtfArchive(path.join(archive, 'debian/12/arm64/6.1.btf'))).rejects.toThrow(refused);
  });
});

describe('the default archive', () => {
  /** git as it is, with the archive's address led elsewhere. */
  const environment = (cache: string, url: string) => ({
    ...process.env,
    ECC_CACHE_DIR: cache,
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: `url.${url}.insteadOf`,
    GIT_CONFIG_VALUE_0: 'https://github.com/aquasecurity/btfhub-archive',
  });

  test('is cloned once', async (context) => {
    requireTool(context, 'git');
    const scratch = testDirectory();
    const origin = path.join(scratch, 'origin');
    const cache = path.join(scratch, 'cache');
    mkdirSync(origin);
    writeFileSync(path.join(origin, 'file'), 'content');
    const git = (...args: string[]) =>
      runOk('git', ['-C', origin, '-c', 'user.name=n', '-c', 'user.email=e@x', ...args]);
    await git('init', '-q');
    await git('add', '.');
    await git('commit', '-qm', 'c');
    const lines: string[] = [];
    const options = { env: environment(cache, `file://${origin}`), onProgress: (line: string) => lines.push(line) };
    const archive = await findBtfArchive(undefined, options);
    expect(readFileSync(path.join(archive, 'file'), 'utf8')).toBe('content');
    expect(lines).toHaveLength(1);
    expect(await findBtfArchive(undefined, options)).toBe(archive);
    expect(lines).toHaveLength(1);
    expect(readdirSync(cache)).toEqual(['btfhub-archive']);
  });

  test('offline: a clear error, nothing left behind', async (context) => {
    requireTool(context, 'git');
    const cache = path.join(testDirectory(), 'cache');
    const env = environment(cache, 'http://127.0.0.1:9/archive');
    await expect(findBtfArchive(undefined, { env })).rejects.toThrow(
      expect.objectContaining({
        code: 'TOOL_GIT_FAILED',
        exitCode: 3,
        hint: expect.stringContaining('--btfhub-archive'),
      }),
    );
    expect(readdirSync(cache)).toEqual([]);
  });
});

test('a bpftool that fails for all is an error for each kernel, not a crash', async (context) => {
  requirements(context);
  const archive = testDirectory();
  const bpftool = path.join(testDirectory(), 'bpftool');
  writeFileSync(bpftool, '#!/bin/sh\necho "no such command" >&2\nexit 255\n');
  chmodSync(bpftool, 0o755);
  await addKernel(archive, 'a/1/x86_64/good.btf');
  const { failures } = await makeBtfPackage(input(), { arch: 'x86', archive, bpftool });
  expect(failures.map(({ message }) => message)).toEqual(['bpftool cannot use it: no such command']);
});
