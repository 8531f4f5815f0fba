/** Runs the clangs that are installed, two at a time, for tests that need a real syntax tree. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AstNode } from '../../src/doc/ast-node.ts';
import { AstSplitter } from '../../src/doc/ast-split.ts';
import { SourceUnit } from '../../src/doc/source-unit.ts';

export const SOURCE = 'case.bpf.c';

const FLAGS = [
  ...['-target', 'bpf', '-g', '-O2', '-D__TARGET_ARCH_x86', '-I/usr/include/x86_64-linux-gnu'],
  ...['-fsyntax-only', '-Xclang', '-ast-dump=json', '-w'],
];

/** Oldest first. */
export const CLANGS: readonly string[] = ['clang', 'clang-16', 'clang-19'].filter(
  (name) => spawnSync(name, ['--version']).status === 0,
);
if (CLANGS.length === 0 && process.env.CI) throw new Error('no clang is installed, but CI has to run these tests');

/** @param files  name → text or bytes; {@link SOURCE} is the main file */
export async function unitOf(clang: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<SourceUnit> {
  const dir = await mkdtemp(join(tmpdir(), 'ecc-doc-'));
  try {
    await Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(dir, name), text)));
    const nodes = await userNodes(clang, dir);
    // clang calls a header that is found beside the source `./name`.
    const nameOf = (file: string) => file.replace(/^\.\//, '');
    const found = [...new Set(nodes.map(({ file }) => file))];
    return new SourceUnit(nodes, new Map(found.map((file) => [file, Buffer.from(files[nameOf(file)]!)])));
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

const waiting: (() => void)[] = [];
let running = 0;

async function userNodes(clang: string, cwd: string): Promise<AstNode[]> {
  if (running >= 2) await new Promise<void>((resolve) => waiting.push(resolve));
  running++;
  try {
    const child = spawn(clang, [...FLAGS, SOURCE], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    const splitter = new AstSplitter((file) => !file.startsWith('/'));
    let errors = '';
    child.stderr.on('data', (text: Buffer) => {
      errors += text.toString();
    });
    child.stdout.on('data', (chunk: Buffer) => splitter.push(chunk));
    const [status] = (await once(child, 'close')) as [number | null];
    if (status !== 0) throw new Error(`${clang}: ${errors}`);
    return splitter.finish();
  } finally {
    running--;
    waiting.shift()?.();
  }
}
