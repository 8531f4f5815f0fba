/**
 * BTF from where Linux keeps it: files, the running kernel, its modules. The only file of this folder that reads files. All is
 * synchronous, as parsing is: a kernel's 5 MB take less time to read than to index.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { inFile, UnsupportedError, UsageError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import { inputError } from '../core/read-input.ts';
import { openBtf } from './open.ts';
import type { Btf, ParseBtfOptions } from './table.ts';

/** Where the running kernel shows its BTF, one file for itself and one a module. */
const HOST_BTF = '/sys/kernel/btf';
const KERNEL = 'vmlinux';

/**
 * Opens a file as {@link openBtf} opens bytes: raw BTF or ELF. Errors name the file.
 * @throws {UsageError} `USAGE_NO_FILE` when it does not exist or is a directory
 * @throws {IoError} `IO_READ_FAILED`
 * @throws {MalformedError} `BTF_*`, `ELF_*`
 */
export function readBtf(file: string, options: ParseBtfOptions = {}): Btf {
  return readFile(file, options, (error) => {
    throw inputError(file, error);
  });
}

/**
 * The BTF of the running kernel.
 * @throws {UnsupportedError} `UNSUP_KERNEL_BTF` when it has none
 */
export function readHostBtf(): Btf {
  return readFile(`${HOST_BTF}/${KERNEL}`, {}, (error) => {
    if (!isMissing(error)) throw inputError(`${HOST_BTF}/${KERNEL}`, error);
    throw new UnsupportedError('UNSUP_KERNEL_BTF', `this kernel has no BTF: there is no ${HOST_BTF}/${KERNEL}`, {
      hint: 'it needs a kernel built with CONFIG_DEBUG_INFO_BTF=y, and sysfs mounted on /sys',
    });
  });
}

/** The modules of the running kernel that have BTF of their own, sorted; none without BTF. */
export function listBtfModules(): string[] {
  try {
    return readdirSync(HOST_BTF)
      .filter((name) => name !== KERNEL)
      .sort();
  } catch (error) {
    if (isMissing(error)) return [];
    throw inputError(HOST_BTF, error);
  }
}

/**
 * The BTF of a loaded module, split: its ids continue those of the kernel, so that all of the kernel's types are in it too.
 * @param name  as `lsmod` shows it; `-` is taken for `_`, as by modprobe
 * @param options.base  the kernel's, when it is open already. Default: {@link readHostBtf}.
 * @throws {UsageError} `USAGE_MODULE` when no such module is loaded, or it has no BTF of its own (what is built into the kernel)
 */
export function readModuleBtf(name: string, options: { readonly base?: Btf } = {}): Btf {
  const module = name.replaceAll('-', '_');
  if (!/^\w+$/.test(module) || module === KERNEL) throw noModule(name, module);
  const { base = readHostBtf() } = options;
  const file = `${HOST_BTF}/${module}`;
  return readFile(file, { base }, (error) => {
    throw isMissing(error) ? noModule(name, module) : inputError(file, error);
  });
}

function noModule(name: string, module: string): UsageError {
  const close = nearest(module, listBtfModules());
  return new UsageError('USAGE_MODULE', `the running kernel shows no BTF of a module ${name}`, {
    details: { name, close },
    hint:
      close.length > 0
        ? `close to it: ${close.join(', ')}`
        : 'load it with modprobe; what is built into the kernel is in the BTF of the kernel itself',
  });
}

function readFile(file: string, options: ParseBtfOptions, onError: (error: unknown) => never): Btf {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    return onError(error);
  }
  return inFile(file, () => openBtf(bytes, options));
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
