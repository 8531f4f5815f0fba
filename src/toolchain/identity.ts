/**
 * Which program a tool is, without running it: a digest of its file, the same on every machine that has the same package installed. A
 * wrapper (a script, ccache under the name of clang) runs something else that its own file says nothing about: it has no identity.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import path from 'node:path';
import { sha256 } from '../core/hash.ts';
import type { Tool } from './tools.ts';

/** A static clang has 100 MB. Its build id is at the beginning, the table of its sections at the end. */
const HEAD = 256 * 1024;
const TAIL = 64 * 1024;
const ELF_MAGIC = '\x7fELF';

/** `undefined` for a wrapper, and for what cannot be read. */
export function toolIdentity({ realPath }: Pick<Tool, 'realPath'>): string | undefined {
  if (!/clang|llvm|bpftool/.test(path.basename(realPath))) return undefined;
  let handle: number | undefined;
  try {
    handle = openSync(realPath, 'r');
    const { size } = fstatSync(handle);
    const head = Buffer.alloc(Math.min(size, HEAD));
    const tail = Buffer.alloc(Math.min(size, TAIL));
    readSync(handle, head, 0, head.length, 0);
    readSync(handle, tail, 0, tail.length, size - tail.length);
    if (head.toString('latin1', 0, 4) !== ELF_MAGIC) return undefined;
    return sha256(`${size}\n`, head, tail);
  } catch {
    return undefined;
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}
