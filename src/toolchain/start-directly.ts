/** Starting a tool with nothing but Node: a tenth of the time that it takes to load execa. For what every build runs. */
import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { Ended, Started, StartOptions } from './run.ts';

export function start(file: string, args: readonly string[], { cwd, input, env, maxOutput }: StartOptions): Started {
  const child = spawn(file, args, {
    ...(cwd === undefined ? {} : { cwd }),
    env,
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    detached: true,
  });
  // a tool that ends without reading its input is no failure of ours
  child.stdin?.on('error', () => {});
  child.stdin?.end(input);
  let isTooLong = false;
  const stop = () => {
    isTooLong = true;
    child.kill('SIGKILL');
  };
  const stdout = collect(child.stdout!, maxOutput, stop);
  const stderr = collect(child.stderr!, maxOutput, stop);
  const ended = new Promise<Ended>((resolve) => {
    const end = (exitCode: number | null, signal: string | null, failure?: Error) =>
      resolve({
        exitCode: exitCode ?? undefined,
        signal: signal ?? undefined,
        stdout: Buffer.concat(stdout),
        stderr: Buffer.concat(stderr),
        isTooLong,
        failure,
      });
    child.on('error', (error) => end(null, null, error));
    child.on('close', end);
  });
  return { pid: child.pid, ended };
}

function collect(stream: Readable, maxOutput: number, stop: () => void): Buffer[] {
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > maxOutput) stop();
    else chunks.push(chunk);
  });
  return chunks;
}
