/** Whose process a number in a file name is, and whether it still runs. */
import { readFileSync, readlinkSync } from 'node:fs';

/**
 * Eight hex digits. Process numbers mean something within one boot and one namespace: containers and hosts may share a directory. No digest of
 * the two: every build asks, and `node:crypto` takes as long to load as the rest of this takes to run.
 */
export function machineId(): string {
  try {
    const boot = Number.parseInt(readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').slice(0, 8), 16);
    const namespace = Number.parseInt(/\d+/.exec(readlinkSync('/proc/self/ns/pid'))![0], 10);
    return hex(boot ^ namespace);
  } catch {
    return hex(Math.random() * 2 ** 32);
  }
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}

/** @param pid  of this machine */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** How directories for temporary files are named; `mkdtemp` adds six letters. */
export function temporaryPrefix(): string {
  return `ecc-${machineId()}-${process.pid}-`;
}
