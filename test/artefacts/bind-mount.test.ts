/** A source directory that is mounted from elsewhere on the same file system, as `docker run -v` does: files cannot be renamed into it. */
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ECC, TINY } from '../support/cli.ts';
import { run } from '../support/command.ts';
import { requireRoot, requireTool } from '../support/require.ts';
import { testDirectory } from '../support/temporary.ts';

test('artefacts are written all the same, and nothing else', async (context) => {
  requireRoot(context);
  const unshare = requireTool(context, 'unshare');
  const directory = testDirectory();
  for (const name of ['source', 'mounted', 'cache', 'tmp']) mkdirSync(path.join(directory, name));
  writeFileSync(path.join(directory, 'source/tiny.bpf.c'), TINY);
  const script = 'mount --bind source mounted && cd mounted && exec "$@"';
  const env = { ECC_CACHE_DIR: path.join(directory, 'cache'), TMPDIR: path.join(directory, 'tmp') };
  const args = ['-m', 'sh', '-ec', script, 'sh', process.execPath, ECC, 'tiny.bpf.c', '--ts'];
  const { status, stderr } = await run(unshare, args, { cwd: directory, env });
  expect(status, stderr).toBe(0);
  const written = ['package.json', 'tiny.bpf.c', 'tiny.bpf.o', 'tiny.bpf.ts', 'tiny.skel.json'];
  expect(readdirSync(path.join(directory, 'source')).sort()).toEqual(written);
  for (const name of written) expect(statSync(path.join(directory, 'source', name)).size).toBeGreaterThan(0);
  expect(readdirSync(path.join(directory, 'tmp'))).toEqual([]);
});
