/** Running programs in tests: arguments as an array, output as text, no exception for a status that is not 0. */
import { execFile } from 'node:child_process';
import { noteOutput } from './messages.ts';

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string;
  /** Milliseconds; 60,000 by default. */
  readonly timeoutMs?: number;
}

export interface CommandResult {
  /** 128 + n when a signal ended it; 127 when it could not be started. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export function run(command: string, args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const { cwd, env, input, timeoutMs = 60_000 } = options;
  return new Promise((resolve) => {
    const child = execFile(
      command,
      [...args],
      {
        ...(cwd === undefined ? {} : { cwd }),
        env: { ...process.env, LC_ALL: 'C', ...env },
        maxBuffer: 256 << 20,
        timeout: timeoutMs,
        killSignal: 'SIGKILL',
      },
      (error, stdout, stderr) => {
        noteOutput(stderr);
        if (error === null) resolve({ status: 0, stdout, stderr });
        else if (typeof error.code === 'number') resolve({ status: error.code, stdout, stderr });
        else if (error.signal) {
          const why = error.killed ? `${command}: stopped after ${timeoutMs} ms\n` : '';
          resolve({ status: 128 + 9, stdout, stderr: stderr + why });
        } else resolve({ status: 127, stdout, stderr: `${stderr}${error.message}\n` });
      },
    );
    // A program that ends without reading its input is no failure of the test.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input ?? '');
  });
}

/** As {@link run}; throws with everything that was printed unless the status is 0. */
export async function runOk(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const result = await run(command, args, options);
  if (result.status !== 0) {
    throw new Error(`${command} ${args.join(' ')}\nexited with ${result.status}\n${result.stderr}${result.stdout}`);
  }
  return result;
}
