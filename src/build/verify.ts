/**
 * Is a package what its source gives? The source is compiled again with the flags, architecture and kernel types that the package
 * names, and object and metadata are compared; where they differ, so is what the package was made with and what is here.
 */
import { MalformedError, UsageError } from '../core/errors.ts';
import { sha256 } from '../core/hash.ts';
import { canonicalJson } from '../package/canonical.ts';
import { checkBuildInfo } from '../package/check-shape.ts';
import type { BuildInfo, Package } from '../package/schema.ts';
import { readPackage } from '../package/unpack.ts';
import { ARCHITECTURES, type Arch } from '../toolchain/arch.ts';
import { shellCommand } from '../toolchain/run.ts';
import { type CompileOptions, compile } from './compile.ts';

export interface VerifyOptions extends CompileOptions {
  /** Flags in place of those that the package names: it says nothing of where include directories are on this machine. */
  readonly cflags?: readonly string[];
}

export interface Difference {
  /** `object`, `metadata`, or what it was made with: `source a.bpf.c`, `clang`, `ecc`, `kernel types`, `flags`. */
  readonly what: string;
  /** In the package, for people. */
  readonly recorded: string;
  /** What the source gives here. */
  readonly present: string;
}

export interface Verification {
  /** Object and metadata are the same, to the byte. */
  readonly same: boolean;
  /** Between what the package was made with and what is here; none of them need matter. */
  readonly inputs: readonly Difference[];
  /** Between the package and what the source gives. */
  readonly contents: readonly Difference[];
}

/**
 * Compiles the source and compares.
 * @param bytes  the package, JSON or YAML
 * @throws {MalformedError} `PKG_NO_BUILD_INFO` when the package does not say how it was made
 * @throws those of {@link compile}
 */
export async function verifyPackage(
  bytes: Uint8Array,
  source: string,
  options: VerifyOptions = {},
): Promise<Verification> {
  const recorded = await readPackage(bytes);
  const info = recordedInfo(recorded);
  const compiled = await compile(source, {
    ...options,
    cflags: options.cflags ?? recordedFlags(info),
    arch: options.arch ?? recordedArch(info),
    vmlinux: options.vmlinux ?? recordedKernel(info),
  });
  const contents = [...compareContents(recorded, compiled)];
  return { same: contents.length === 0, inputs: [...compareInputs(info, compiled.buildInfo)], contents };
}

function recordedInfo({ buildInfo }: Package): BuildInfo {
  if (buildInfo !== undefined) return checkBuildInfo(buildInfo);
  throw new MalformedError('PKG_NO_BUILD_INFO', 'the package does not say how it was made (no build_info)', {
    hint: 'only packages that ecc wrote can be verified',
  });
}

function recordedArch({ target_arch: name }: BuildInfo): Arch {
  const arch = ARCHITECTURES.find((known) => known === name);
  if (arch !== undefined) return arch;
  throw new UsageError('USAGE_ARCH', `the package was made for ${name}, which is no architecture that is known here`, {
    hint: `known are ${ARCHITECTURES.join(', ')}`,
  });
}

/** A package is from anybody, and clang has flags that load programs or write files. */
const HARMLESS = [
  /^-[DU]\w/,
  /^-O[0-3sz]?$/,
  /^-W(?![pla],)[\w=+-]+$|^-w$/,
  /^-mcpu=\w+$/,
  /^-std=[\w+]+$/,
  /^-(I|iquote|isystem)[^/]/,
  /^-f(no-)?(builtin|unroll-loops|inline|vectorize|slp-vectorize|strict-aliasing|signed-char|unsigned-char|jump-tables|common|merge-all-constants|ms-extensions)$/,
];

/** Flags whose value is the next word, and what that may be. */
const HARMLESS_PAIRS: readonly (readonly [flag: RegExp, value: RegExp])[] = [
  [/^-[DU]$/, /^\w/],
  [/^-(I|iquote|isystem)$/, /^[^/-]/],
];

