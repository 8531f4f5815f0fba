/** The folder table of docs/ARCHITECTURE.md, enforced: imports only go downwards, and some things have one place only. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';

const src = path.join(import.meta.dirname, '..', 'src');

/** What each folder may import besides itself; the order is the table's. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  decode: [],
  elf: ['core'],
  btf: ['elf', 'core'],
  object: ['elf', 'btf', 'core'],
  doc: ['core'],
  skeleton: ['object', 'btf', 'doc', 'core'],
  package: ['skeleton', 'object', 'btf', 'core'],
  codegen: ['object', 'btf', 'decode', 'core'],
  headers: ['btf', 'core'],
  toolchain: ['core'],
  runner: ['package', 'skeleton', 'codegen', 'object', 'btf', 'elf', 'decode', 'core'],
  build: ['toolchain', 'headers', 'codegen', 'package', 'skeleton', 'doc', 'object', 'btf', 'elf', 'core'],
  cli: [
    'build',
    'runner',
    'toolchain',
    'headers',
    'codegen',
    'package',
    'skeleton',
    'doc',
    'object',
    'btf',
    'elf',
    'decode',
    'core',
  ],
};
/** Packages and modules that one folder keeps to itself. */
const ONLY_IN: Readonly<Record<string, string>> = {
  yargs: 'cli',
  execa: 'toolchain',
  koffi: 'runner',
  chokidar: 'build',
};

interface Import {
  readonly file: string;
  readonly folder: string;
  readonly target: string;
}

function imports(): Import[] {
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !file.endsWith('.test.ts'),
  );
  return files.flatMap((file) => {
    const text = readFileSync(path.join(src, file), 'utf8');
    const found = [
      ...text.matchAll(/(?:^|\s)(?:import|export)\s[^;]*?from\s+'([^']+)'|import\('([^']+)'\)|^import '([^']+)'/gm),
    ];
    return found.map((match) => ({
      file,
      folder: file.includes('/') ? file.split('/')[0]! : '',
      target: match[1] ?? match[2] ?? match[3]!,
    }));
  });
}

/** Examples in docstrings print. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
}

describe('folders', () => {
  const all = imports();

  test('every folder is in the table', () => {
    const folders = readdirSync(src, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(folders.map(({ name }) => name).sort()).toEqual(Object.keys(MAY_IMPORT).sort());
  });

  test.each(Object.keys(MAY_IMPORT))('%s imports only what lies below it', (folder) => {
    const own = all.filter((item) => item.folder === folder && item.target.startsWith('.'));
    expect(own.length, `${folder} has no imports at all: is the pattern broken?`).toBeGreaterThan(
      folder === 'decode' || folder === 'core' ? -1 : 0,
    );
    const wrong = own.filter(({ file, target }) => {
      const other = path.relative(src, path.resolve(src, path.dirname(file), target)).split('/')[0]!;
      return other !== folder && !MAY_IMPORT[folder]!.includes(other);
    });
    expect(wrong.map(({ file, target }) => `${file} imports ${target}`)).toEqual([]);
  });

  test.each(Object.entries(ONLY_IN))('%s is used in %s only', (name, folder) => {
    const users = all.filter(({ target }) => target === name || target.startsWith(`${name}/`));
    expect([...new Set(users.map((item) => item.folder))]).toEqual([folder]);
  });

  test('process.exit and the terminal belong to the command line', () => {
    const users = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(
      (file) =>
        file.endsWith('.ts') &&
        !file.startsWith('cli/') &&
        /process\.(exit\(|stdout|stderr)|console\./.test(withoutComments(readFileSync(path.join(src, file), 'utf8'))),
    );
    expect(users).toEqual([]);
  });
});
