/** Generates the module for `decode.ts` out of clang's BTF, bundles both and runs them: `node bench/decode.mjs [--json]`. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const here = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname);
const source = (...parts) => path.join(here, '..', 'src', ...parts);
const scratch = mkdtempSync(path.join(tmpdir(), 'ecc-bench-'));
const env = { ...process.env };
// the engine is to run as it does for users
for (const name of ['NODE_OPTIONS', 'NODE_EXTRA_CA_CERTS']) delete env[name];
try {
  const object = path.join(scratch, 'types.o');
  execFileSync(process.env.CLANG ?? 'clang', [
    '-target',
    'bpf',
    '-g',
    '-c',
    path.join(here, 'decode-types.c'),
    '-o',
    object,
  ]);
  const generator = path.join(scratch, 'generator.mjs');
  await build({
    stdin: {
      contents: `export { emitTypeScript } from ${JSON.stringify(source('codegen', 'ts', 'module.ts'))};
        export { Kind, parseBtf } from ${JSON.stringify(source('btf', 'index.ts'))};
        export { parseElf } from ${JSON.stringify(source('elf', 'elf.ts'))};`,
      resolveDir: here,
    },
    outfile: generator,
    bundle: true,
    format: 'esm',
    platform: 'node',
  });
  const { emitTypeScript, Kind, parseBtf, parseElf } = await import(pathToFileURL(generator).href);
  const elf = parseElf(readFileSync(object));
  const btf = parseBtf(elf.data(elf.findSection('.BTF')));
  const types = ['event', 'other1', 'other2', 'other3', 'other4'].map((name) => btf.find(name, Kind.struct));
  const generated = path.join(scratch, 'generated.ts');
  writeFileSync(generated, emitTypeScript({ btf, types, source: 'types.o' }));
  const bench = path.join(scratch, 'bench.mjs');
  await build({
    entryPoints: [path.join(here, 'decode.ts')],
    outfile: bench,
    bundle: true,
    format: 'esm',
    platform: 'node',
    alias: { 'ebpf-ecc/decode': source('decode', 'index.ts'), generated },
  });
  execFileSync(process.execPath, [bench, ...process.argv.slice(2)], { stdio: 'inherit', env });
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
