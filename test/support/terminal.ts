/** A program on a real pseudo terminal, and what its screen looks like in the end. */
import { spawn } from 'node:child_process';

export interface TerminalOptions {
  readonly cwd: string;
  readonly columns: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Ctrl-C is pressed once, when this has been printed. */
  readonly interruptAt?: RegExp;
}

export interface TerminalResult {
  readonly status: number | null;
  /** Everything that was written, as it was written. */
  readonly output: string;
}

/** @param script  path of `script` of util-linux, which makes the terminal */
export function runOnTerminal(
  script: string,
  command: readonly string[],
  { cwd, columns, env, interruptAt }: TerminalOptions,
): Promise<TerminalResult> {
  const quoted = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  const line = `stty rows 24 cols ${columns}; exec ${quoted}`;
  const child = spawn(script, ['-qec', line, '/dev/null'], {
    cwd,
    env: { ...process.env, TERM: 'xterm', LC_ALL: 'C.UTF-8', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let output = '';
  let isInterrupted = false;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (isInterrupted || interruptAt === undefined || !interruptAt.test(output)) return;
    isInterrupted = true;
    child.stdin.write('\x03');
  });
  return new Promise((resolve) => child.on('close', (status) => resolve({ status, output })));
}

/** The lines of a screen that has no end, after all was written: returns, line breaks, wrapping, erased ends of lines. Colours are left out. */
export function screenOf(output: string, columns: number): string[] {
  const lines: string[][] = [[]];
  let column = 0;
  for (const [, sequence, letter] of output.matchAll(/(\x1b\[[0-9;?]*[A-Za-z])|(.)/gsu)) {
    if (sequence !== undefined) {
      if (sequence === '\x1b[K') lines.at(-1)!.length = Math.min(lines.at(-1)!.length, column);
      else if (!sequence.endsWith('m')) throw new Error(`not understood: ${JSON.stringify(sequence)}`);
    } else if (letter === '\r') column = 0;
    else if (letter === '\n') lines.push([]);
    else {
      if (column === columns) {
        lines.push([]);
        column = 0;
      }
      lines.at(-1)![column++] = letter!;
    }
  }
  return lines.map((line) => line.join('').trimEnd());
}
