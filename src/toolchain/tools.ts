/**
 * The system tools that a build can need, where they are looked for, and what they are for. Finding is by flag, environment
 * variable, then `PATH` (plain name, then the newest `-N` suffix), then the directories where distributions hide tools from
 * normal users. Nothing is run here, except to ask a versioned clang whether it has the bpf target.
 */
import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { namesIn } from '../core/directory.ts';
import { ToolError } from '../core/errors.ts';

export type ToolName = 'clang' | 'llvm-strip' | 'bpftool';

interface ToolDescription {
  /** The flag that names it on the command line. */
  readonly flag: string;
  /** The environment variable that names it. */
  readonly variable: string;
  readonly purpose: string;
  /** Package that holds it, by package manager. */
  readonly packages: Readonly<Record<PackageManager, string>>;
  /** Versioned names (`clang-19`) exist. */
  readonly versioned: boolean;
}

export type PackageManager = 'apt' | 'dnf' | 'pacman' | 'apk';

export const INSTALL_COMMANDS: Readonly<Record<PackageManager, string>> = {
  apt: 'apt install',
  dnf: 'dnf install',
  pacman: 'pacman -S',
  apk: 'apk add',
};

export const TOOLS: Readonly<Record<ToolName, ToolDescription>> = {
  clang: {
    flag: '--clang-bin',
    variable: 'CLANG',
    purpose: 'compiles the program, reads its doc comments',
    packages: { apt: 'clang', dnf: 'clang', pacman: 'clang', apk: 'clang' },
    versioned: true,
  },
  'llvm-strip': {
    flag: '--llvm-strip-bin',
    variable: 'LLVM_STRIP',
    purpose: 'removes debug information where ecc is told to leave it to the tool',
    packages: { apt: 'llvm', dnf: 'llvm', pacman: 'llvm', apk: 'llvm' },
    versioned: true,
  },
  bpftool: {
    flag: '--bpftool-bin',
    variable: 'BPFTOOL',
    purpose: 'shrinks BTF archives (only for --btfgen)',
    packages: { apt: 'bpftool', dnf: 'bpftool', pacman: 'bpf', apk: 'bpftool' },
    versioned: false,
  },
};

const HIDDEN_DIRECTORIES = ['/usr/local/sbin', '/usr/sbin', '/sbin'];
/** Oldest and newest versioned names that are tried. */
const VERSIONS = { newest: 30, oldest: 10 };

export interface Tool {
  readonly name: ToolName;
  /** As it will be run: an absolute path, or what the user gave. */
  readonly path: string;
  /** With symbolic links resolved: part of every cache key. */
  readonly realPath: string;
  /** How it was found: `--clang-bin`, `$CLANG`, `PATH`, or a directory. */
  readonly via: string;
}

export interface FindOptions {
  /** From the command line. */
  readonly explicit?: string | undefined;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** For llvm-strip: the clang whose version suffix and directory are preferred. */
  readonly beside?: Tool | undefined;
  /** Extra directory that is searched first: the `bin/` of a workspace. */
  readonly firstDirectory?: string | undefined;
  /** Says whether a versioned clang can compile for bpf; asked only when there is no plain `clang`. */
  readonly accepts?: (path: string) => boolean;
  /** Takes the places that were passed over, in order: another tool is found once there is one. */
  readonly passed?: string[] | undefined;
}

/** @throws {ToolError} `TOOL_MISSING`, saying where it was looked for and how to install it. */
export function getTool(name: ToolName, options: FindOptions = {}): Tool {
  const tool = findTool(name, options);
  if (tool !== undefined) return tool;
  throw missing(name);
}

/**
 * @returns `undefined` when it is nowhere.
 * @throws {ToolError} `TOOL_MISSING` when flag or variable name something that cannot be run: no other is taken silently.
 */
