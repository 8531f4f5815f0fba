/** Runs the clangs that are installed, two at a time, for tests that need a real syntax tree. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AstNode } from '../../src/doc/ast-node.ts';
import { AstSplitter } from '../../src/doc/ast-split.ts';
import { collectDocs } from '../../src/doc/docs.ts';
import { type EventType, findEventTypes } from '../../src/doc/event-types.ts';
import { taggedStructs } from '../../src/doc/export-structs.ts';
import { readOutline } from '../../src/doc/outline/outline.ts';
import { SourceTexts } from '../../src/doc/source-texts.ts';
import { SourceUnit } from '../../src/doc/source-unit.ts';
import { collectTypeDocs } from '../../src/doc/type-docs.ts';

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

/** Name → text or bytes; {@link SOURCE} is the main file. */
export type Files = Readonly<Record<string, string | Uint8Array>>;

export function textsOf(files: Files): SourceTexts {
  // clang calls a header that is found beside the source `./name`.
  return new SourceTexts((file) => Buffer.from(files[file.replace(/^\.\//, '')]!));
}

export async function unitOf(clang: string, files: Files): Promise<SourceUnit<AstNode>> {
  const dir = await mkdtemp(join(tmpdir(), 'ecc-doc-'));
  try {
    await Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(dir, name), text)));
    const nodes = await userNodes(clang, dir);
    return new SourceUnit(nodes, textsOf(files));
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** What the build takes from a program, out of clang's AST. Ids and places that nobody is shown are left out. */
export async function factsByAst(clang: string, files: Files) {
  const unit = await unitOf(clang, files);
  return factsOf(unit, findEventTypes(unit).events);
}

/** The same, read off the text; `undefined` where that leaves a doubt. */
export function factsByText(files: Files) {
  const texts = textsOf(files);
  const outline = readOutline({
    source: SOURCE,
    userFiles: Object.keys(files),
    texts,
    systemTexts,
    defined: ['__TARGET_ARCH_x86'],
  });
  return outline && factsOf(new SourceUnit(outline.nodes, texts), outline.events);
}

function factsOf(unit: SourceUnit, events: readonly EventType[]) {
  const { warnings, ...docs } = collectDocs(unit, SOURCE);
  const tagged = taggedStructs(unit);
  const plain = ({ file, ...rest }: { file: string }) => ({ ...rest, file: file.replace(/^\.\//, '') });
  return {
    docs,
    types: collectTypeDocs(unit),
    structs: tagged.structs.map(plain),
    untagged: tagged.untagged.map(plain),
    events: events.map(plain),
    warnings: [...warnings, ...tagged.warnings].map(plain),
  };
}

let systemHeaders: readonly string[] | undefined;

/** Of libbpf's headers and of those that they include. */
function systemTexts(): readonly string[] {
  const directory = '/usr/include/bpf';
  systemHeaders ??= readdirSync(directory)
    .filter((name) => name.startsWith('bpf_') && name !== 'bpf_helper_defs.h')
    .map((name) => readFileSync(join(directory, name), 'utf8'));
  return systemHeaders;
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
