/** `ecc doctor`: what of the toolchain is there, where, in which version, and how to get the rest. */
import type { CommandModule } from 'yargs';
import { cacheDirectory } from '../../core/paths.ts';
import { VERSION } from '../../core/version.ts';
import { hostArch } from '../../toolchain/arch.ts';
import { INSTALL_COMMANDS, type PackageManager, type ToolName } from '../../toolchain/tools.ts';
import { onStdout } from '../colours.ts';

interface Row {
  readonly name: string;
  readonly found: string | undefined;
  readonly version: string;
  readonly purpose: string;
  /** Nothing works without it. */
  readonly required: boolean;
  readonly packages: Readonly<Record<PackageManager, string>>;
}

export const doctor: CommandModule<object, { json?: boolean | undefined }> = {
  command: 'doctor',
  describe: 'Show the tools that are used, and how to install what is missing',
  builder: (argv) => argv.option('json', { type: 'boolean', describe: 'Print as JSON' }),
  handler: async ({ json }) => {
    const rows = await inspectToolchain();
    const kernels = await shippedKernels();
    const missing = rows.filter(({ found }) => found === undefined);
    if (json) process.stdout.write(`${JSON.stringify({ ecc: VERSION, tools: rows, kernels }, null, 2)}\n`);
    else process.stdout.write([table(rows), kernelTable(kernels), installLines(missing)].filter(Boolean).join('\n'));
    if (missing.some(({ required }) => required)) process.exitCode = 3;
  },
};

async function inspectToolchain(): Promise<Row[]> {
  const { findTool, TOOLS } = await import('../../toolchain/tools.ts');
  const { readVersion } = await import('../../toolchain/version.ts');
  const { systemIncludes } = await import('../../toolchain/clang.ts');
  const { findLibbpfHeaders, LIBBPF_PACKAGES } = await import('../../toolchain/libbpf-headers.ts');
  const clang = findTool('clang');
  const rows: Row[] = [];
  for (const name of Object.keys(TOOLS) as ToolName[]) {
    const tool = name === 'clang' ? clang : findTool(name, { beside: clang });
    rows.push({
      name,
      found: tool?.path,
      version:
        tool === undefined
          ? ''
          : ((await readVersion(tool, cacheDirectory())).text.match(/\d+(\.\d+)+/)?.[0] ?? 'unknown'),
      purpose: TOOLS[name].purpose,
      required: name !== 'bpftool',
      packages: TOOLS[name].packages,
    });
  }
  const headers = findLibbpfHeaders(systemIncludes(hostArch()));
  rows.push({
    name: 'libbpf headers',
    found: headers?.directory,
    version: headers?.version ?? '',
    purpose: 'bpf/bpf_helpers.h and friends, which programs include',
    required: true,
    packages: LIBBPF_PACKAGES,
  });
  return rows;
}

async function shippedKernels(): Promise<{ version: string; arch: string }[]> {
  const { listKernels } = await import('../../headers/data.ts');
  return listKernels().map(({ version, arch }) => ({ version, arch }));
}

function table(rows: readonly Row[]): string {
  const cells = rows.map(({ name, found, version, purpose }) => [name, version || '-', found ?? 'missing', purpose]);
  const widths = [0, 1, 2].map((column) => Math.max(...cells.map((row) => row[column]!.length)));
  const lines = cells.map((row, index) => {
    const [name, version, where] = [0, 1, 2].map((column) => row[column]!.padEnd(widths[column]!));
    const place = rows[index]!.found === undefined ? onStdout.red(where) : where;
    return `${onStdout.bold(name)}  ${version}  ${place}  ${row[3]}`;
  });
  return `${lines.join('\n')}\n`;
}

function kernelTable(kernels: readonly { version: string; arch: string }[]): string {
  const byVersion = new Map<string, string[]>();
  for (const { version, arch } of kernels) byVersion.set(version, [...(byVersion.get(version) ?? []), arch]);
  const lines = [...byVersion].map(([version, arches]) => `  ${version.padEnd(10)} ${arches.join(', ')}`);
  return `kernel types for --vmlinux:\n${lines.join('\n')}\n`;
}

function installLines(missing: readonly Row[]): string {
  if (missing.length === 0) return '';
  const lines = (Object.keys(INSTALL_COMMANDS) as PackageManager[]).map((manager) => {
    const packages = [...new Set(missing.map((row) => row.packages[manager]))];
    return `  ${manager.padEnd(7)} ${INSTALL_COMMANDS[manager]} ${packages.join(' ')}`;
  });
  return `missing: ${missing.map(({ name }) => name).join(', ')}; install with\n${lines.join('\n')}\n`;
}