/** The first flag that could do more than say how the source is compiled. */
function strangeFlag(cflags: readonly string[]): string | undefined {
  for (let i = 0; i < cflags.length; i++) {
    const flag = cflags[i]!;
    if (HARMLESS.some((pattern) => pattern.test(flag))) continue;
    const [, value] = HARMLESS_PAIRS.find(([pattern]) => pattern.test(flag)) ?? [];
    if (value === undefined) return flag;
    const word = cflags[++i];
    if (word === undefined || !value.test(word)) return word === undefined ? flag : `${flag} ${word}`;
  }
  return undefined;
}

function recordedFlags({ cflags }: BuildInfo): readonly string[] {
  const strange = strangeFlag(cflags);
  if (strange === undefined) return cflags;
  throw new UsageError(
    'USAGE_VERIFY_FLAG',
    `the package was made with the flag ${strange}, which is not taken from a package`,
    {
      details: { cflags },
      hint: `if you trust them, give the flags yourself: ${shellCommand('-a', [cflags.join(' ')])}`,
    },
  );
}

/** As `--vmlinux` takes it. */
function recordedKernel({ kernel_headers: kernel }: BuildInfo): string | undefined {
  if (kernel === 'own') return undefined;
  if (kernel === 'host') return kernel;
  const version = /^(\d+(?:\.\d+)*) \w+$/.exec(kernel)?.[1];
  if (version !== undefined) return version;
  throw new UsageError('USAGE_VERIFY_KERNEL', `the package was made with the kernel types of ${kernel}`, {
    details: { kernel },
    hint: 'name that file with --vmlinux FILE',
  });
}

function* compareContents(recorded: Package, present: Pick<Package, 'object' | 'meta'>): Generator<Difference> {
  if (!Buffer.from(recorded.object).equals(present.object))
    yield { what: 'object', recorded: describeBytes(recorded.object), present: describeBytes(present.object) };
  const [left, right] = [recorded.meta, present.meta].map((meta) => JSON.parse(canonicalJson(meta)) as unknown);
  const place = firstDifference(left, right, 'meta');
  if (place !== undefined) yield { what: `metadata, ${place.where}`, recorded: place.left, present: place.right };
}

function* compareInputs(recorded: BuildInfo, present: BuildInfo): Generator<Difference> {
  const digests = new Map(present.sources.map(({ name, sha256 }) => [name, sha256]));
  for (const { name, sha256 } of recorded.sources) {
    const found = digests.get(name);
    digests.delete(name);
    if (found !== sha256)
      yield {
        what: `source ${name}`,
        recorded: short(sha256),
        present: found === undefined ? 'not read' : short(found),
      };
  }
  for (const [name, sha256] of digests) yield { what: `source ${name}`, recorded: 'not read', present: short(sha256) };
  const rest: readonly (readonly [string, string, string])[] = [
    ['clang', recorded.clang, present.clang],
    ['kernel types', recorded.kernel_headers, present.kernel_headers],
    ['architecture', recorded.target_arch, present.target_arch],
    ['flags', recorded.cflags.join(' '), present.cflags.join(' ')],
    ['ecc', recorded.ecc, present.ecc],
  ];
  for (const [what, left, right] of rest) if (left !== right) yield { what, recorded: left, present: right };
}

const short = (digest: string) => `sha256 ${digest.slice(0, 16)}`;

function describeBytes(bytes: Uint8Array): string {
  return `${bytes.length} bytes, ${short(sha256(bytes))}`;
}

/** Depth is bounded: packages that are nested too deep are refused when they are read. */
function firstDifference(
  left: unknown,
  right: unknown,
  where: string,
): { where: string; left: string; right: string } | undefined {
  if (isObject(left) && isObject(right) && Array.isArray(left) === Array.isArray(right)) {
    const keys = [...new Set([...Object.keys(left), ...Object.keys(right)])];
    for (const key of keys) {
      const at = (value: Readonly<Record<string, unknown>>) => (Object.hasOwn(value, key) ? value[key] : undefined);
      const found = firstDifference(at(left), at(right), Array.isArray(left) ? `${where}[${key}]` : `${where}.${key}`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  return Object.is(left, right) ? undefined : { where, left: describeValue(left), right: describeValue(right) };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

const MAX_VALUE = 80;

function describeValue(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE)}…` : text;
}
