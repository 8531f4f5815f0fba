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
  const { execa } = await import('execa');
  const { signal, timeoutMs } = options;
  options.onCommand?.(shellCommand(tool.path, args));
  signal?.throwIfAborted();
  const child = execa(tool.path, args, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
    env: toolEnvironment(options.env),
    extendEnv: false,
    reject: false,
    encoding: 'buffer',
    stripFinalNewline: false,
    maxBuffer: MAX_OUTPUT,
    // a group of its own, so that a wrapper (ccache, a script) is stopped with all that it started
    detached: true,
  });
  const stop = () => killGroup(child);
  let timedOut = false;
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          timedOut = true;
          stop();
        }, timeoutMs);
  signal?.addEventListener('abort', stop);
  const result = await child.finally(() => {
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
  if (result.isMaxBuffer) {
    throw new ToolError('TOOL_FAILED', `${tool.name} printed more than ${MAX_OUTPUT >> 20} MB and was stopped`, {
      details: command,
    });
  }
  if (result.exitCode === undefined) {
    const why =
      result.signal === undefined
        ? result.cause instanceof Error
          ? result.cause.message
          : 'could not be started'
        : `was killed by ${result.signal}`;
    throw new ToolError('TOOL_FAILED', `${tool.path}: ${why}`, {
      details: { ...command, signal: result.signal ?? null },
      cause: result.cause,
    });
  }
  return {
    exitCode: result.exitCode,
    stdout: Buffer.from(result.stdout),
    stderr: Buffer.from(result.stderr).toString('utf8'),
  };
}

function killGroup({ pid }: { readonly pid?: number | undefined }): void {
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
