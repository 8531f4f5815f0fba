/** The command line as users run it: the bundle behind `bin/ecc.js`, with a cache of the tests' own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type CommandOptions, type CommandResult, run } from './command.ts';

export const ECC = path.join(import.meta.dirname, '..', '..', 'bin', 'ecc.js');

/** Kernel types unpacked once serve all tests of a file; no test depends on what is in it, and no build is kept. */
const CACHE = mkdtempSync(path.join(tmpdir(), 'ecc-test-cache-'));
process.on('exit', () => rmSync(CACHE, { recursive: true, force: true }));

export function ecc(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const env = { ECC_CACHE_DIR: CACHE, ECC_CACHE_SIZE: '0', NO_COLOR: '1', ...options.env };
  return run(process.execPath, [ECC, ...args], { ...options, env });
}

/** A program that compiles anywhere: one tracepoint, one option. */
export const TINY = `#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

const volatile int target_pid = 0;

SEC("tracepoint/syscalls/sys_enter_kill")
int on_kill(struct trace_event_raw_sys_enter *ctx)
{
	int pid = bpf_get_current_pid_tgid() >> 32;

	if (target_pid && pid != target_pid)
		return 0;
	bpf_printk("kill by %d", pid);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
`;
