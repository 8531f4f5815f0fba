/**
 * Holding a tool back after it has started, at the first file that it reads: a pipe that it inherits, with nothing in it, which ends when the
 * tool may go on. Node has no pipes to give away, only sockets, which cannot be opened by name; a shell has. The pipe also ends when our own
 * process dies, so nothing is left waiting.
 */

const SHELL = '/bin/sh';

/** The tool's name for the pipe. */
export const GATE_FILE = '/proc/self/fd/3';

/**
 * Ends as the tool does, also by a signal. What is to be run comes as arguments: nothing of the user's is read as shell code. Only builtins:
 * there may be no `PATH`.
 */
const SCRIPT = [
  'read -r end | { exec 3<&0 </dev/null; exec "$@"; }',
  'status=$?',
  '[ $status -gt 128 ] && kill -$((status - 128)) $$ 2>/dev/null',
  'exit $status',
].join('\n');

/** What to start instead of a tool: a shell that starts it, and lets it go on when the shell's standard input ends. */
export function behindGate(file: string, args: readonly string[]): [string, readonly string[]] {
  return [SHELL, ['-c', SCRIPT, 'sh', file, ...args]];
}
