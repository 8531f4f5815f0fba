/** Everything that can go wrong comes up to here as an error and leaves as text and exit status. */
import { reportError } from './report.ts';
import { watchStreams } from './streams.ts';

/** Runs what a command line asks for to its end, and sets the exit status. */
export async function toTheEnd(argv: readonly string[], run: () => Promise<void>): Promise<void> {
  const json = argv.includes('--json') || argv.includes('-j');
  const debug = argv.includes('--debug');
  watchStreams({ json, debug });
  try {
    await run();
  } catch (error) {
    process.exitCode = reportError(error, { json, debug });
  }
}
