/**
 * Addresses of running processes to names: `/proc/PID/maps` says which file is mapped there, the file's symbol table which function
 * that is. What is known of a process is kept, and read again when an address is not in it (a library was loaded, the number
 * belongs to another process by now). Names are those of the symbol table: C++ and Rust stay mangled. Left out: code that was
 * generated at run time, separate debug files.
 */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { type FunctionTable, functionTable } from './functions.ts';

/** Files that are larger are not looked into. Bytes. */
const MAX_FILE = 256 << 20;
/** Processes and files that are kept. */
const MAX_PROCESSES = 256;
const MAX_FILES = 64;

export interface UserSymbols {
  /**
   * `malloc+0x1a`; without a symbol the file and the offset in it, `libc.so.6+0x9c2b0`; `undefined` for addresses that belong to
   * no file, and when the process is gone.
   */
  find(pid: number, address: bigint): string | undefined;
}

/** Part of a file in the memory of a process. Addresses are below 2^53: exact. */
export interface Mapping {
  readonly start: number;
  readonly end: number;
  /** Bytes from the start of the file. */
  readonly offset: number;
  /** `START-END` as the kernel spells it. */
  readonly range: string;
  /** Device and inode. */
  readonly file: string;
  /** `''` for anonymous memory; `[vdso]`. */
  readonly path: string;
}

/** The mappings of `/proc/PID/maps`, in order of their addresses. */
export function parseMaps(text: string): Mapping[] {
  return [...text.matchAll(/^(([0-9a-f]+)-([0-9a-f]+)) \S+ ([0-9a-f]+) (\S+ \d+) *(.*)$/gm)].map(
    ([, range, start, end, offset, file, name]) => ({
      range: range!,
      start: Number.parseInt(start!, 16),
      end: Number.parseInt(end!, 16),
      offset: Number.parseInt(offset!, 16),
      file: file!,
      path: name!.replace(/ \(deleted\)$/, ''),
    }),
  );
}

/** @param proc  where procfs is mounted */
export function userSymbols(proc = '/proc'): UserSymbols {
  const processes = new Map<number, readonly Mapping[]>();
  const tables = new Map<string, FunctionTable | undefined>();

  const mappingAt = (pid: number, address: number): Mapping | undefined => {
    const known = processes.get(pid);
    const found = known === undefined ? undefined : findMapping(known, address);
    if (found !== undefined) return found;
    const fresh = readMaps(`${proc}/${pid}/maps`);
    if (fresh === undefined) return undefined;
    processes.delete(pid);
    keep(processes, pid, fresh, MAX_PROCESSES);
    return findMapping(fresh, address);
  };

  const tableOf = (pid: number, mapping: Mapping): FunctionTable | undefined => {
    if (tables.has(mapping.file)) return tables.get(mapping.file);
    // the mapping itself is right even if the file was replaced or lies in another mount namespace
    const table =
      readTable(`${proc}/${pid}/map_files/${mapping.range}`) ?? readTable(`${proc}/${pid}/root${mapping.path}`);
    keep(tables, mapping.file, table, MAX_FILES);
    return table;
  };

  return {
    find(pid, address) {
      const at = Number(address);
      const mapping = mappingAt(pid, at);
      if (mapping === undefined || mapping.path === '') return undefined;
      const offset = at - mapping.start + mapping.offset;
      const name = mapping.path.startsWith('/') ? tableOf(pid, mapping)?.find(offset) : undefined;
      return name ?? `${path.basename(mapping.path)}+0x${offset.toString(16)}`;
    },
  };
}

function findMapping(mappings: readonly Mapping[], address: number): Mapping | undefined {
  return mappings.find(({ start, end }) => start <= address && address < end);
}

/** `undefined` when the process is gone. */
function readMaps(file: string): Mapping[] | undefined {
  try {
    return parseMaps(readFileSync(file, 'latin1'));
  } catch {
    return undefined;
  }
}

/** `undefined` for what cannot be read, and is no ELF file of 64 bits. */
function readTable(file: string): FunctionTable | undefined {
  try {
    return statSync(file).size > MAX_FILE ? undefined : functionTable(readFileSync(file));
  } catch {
    return undefined;
  }
}

/** Puts in an entry; what was put in first goes when there are too many. */
function keep<K, V>(map: Map<K, V>, key: K, value: V, limit: number): void {
  map.set(key, value);
  if (map.size > limit) for (const oldest of map.keys()) return void map.delete(oldest);
}