export function findTool(name: ToolName, options: FindOptions = {}): Tool | undefined {
  const { env = process.env, passed = [] } = options;
  const { flag, variable } = TOOLS[name];
  const directories = (env.PATH ?? '').split(path.delimiter).filter((directory) => directory !== '');
  const named = options.explicit ?? (env[variable] || undefined);
  if (named !== undefined) {
    const via = options.explicit === undefined ? `$${variable}` : flag;
    const places = named.includes('/') ? [named] : directories.map((directory) => path.join(directory, named));
    const found = firstExecutable(places, passed);
    if (found === undefined) {
      throw new ToolError('TOOL_MISSING', `${name}: ${via} names ${named}, which is not a program that can be run`, {
        details: { tool: name, via, path: named },
        hint: `give ${flag} the path of ${name}, or leave it out to have it found`,
      });
    }
    return describe(name, found, via);
  }
  for (const { candidates, via, accepts } of searches(name, directories, options)) {
    const found = firstExecutable(candidates, passed, accepts);
    if (found !== undefined) return describe(name, found, via);
  }
  return undefined;
}

function* searches(
  name: ToolName,
  directories: readonly string[],
  { beside, firstDirectory, accepts }: FindOptions,
): Generator<{ candidates: readonly string[]; via: string; accepts?: FindOptions['accepts'] }> {
  if (firstDirectory !== undefined) yield { candidates: [path.join(firstDirectory, name)], via: firstDirectory };
  if (beside !== undefined) {
    const suffix = /-\d+$/.exec(path.basename(beside.path))?.[0];
    const own = path.dirname(beside.realPath);
    if (suffix !== undefined) {
      const near = [path.dirname(beside.path), ...directories].map((directory) => path.join(directory, name + suffix));
      yield { candidates: [path.join(own, name), ...near], via: `beside ${beside.path}` };
    }
  }
  yield { candidates: directories.map((directory) => path.join(directory, name)), via: 'PATH' };
  if (TOOLS[name].versioned) {
    const names: string[] = [];
    for (let version = VERSIONS.newest; version >= VERSIONS.oldest; version--) names.push(`${name}-${version}`);
    const candidates = names.flatMap((versioned) => directories.map((directory) => path.join(directory, versioned)));
    yield { candidates, via: 'PATH', accepts };
  }
  for (const directory of HIDDEN_DIRECTORIES) yield { candidates: [path.join(directory, name)], via: directory };
  for (const directory of linuxTools()) yield { candidates: [path.join(directory, name)], via: directory };
}

/** Ubuntu's `/usr/lib/linux-tools*`, with a directory a kernel in some releases; newest first. */
function linuxTools(): string[] {
  const list = (directory: string) => namesIn(directory).reverse();
  const tops = list('/usr/lib').filter((entry) => entry.startsWith('linux-tools'));
  return tops.flatMap((top) => {
    const directory = path.join('/usr/lib', top);
    return [directory, ...list(directory).map((entry) => path.join(directory, entry))];
  });
}

/** @param passed  takes those before it */
function firstExecutable(
  candidates: readonly string[],
  passed: string[],
  accepts: (file: string) => boolean = () => true,
): string | undefined {
  for (const candidate of candidates) {
    if (isExecutable(candidate) && accepts(candidate)) return candidate;
    passed.push(candidate);
  }
  return undefined;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function describe(name: ToolName, file: string, via: string): Tool {
  return { name, path: path.resolve(file), realPath: realpathSync(file), via };
}

/** The line that installs a tool with the package manager of this machine, or with apt where none is known. */
export function installHint(name: ToolName): string {
  const manager = (Object.keys(INSTALL_COMMANDS) as PackageManager[]).find((manager) =>
    ['/usr/bin', '/sbin', '/usr/sbin', '/bin'].some((directory) => isExecutable(path.join(directory, manager))),
  );
  return `${INSTALL_COMMANDS[manager ?? 'apt']} ${TOOLS[name].packages[manager ?? 'apt']}`;
}

function missing(name: ToolName): ToolError {
  const { flag, variable, versioned } = TOOLS[name];
  const names = versioned ? `${name}, ${name}-${VERSIONS.newest} … ${name}-${VERSIONS.oldest}` : name;
  return new ToolError(
    'TOOL_MISSING',
    `${name} not found (looked for: ${flag}, $${variable}, ${names} on PATH, ${HIDDEN_DIRECTORIES.join(', ')})`,
    {
      details: { tool: name },
      hint: `${installHint(name)}   or pass ${flag} PATH`,
    },
  );
}
