/**
 * What a test needs of the machine. Where it is missing the test is skipped and says why, but with `CI=true` in the environment a
 * thing that a proper machine has (the tools that the README installs; BPF for root) must be there, and its absence fails.
 */
import { existsSync } from 'node:fs';
import { type KernelFeature, kernelLacks } from './kernel.ts';
import { findTool } from './tools.ts';

/** The part of vitest's test context that is used here. */
export interface Skippable {
  skip(note?: string): never;
}

/** In a pipeline that has to run everything. */
export function inCi(): boolean {
  const { CI } = process.env;
  return CI !== undefined && CI !== '' && CI !== '0' && CI !== 'false';
}

/** Tools that every machine that runs the tests must have; others (`clang-19`, ...) may be missing in CI too. */
const EXPECTED = ['clang', 'llvm-strip', 'bpftool', 'gcc', 'make', 'readelf'];

/**
 * Path of a program, or the test is skipped.
 * @throws {Error} in CI, for a tool that belongs to the set-up
 */
export function requireTool(context: Skippable, name: string): string {
  const found = findTool(name);
  if (found !== undefined) return found;
  if (inCi() && EXPECTED.includes(name)) throw new Error(`${name} is not installed, but CI has to run this test`);
  return context.skip(`${name} is not installed`);
}

/** Skips unless the process is root. Never fails: a pipeline may well run as a normal user. */
export function requireRoot(context: Skippable): void {
  if (process.getuid?.() !== 0) context.skip('needs root');
}

/**
 * Skips unless this kernel loads BPF programs for us, and has all `features`.
 * @throws {Error} in CI as root on a kernel with BTF that nevertheless loads nothing
 */
export async function requireKernel(context: Skippable, ...features: readonly KernelFeature[]): Promise<void> {
  requireRoot(context);
  if (!existsSync('/sys/kernel/btf/vmlinux')) context.skip('the kernel has no BTF (/sys/kernel/btf/vmlinux)');
  requireTool(context, 'bpftool');
  requireTool(context, 'clang');
  const reason = await kernelLacks('load');
  if (reason !== undefined) {
    if (inCi()) throw new Error(`root on a kernel with BTF, and yet: ${reason}`);
    context.skip(reason);
  }
  for (const feature of features) {
    const lack = await kernelLacks(feature);
    if (lack !== undefined) context.skip(lack);
  }
}
