/** Whose process a number in a file name is, and whether it still runs. */
import { randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { sha256 } from './hash.ts';

/** Eight hex digits. Process numbers mean something within one boot and one namespace: containers and hosts may share a directory. */
export function machineId(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1');
    return sha256(`${boot}${readlinkSync('/proc/self/ns/pid')}`).slice(0, 8);
  } catch {
    return randomBytes(4).toString('hex');
  }
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
