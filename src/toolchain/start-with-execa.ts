/** Starting a tool with execa, which knows most about what can go wrong. */
import { execa } from 'execa';
import type { Started, StartOptions } from './run.ts';

export function start(file: string, args: readonly string[], { cwd, input, env, maxOutput }: StartOptions): Started {
  const child = execa(file, args, {
    ...(cwd === undefined ? {} : { cwd }),
    ...(input === undefined ? { stdin: 'ignore' as const } : { input }),
    env,
    extendEnv: false,
    reject: false,
    encoding: 'buffer',
    stripFinalNewline: false,
    maxBuffer: maxOutput,
    detached: true,
  });
  const ended = child.then((result) => ({
    exitCode: result.exitCode,
    signal: result.signal,
    stdout: Buffer.from(result.stdout),
    stderr: Buffer.from(result.stderr),
    isTooLong: result.isMaxBuffer,
    failure: result.cause instanceof Error ? result.cause : undefined,
  }));
  return { pid: child.pid, ended };
}
