/** Standard output and error that fail: a reader that has seen enough, a full disk, a terminal that is gone. */
import { ExitCode, IoError } from '../core/errors.ts';
import { reasonOf } from '../core/system-error.ts';
import { type ReportOptions, reportError } from './report.ts';

/** Codes of a reader that is gone: `ecc vmlinux | head` ends early, and that is no error. Sockets say it in their own way. */
const READER_GONE = new Set(['EPIPE', 'ECONNRESET']);

/** Nobody to tell about progress is no reason not to build; output that is lost is an error. */
export function watchStreams(options: ReportOptions): void {
  process.stderr.on('error', () => {});
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    const code = error.code ?? '';
    if (READER_GONE.has(code)) process.exit(ExitCode.ok);
    const lost = new IoError('IO_WRITE_FAILED', `cannot be written: ${reasonOf(code)}`, {
      details: { errno: code },
      cause: error,
    });
    process.exit(reportError(lost.in('standard output'), options));
  });
}
