/** The examples of `docs/make.md`, with the command line as it is installed: the second run does nothing, a touched header builds again. */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { ECC } from '../support/cli.ts';
import { runOk } from '../support/command.ts';
import { FIXTURES_DIRECTORY } from '../support/fixtures.ts';
import { requireTool, type Skippable } from '../support/require.ts';
import { testDirectory } from '../support/temporary.ts';

const DOCUMENT = readFileSync(path.join(import.meta.dirname, '../../docs/make.md'), 'utf8');

/** The first block of a language in the document. */
function example(language: string): string {
  const block = new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 's').exec(DOCUMENT);
  if (block === null) throw new Error(`docs/make.md has no ${language} example`);
  return block[1]!;
}

/** A project with both programs of the example, all files as old as each other. */
function makeProject(): string {
  const directory = path.join(testDirectory(), 'a project');
  mkdirSync(directory);
  for (const file of ['sigsnoop/sigsnoop.bpf.c', 'execwatch/execwatch.bpf.c', 'execwatch/execwatch.h']) {
    const copy = path.join(directory, path.basename(file));
    cpSync(path.join(FIXTURES_DIRECTORY, file), copy);
    utimesSync(copy, 1_700_000_000, 1_700_000_000);
  }
  return directory;
}

const OUTPUTS = ['out/sigsnoop/package.json', 'out/execwatch/package.json'];

async function expectRebuilds(directory: string, build: () => Promise<unknown>): Promise<void> {
  const times = () => OUTPUTS.map((name) => statSync(path.join(directory, name)).mtimeMs);
  await build();
  const first = times();
  await build();
  expect(times(), 'the second run').toEqual(first);

  const later = Date.now() / 1000 + 5;
  utimesSync(path.join(directory, 'execwatch.h'), later, later);
  await build();
  const [sigsnoop, execwatch] = times();
  expect(sigsnoop, 'not touched').toBe(first[0]);
  expect(execwatch, 'its header was touched').toBeGreaterThan(first[1]!);
}

function prepare(context: Skippable, tool: string): string {
  requireTool(context, 'clang');
  requireTool(context, tool);
  return makeProject();
}

describe('the example for', () => {
  test('Make', async (context) => {
    const directory = prepare(context, 'make');
    writeFileSync(path.join(directory, 'Makefile'), example('make'));
    const make = () => runOk('make', ['-j2', `ECC=${ECC}`], { cwd: directory });
    await expectRebuilds(directory, make);

    // the header is gone, and nobody includes it any more
    const source = path.join(directory, 'execwatch.bpf.c');
    const header = readFileSync(path.join(directory, 'execwatch.h'), 'utf8');
    rmSync(path.join(directory, 'execwatch.h'));
    writeFileSync(source, readFileSync(source, 'utf8').replace('#include "execwatch.h"', header));
    await make();
    expect(readFileSync(path.join(directory, 'out/execwatch/depfile'), 'utf8')).not.toContain('execwatch.h');
    await runOk('make', ['clean'], { cwd: directory });
    expect(existsSync(path.join(directory, 'out'))).toBe(false);
  });

  test('Ninja', async (context) => {
    const directory = prepare(context, 'ninja');
    writeFileSync(path.join(directory, 'build.ninja'), example('ninja').replace('ecc = ecc\n', `ecc = ${ECC}\n`));
    await expectRebuilds(directory, () => runOk('ninja', [], { cwd: directory }));
  });
});
