/** How errors and warnings look: one line each with its code, the help below, JSON on request. Stack traces are for our own bugs only. */
import pc from 'picocolors';
import type { BuildEvent } from '../build/build.ts';
import { assertNever, type EccError, ExitCode, isEccError } from '../core/errors.ts';
import type { Warning } from '../core/warning.ts';
import { reusedLine } from './reused-line.ts';

export interface ReportOptions {
  /** Print errors as one JSON object a line. */
  readonly json?: boolean;
  /** Print stack traces of every error. */
  readonly debug?: boolean;
  /** Say also what only the curious want to know. */
  readonly verbose?: boolean;
}

/** Prints an error on standard error and says with which status to exit. */
export function reportError(error: unknown, options: ReportOptions = {}): number {
  if (isFailures(error)) return Math.max(...error.errors.map((one) => reportError(one, options)));
  if (isAbort(error)) return ExitCode.interrupted;
  if (isEccError(error)) {
    process.stderr.write(options.json ? `${JSON.stringify(error)}\n` : errorText(error));
    if (options.debug && error.stack !== undefined) process.stderr.write(`${error.stack}\n`);
    return error.exitCode;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const bug = { code: 'INTERNAL', message: error instanceof Error ? error.message : String(error), details: { stack } };
  process.stderr.write(
    options.json
      ? `${JSON.stringify(bug)}\n`
      : `${pc.red(pc.bold('error[INTERNAL]'))}: this is a bug in ecc\n${stack}\n  help: please report it with the lines above\n`,
  );
  return ExitCode.internal;
}

/** Told by its shape: the class is in the part of the program that is loaded only for a build. */
function isFailures(error: unknown): error is { readonly errors: readonly unknown[] } {
  return error instanceof Error && Array.isArray((error as { errors?: unknown }).errors);
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

function errorText(error: EccError): string {
  const where = error.file === undefined ? '' : `${error.file}: `;
  return `${pc.red(pc.bold(`error[${error.code}]`))}: ${where}${error.message}\n${help(error.hint)}`;
}

function help(hint: string | undefined): string {
  if (hint === undefined) return '';
  return `${hint
    .split('\n')
    .map((line, index) => (index === 0 ? `  ${pc.cyan('help')}: ${line}` : `        ${line}`))
    .join('\n')}\n`;
}

/** What a build tells, on standard error. With several sources each line of progress names its source. */
export function reportEvent(event: BuildEvent, options: ReportOptions & { readonly sources: number }): void {
  switch (event.kind) {
    case 'progress':
      process.stderr.write(options.sources > 1 ? `${event.source}: ${event.text}\n` : `${event.text}\n`);
      break;
    case 'diagnostics':
      process.stderr.write(event.text.endsWith('\n') ? event.text : `${event.text}\n`);
      break;
    case 'warning':
      reportWarning(event.warning, options);
      break;
    case 'reused':
      process.stderr.write(reusedLine(event));
      break;
    case 'unkept':
      if (options.verbose) process.stderr.write(`${event.source}: not kept in the cache: ${event.obstacle}\n`);
      break;
    case 'done':
      break;
    default:
      assertNever(event);
  }
}

/** One warning: `file:line: warning[CODE]: what` and, below, what to do. */
function reportWarning(warning: Warning, options: ReportOptions = {}): void {
  if (options.json) {
    process.stderr.write(`${JSON.stringify({ level: 'warning', ...warning })}\n`);
    return;
  }
  const place =
    warning.file === undefined
      ? ''
      : `${[warning.file, warning.line, warning.column].filter((part) => part !== undefined).join(':')}: `;
  process.stderr.write(
    `${place}${pc.magenta(pc.bold(`warning[${warning.code}]`))}: ${warning.message}\n${help(warning.hint)}`,
  );
}
