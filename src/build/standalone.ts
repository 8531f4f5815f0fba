/**
 * The standalone loader of a compiled source: its C, and the static executable that the user's clang makes of it with the libraries
 * of libbpf's development package.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Kind, type TypeId } from '../btf/kinds.ts';
import type { Btf } from '../btf/table.ts';
import { emitStandalone, type StandaloneInput } from '../codegen/c/standalone.ts';
import { ToolError } from '../core/errors.ts';
import { ARCH_FACTS, type Arch, hostArch } from '../toolchain/arch.ts';
import { type RunOptions, runTool } from '../toolchain/run.ts';
import type { CompiledSource } from './compile.ts';
import { withWorkDirectory } from './work-directory.ts';

/**
 * The C source; see {@link emitStandalone} for its errors.
 * Where the code does not tell what goes through a ring buffer, the first export type is taken for it, as loaders of the package do.
 */
export function standaloneSource(compiled: CompiledSource): string {
  const { objName, object, model, meta, facts } = compiled;
  const { btf } = model;
  const events: StandaloneInput['events'][number][] = [];
  for (const { map, type } of facts.events) {
    if (map !== undefined && btf !== undefined) events.push({ map, typeId: findType(btf, type) });
  }
  const first = meta.export_types?.[0];
  for (const { name, typeName } of model.maps) {
    const isKnown = events.some(({ map, typeId }) => map === name && typeId !== undefined);
    const isChannel =
      typeName === 'ringbuf' || (typeName === 'perf_event_array' && events.some(({ map }) => map === name));
    if (isChannel && !isKnown && first !== undefined) events.push({ map: name, typeId: first.type_id as TypeId });
  }
  return emitStandalone({ objName, object, model, docs: meta.bpf_skel, events });
}

const KINDS: Readonly<Record<string, readonly Kind[]>> = {
  struct: [Kind.struct],
  union: [Kind.union],
  enum: [Kind.enum, Kind.enum64],
  typedef: [Kind.typedef],
  scalar: [Kind.int, Kind.float, Kind.typedef],
};

/** Arrays and pointers have no name to look for: their bytes are shown. */
function findType(btf: Btf, { kind, name }: CompiledSource['facts']['events'][number]['type']): TypeId | undefined {
  const kinds = KINDS[kind];
  return kinds === undefined ? undefined : btf.find(name, ...kinds);
}

export interface LinkOptions extends Pick<RunOptions, 'signal' | 'timeoutMs' | 'onCommand'> {
  readonly clang: { readonly name: string; readonly path: string };
  /** What the executable is for; default this machine. */
  readonly arch?: Arch | undefined;
}

/** Debian's package of each library, and what else has to be there. */
const LIBRARIES: Readonly<Record<string, string>> = {
  'libbpf.a': 'libbpf-dev',
  'libelf.a': 'libelf-dev',
  'libz.a': 'zlib1g-dev',
  'libc.a': 'libc6-dev',
};

/**
 * Compiles and links. The same source gives the same bytes, wherever it is done.
 * @throws {ToolError} `TOOL_LIBRARY_MISSING` where a static library is not there, also those of another architecture;
 *   `TOOL_STANDALONE_FAILED` when clang refuses for another reason
 */
export function linkStandalone(source: string, options: LinkOptions): Promise<Buffer> {
  const { clang, arch = hostArch() } = options;
  const target = ARCH_FACTS[arch].multiarch;
  return withWorkDirectory(async (directory) => {
    const output = path.join(directory, 'standalone');
    const { exitCode, stderr } = await runTool(clang, linkArgs(target, output), { ...options, input: source });
    if (exitCode === 0) return readFile(output);
    const missing = await missingLibraries(clang, target);
    if (missing.length > 0) throw libraryMissing(missing, arch);
    throw new ToolError(
      'TOOL_STANDALONE_FAILED',
      `the standalone executable cannot be built: clang exited with ${exitCode}\n${stderr.trimEnd()}`,
      {
        details: { exitCode, diagnostics: stderr },
        hint: 'libbpf 1.1 or newer is needed; ecc run loads the package without it',
      },
    );
  });
}

function linkArgs(target: string, output: string): string[] {
  return [
    `--target=${target}`,
    '-std=gnu11',
    '-Os',
    '-static',
    // only what is used, without gaps between segments and tables for exceptions, which nothing throws; neither symbols nor anything
    // that tells where it was built
    '-ffunction-sections',
    '-fdata-sections',
    '-fno-asynchronous-unwind-tables',
    '-Wl,--gc-sections,-z,noseparate-code,--no-eh-frame-hdr,--build-id=none',
    '-s',
    '-o',
    output,
    '-x',
    'c',
    '-',
    '-lbpf',
    '-lelf',
    '-lz',
    // newer versions of libelf read compressed sections with it
    ...(hasZstd(target) ? ['-lzstd'] : []),
  ];
}

function hasZstd(target: string): boolean {
  return [`/usr/lib/${target}`, '/usr/lib64', '/usr/lib'].some((directory) =>
    existsSync(path.join(directory, 'libzstd.a')),
  );
}

async function missingLibraries(clang: LinkOptions['clang'], target: string): Promise<string[]> {
  const missing: string[] = [];
  for (const library of Object.keys(LIBRARIES)) {
    const { stdout } = await runTool(clang, [`--target=${target}`, `-print-file-name=${library}`]);
    // what is not found comes back as it was asked for
    if (stdout.toString('utf8').trim() === library) missing.push(library);
  }
  return missing;
}

function libraryMissing(missing: readonly string[], arch: Arch): ToolError {
  const isCross = arch !== findHostArch();
  const packages = missing.map((library) => LIBRARIES[library]!);
  const message = isCross
    ? `a standalone executable for ${arch} needs a cross toolchain for ${ARCH_FACTS[arch].multiarch}; missing: ${missing.join(', ')}`
    : `a standalone executable needs static libraries that are not installed: ${missing.join(', ')}`;
  return new ToolError('TOOL_LIBRARY_MISSING', message, {
    details: { missing, arch },
    hint: isCross
      ? `build it on a machine of that architecture, or install the C library of that architecture and its ${packages.join(', ')}`
      : `apt install ${packages.join(' ')}`,
  });
}

function findHostArch(): Arch | undefined {
  try {
    return hostArch();
  } catch {
    return undefined;
  }
}
