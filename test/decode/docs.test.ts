/** The examples of docs/typescript.md: type-checked, run, and their output compared with the comments beside them. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { inspect } from 'node:util';
import { expect, it, vi } from 'vitest';
import { Kind } from '../../src/btf/index.ts';
import { emitTypeScript } from '../../src/codegen/ts/module.ts';
import { openObject } from '../../src/object/open.ts';
import { runOk } from '../support/command.ts';
import { fileDirectory } from '../support/temporary.ts';
import { requireClang64 } from './clang.ts';
import { loadModule, typeErrors } from './generated.ts';

const PAGE = path.join(import.meta.dirname, '..', '..', 'docs', 'typescript.md');
// Two compilers and tsc, on a machine that may be busy with other tests.
vi.setConfig({ testTimeout: 240_000 });

const directory = fileDirectory();

/** What the page leaves out of the C program. */
const BEFORE = `
#define SEC(name) __attribute__((section(name), used))
#define __uint(name, val) int (*name)[val]
#define __type(name, val) typeof(val) *name
`;
const AFTER = `
struct event *unused SEC(".ecc.export");
SEC("tracepoint/sched/sched_process_exec") int on_exec(void *ctx) { return dropped[target_pid & 3] + only[target_pid & 15]; }
char LICENSE[] SEC("license") = "GPL";
`;
/** An event: pid 42, EXEC, when 10^12, comm bash, code 7. */
const EVENT = Buffer.from(`2a00000001000000${'0010a5d4e8000000'}${'62617368'.padEnd(32, '0')}0700000000000000`, 'hex');

function blocks(page: string, language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'gms'))].map((match) => match[1] as string);
}

it('has examples that do what it says', async (context) => {
  const clang = requireClang64(context);
  const page = readFileSync(PAGE, 'utf8');
  const source = path.join(directory, 'exectrace.bpf.c');
  const objectFile = path.join(directory, 'exectrace.o');
  writeFileSync(source, BEFORE + blocks(page, 'c').join('') + AFTER);
  await runOk(clang, ['-target', 'bpf', '-g', '-O2', '-c', source, '-o', objectFile]);
  const object = new Uint8Array(readFileSync(objectFile));
  const opened = openObject(object);
  const event = opened.btf!.find('event', Kind.struct)!;
  const input = {
    btf: opened.btf!,
    object: opened,
    types: [event],
    events: new Map([['rb', [event]]]),
    source: 'exectrace.bpf.c',
  };
  const modules = {
    'exectrace.bpf.ts': emitTypeScript(input),
    'open.ts': emitTypeScript({ ...input, options: { enums: 'open' } }),
  };

  const examples = blocks(page, 'ts').map((text) => text.replaceAll(/'(\.\/[\w.]+)\.ts'/g, "'$1'"));
  expect(examples.length).toBeGreaterThan(5);
  // Each is a function, so that it does not see the names of the others; its imports stay outside.
  const files = examples.map((text) => {
    const imports = text.match(/^import .*\n/gm) ?? [];
    const body = text.replace(/^import .*\n/gm, '');
    const parameters = 'bytes: Uint8Array, object: Uint8Array, console: { log(...values: unknown[]): void }';
    return `${imports.join('')}export function example(${parameters}): void {\nvoid bytes, object, console;\n${body}}\n`;
  });
  const named = Object.fromEntries(files.map((text, i) => [`example${i}.ts`, text]));
  expect(await typeErrors(directory, { ...modules, ...named })).toBe('');
  for (const [i, text] of files.entries()) {
    const printed: string[] = [];
    const console = { log: (...values: unknown[]) => printed.push(values.map(shown).join(' ')) };
    const loaded = (await loadModule(directory, `example${i}`, text)) as {
      example: (bytes: Uint8Array, object: Uint8Array, log: typeof console) => void;
    };
    loaded.example(new Uint8Array(EVENT), object, console);
    const promised = [...text.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map((match) => match[1]);
    expect(promised.length, text).toBeGreaterThan(0);
    expect(printed, text).toEqual(promised);
  }
});

/** As Node's console shows it. */
function shown(value: unknown): string {
  return typeof value === 'string' ? value : inspect(value, { breakLength: Number.POSITIVE_INFINITY });
}
