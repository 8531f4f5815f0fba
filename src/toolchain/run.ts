/**
 * Running a tool: arguments as an array, no shell, a cleaned environment, an optional time limit, cancellable. What a failure
 * means is for the caller; here only "could not be started", "killed" and "took too long" are errors.
 */
import { ToolError } from '../core/errors.ts';

export interface RunOptions {
  readonly cwd?: string;
  /** Text for standard input; nothing by default. */
  readonly input?: string;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds; no limit by default. */
  readonly timeoutMs?: number | undefined;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Told each command line before it runs. */
  readonly onCommand?: ((command: string) => void) | undefined;
  /** Every build waits for it, so it is started without loading execa, which takes as long as running clang. */
  readonly isUrgent?: boolean;
}

export interface RunResult {
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Variables through which a user's environment would silently change what clang reads or does. */
const DROPPED = ['CPATH', 'C_INCLUDE_PATH', 'CPLUS_INCLUDE_PATH', 'OBJC_INCLUDE_PATH', 'CCC_OVERRIDE_OPTIONS'];
/** Diagnostics that go on for longer than this are a runaway program, not something to read. */
const MAX_OUTPUT = 512 * 1024 * 1024;

/** The environment that tools get: without what would change clang's input, with messages in plain English. */
export function toolEnvironment(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || DROPPED.includes(name) || name.startsWith('CLANG_CONFIG') || name.startsWith('LC_'))
      continue;
    kept[name] = value;
  }
  kept.LC_ALL = 'C';
  return kept;
}

/**
 * @throws {ToolError} `TOOL_FAILED` when it cannot be started or dies of a signal, `TOOL_TIMEOUT` when it takes longer than
 *   `timeoutMs`.
 * @throws {DOMException} `AbortError` when `signal` fires.
 */
export async function runTool(
  tool: { readonly name: string; readonly path: string },
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const { signal, timeoutMs } = options;
  const { start } = await (options.isUrgent ? import('./start-directly.ts') : import('./start-with-execa.ts'));
  options.onCommand?.(shellCommand(tool.path, args));
  signal?.throwIfAborted();
  const { pid, ended } = start(tool.path, args, {
    cwd: options.cwd,
    input: options.input,
    env: toolEnvironment(options.env),
    maxOutput: MAX_OUTPUT,
  });
  const stop = () => killGroup(pid);
  let timedOut = false;
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          timedOut = true;
          stop();
        }, timeoutMs);
  signal?.addEventListener('abort', stop);
  const result = await ended.finally(() => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
  });
  signal?.throwIfAborted();
  const command = { command: [tool.path, ...args] };
  if (timedOut) {
    throw new ToolError('TOOL_TIMEOUT', `${tool.name} did not finish within ${timeoutMs} ms and was stopped`, {
      details: command,
      hint: 'give it more with --timeout SECONDS, or look whether the tool hangs by itself',
    });
  }
  if (result.isTooLong) {
    throw new ToolError('TOOL_FAILED', `${tool.name} printed more than ${MAX_OUTPUT >> 20} MB and was stopped`, {
      details: command,
    });
  }
  if (result.exitCode === undefined) {
    const why =
      result.signal === undefined
        ? (result.failure?.message ?? 'could not be started')
        : `was killed by ${result.signal}`;
    throw new ToolError('TOOL_FAILED', `${tool.path}: ${why}`, {
      details: { ...command, signal: result.signal ?? null },
      ...(result.signal === 'SIGKILL' ? { hint: 'the machine, or the container, may be out of memory' } : {}),
      cause: result.failure,
    });
  }
  return { exitCode: result.exitCode, stdout: result.stdout, stderr: result.stderr.toString('utf8') };
}

/** A program that was started, in a process group of its own, so that a wrapper (ccache, a script) is stopped with all that it started. */
export interface Started {
  readonly pid: number | undefined;
  /** Never rejects. */
  readonly ended: Promise<Ended>;
}

export interface StartOptions {
  readonly cwd: string | undefined;
  readonly input: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  /** Bytes of each stream after which it is stopped. */
  readonly maxOutput: number;
}

export interface Ended {
  /** `undefined` when it could not be started or was killed. */
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  readonly isTooLong: boolean;
  /** Why it could not be started. */
  readonly failure: Error | undefined;
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // it has ended by itself
  }
}

/** A command line that can be pasted into a shell, for hints. */
export function shellCommand(command: string, args: readonly string[]): string {
  return [command, ...args]
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(' ');
}
