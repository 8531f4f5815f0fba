/**
 * The errors that a user may see. One class a kind of failure; each knows its exit code, so that no caller has to map
 * anything. Callers branch on `code`, never on message text, and test with {@link isEccError}, which also works when two
 * copies of the package are loaded (a brand, not `instanceof`).
 */

const BRAND = Symbol.for('ebpf-ecc.error');

/** What exit status each kind of failure gives. */
export const ExitCode = {
  ok: 0,
  /** `ecc verify`: the package is not what its source gives. */
  differs: 1,
  usage: 2,
  tool: 3,
  compile: 4,
  malformed: 5,
  unsupported: 6,
  load: 7,
  internal: 70,
  io: 74,
  interrupted: 130,
} as const;

export interface ErrorOptions {
  /** Facts for programs: plain JSON values only. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** What the user can do about it; one line or several. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** Base of all errors that are the user's to see. */
export abstract class EccError extends Error {
  /** @internal */
  readonly [BRAND] = true;
  abstract readonly exitCode: number;
  readonly code: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly hint: string | undefined;
  /** The file that the error is about, as the user named it; added once, on the way up. */
  file: string | undefined;

  constructor(code: string, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.details = options.details ?? {};
    this.hint = options.hint;
  }

  /** Names the file that the error is about, unless a deeper level already did. */
  in(file: string): this {
    this.file ??= file;
    return this;
  }

  toJSON(): Record<string, unknown> {
    const { code, message, details, hint, file } = this;
    return { code, message, ...(file === undefined ? {} : { file }), details, ...(hint === undefined ? {} : { hint }) };
  }
}

/** A bad flag, a missing source, a bad configuration. */
export class UsageError extends EccError {
  readonly exitCode = ExitCode.usage;
}

/** A tool (clang, llvm-strip, bpftool, libbpf) is absent, too old, or broke down. */
export class ToolError extends EccError {
  readonly exitCode = ExitCode.tool;
}

/** clang ran and refused the program. */
export class CompileError extends EccError {
  readonly exitCode = ExitCode.compile;
}

/** Bytes break their format. */
export class MalformedError extends EccError {
  readonly exitCode = ExitCode.malformed;
}

/** Valid, but not handled here. */
export class UnsupportedError extends EccError {
  readonly exitCode = ExitCode.unsupported;
}

/** The kernel, the verifier or a permission refused at run time. */
export class LoadError extends EccError {
  readonly exitCode = ExitCode.load;
}

/** The file system refuses: no space, no permission, a broken device. */
export class IoError extends EccError {
  readonly exitCode = ExitCode.io;
}

/** True for every error of this package, also one from another loaded copy of it. */
export function isEccError(error: unknown): error is EccError {
  return typeof error === 'object' && error !== null && (error as { [BRAND]?: true })[BRAND] === true;
}

/** Runs `body`; an {@link EccError} that leaves it, or that its promise rejects with, names `file`. */
export function inFile<T>(file: string, body: () => T): T {
  const named = (error: unknown): never => {
    throw isEccError(error) ? error.in(file) : error;
  };
  try {
    const result = body();
    return result instanceof Promise ? (result.catch(named) as T) : result;
  } catch (error) {
    return named(error);
  }
}

/** For `default:` in exhaustive switches. */
export function assertNever(value: never): never {
  throw new Error(`unexpected value ${String(value)}`);
}
