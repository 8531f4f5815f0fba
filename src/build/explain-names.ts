/**
 * Which header declares a name that clang does not know, and which package or directory holds a header that it did not find. Headers of
 * the system are searched when a compile has failed, never before.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { namesIn } from '../core/directory.ts';
import type { IncludeDirectory } from '../toolchain/clang.ts';
import { LIBBPF_PACKAGES } from '../toolchain/libbpf-headers.ts';

/** Where names of BPF programs come from, and of user space that they have in common with it. */
const SEARCHED = ['bpf', 'linux', 'asm-generic', 'asm'];
/** Which package has headers of a directory, by Debian's names. */
const PACKAGES: readonly (readonly [header: RegExp, apt: string])[] = [
  [/^bpf\//, LIBBPF_PACKAGES.apt],
  [/^(linux|asm|asm-generic|rdma|sound|drm|mtd|scsi\/.*uapi)\//, 'linux-libc-dev'],
  [/^gnu\/stubs-32\.h$/, 'libc6-dev-i386'],
  [
    /^(sys|net|netinet|arpa|bits|gnu)\/|^(stdio|stdlib|string|errno|unistd|limits|signal|time|fcntl|features)\.h$/,
    'libc6-dev',
  ],
];
const MAX_FILES = 3000;
const MAX_DEPTH = 4;
const MAX_NAMES = 5;
/** Our own additions to the headers of libbpf are fewer. */
const MANY = 5;

const UNKNOWN =
  /(?:error|warning): (?:unknown type name|use of undeclared identifier|call to undeclared function|implicit declaration of function) '([^']+)'/g;
const NOT_FOUND = /fatal error: '([^']+)' file not found/;
/** What stands where `SEC(...)` is not known. */
const UNKNOWN_SEC =
  /error: (?:expected parameter declarator|expected identifier or '\(')[^\n]*\n\s*(?:\d+ \|\s*)?SEC\(/;

/** One remark each, in the order in which clang complains; none for names that are `explained` already. */
export function explainNames(
  diagnostics: string,
  includes: readonly IncludeDirectory[],
  usesKernelHeader: boolean,
  explained: ReadonlySet<string> = new Set(),
): string[] {
  const names = new Set([...diagnostics.matchAll(UNKNOWN)].map(([, name]) => name!));
  if (UNKNOWN_SEC.test(diagnostics)) names.add('SEC');
  for (const name of explained) names.delete(name);
  if (names.size === 0) return [];
  const remarks: string[] = [];
  const headers = [...headersOf(includes)];
  for (const name of [...names].slice(0, MAX_NAMES)) {
    const found = findDefinition(name, headers);
    if (found === undefined) continue;
    // a macro of user space's headers is not in BTF, and these headers clash with the kernel's own types
    if (usesKernelHeader && found.value !== undefined && !found.header.startsWith('bpf/')) {
      remarks.push(
        `${name} is a macro of <${found.header}>, and macros are not in kernel types: add  #define ${name} ${found.value}`,
      );
    } else remarks.push(`${name} is in <${found.header}>: add  #include <${found.header}>`);
  }
  return remarks;
}

interface Definition {
  /** As in `#include`. */
  readonly header: string;
  /** What a macro without parameters stands for. */
  readonly value: string | undefined;
}

function findDefinition(name: string, headers: readonly Header[]): Definition | undefined {
  if (!/^\w+$/.test(name)) return undefined;
  const macro = new RegExp(`^[ \\t]*#[ \\t]*define[ \\t]+${name}\\b(\\([^)]*\\))?[ \\t]*(.*)$`, 'm');
  const other = new RegExp(
    `^(?:static\\b.*\\b|[a-z].*[\\s*]\\(?\\*?(?:const )?)${name}\\)?\\s*\\(|^\\s+${name}\\s*(?:=|,)|\\}\\s*${name};`,
    'm',
  );
  for (const { name: header, text } of headers) {
    if (!text().includes(name)) continue;
    const match = macro.exec(text());
    if (match !== null) {
      const value = match[2]!.replace(/\s*\/\*.*$|\s*\/\/.*$/, '').trim();
      return { header, value: match[1] === undefined && value !== '' && !value.endsWith('\\') ? value : undefined };
    }
    if (header.startsWith('bpf/') && other.test(text())) return { header, value: undefined };
  }
  return undefined;
}

interface Header {
  readonly name: string;
  readonly text: () => string;
}

function* headersOf(includes: readonly IncludeDirectory[]): Generator<Header> {
  const seen = new Set<string>();
  for (const below of SEARCHED) {
    for (const { path: directory } of includes) {
      for (const file of namesIn(path.join(directory, below))) {
        const place = path.join(directory, below, file);
        if (seen.has(place) || !file.endsWith('.h')) continue;
        seen.add(place);
        let text: string | undefined;
        // the helpers' prototypes are in a file that is not for including
        const name = `${below}/${file}`.replace('bpf_helper_defs', 'bpf_helpers');
        yield { name, text: () => (text ??= readText(place)) };
      }
    }
  }
}

/** Why a file that is included is not found, and where it is. */
export function explainMissingInclude(
  diagnostics: string,
  source: string,
  includes: readonly IncludeDirectory[],
): string | undefined {
  const wanted = NOT_FOUND.exec(diagnostics)?.[1];
  if (wanted === undefined) return undefined;
  const near = findNear(path.dirname(source), wanted);
  if (near !== undefined) return `${path.join(near, wanted)} exists: add  -a -I${near}`;
  const elsewhere = includes
    .map(({ path: directory }) => directory)
    .find((directory) => existsSync(path.join(directory, wanted)));
  if (elsewhere !== undefined) return `it is in ${elsewhere}, which is not searched for this kind of include`;
  const missing = explainPackage(wanted, includes);
  if (missing !== undefined) return missing;
  return `put the directory that holds it on the path with  -a -IDIR`;
}

function explainPackage(wanted: string, includes: readonly IncludeDirectory[]): string | undefined {
  const apt = PACKAGES.find(([header]) => header.test(wanted))?.[1];
  if (apt === undefined) return undefined;
  const [top] = wanted.split('/');
  const others = includes.map(({ path: directory }) => path.join(directory, top!));
  const installed = top === wanted ? undefined : others.find((directory) => namesIn(directory).length > MANY);
  return installed === undefined
    ? `apt install ${apt}   (or your distribution's package that has ${wanted})`
    : `${installed} is there and has no ${wanted.slice(top!.length + 1)}: another version of ${apt} may`;
}

/** A directory below that of the source from which the file would be found. */
function findNear(directory: string, wanted: string): string | undefined {
  let level = [directory];
  let budget = MAX_FILES;
  for (let depth = 0; depth <= MAX_DEPTH && budget > 0; depth++) {
    const next: string[] = [];
    for (const at of level) {
      if (isFile(path.join(at, wanted))) return at;
      for (const name of namesIn(at)) {
        if (--budget <= 0) break;
        if (!name.startsWith('.') && name !== 'node_modules' && isDirectory(path.join(at, name)))
          next.push(path.join(at, name));
      }
    }
    level = next;
  }
  return undefined;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

const isFile = (file: string) => statSync(file, { throwIfNoEntry: false })?.isFile() === true;
const isDirectory = (file: string) => statSync(file, { throwIfNoEntry: false })?.isDirectory() === true;
