/** How errors and warnings look: one line each with its code, the help below, JSON on request. Stack traces are for our own bugs only. */
import type { BuildEvent } from '../build/build.ts';
import { assertNever, type EccError, ExitCode, isEccError } from '../core/errors.ts';
import type { Warning } from '../core/warning.ts';
import { onStderr } from './colours.ts';
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
  process.stderr.write(errorText(error, options));
  return isEccError(error) ? error.exitCode : ExitCode.internal;
}

/** An error as it is printed, one of our own bugs with its stack. */
export function errorText(error: unknown, { json, debug }: ReportOptions = {}): string {
  if (isEccError(error)) {
    const text = json ? `${JSON.stringify(error)}\n` : plainError(error);
    return debug && error.stack !== undefined ? `${text}${error.stack}\n` : text;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const bug = { code: 'INTERNAL', message: error instanceof Error ? error.message : String(error), details: { stack } };
  return json
    ? `${JSON.stringify(bug)}\n`
    : `${onStderr.red(onStderr.bold('error[INTERNAL]'))}: this is a bug in ecc\n${stack}\n  help: please report it with the lines above\n`;
}

/** Told by its shape: the class is in the part of the program that is loaded only for a build. */
function isFailures(error: unknown): error is { readonly errors: readonly unknown[] } {
  return error instanceof Error && Array.isArray((error as { errors?: unknown }).errors);
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

function plainError(error: EccError): string {
  const where = error.file === undefined ? '' : `${error.file}: `;
  return `${onStderr.red(onStderr.bold(`error[${error.code}]`))}: ${where}${error.message}\n${help(error.hint)}`;
}

function help(hint: string | undefined): string {
  if (hint === undefined) return '';
  return `${hint
    .split('\n')
    .map((line, index) => (index === 0 ? `  ${onStderr.cyan('help')}: ${line}` : `        ${line}`))
    .join('\n')}\n`;
}

export interface EventOptions extends ReportOptions {
  /** With several sources each line of progress names its source. */
  readonly sources: number;
}

/** Prints what a build tells on standard error. */
export function reportEvent(event: BuildEvent, options: EventOptions): void {
  const text = eventText(event, options);
  if (text !== '') process.stderr.write(text);
}

/** What a build tells as it is printed, empty for what is not. */
export function eventText(event: BuildEvent, options: EventOptions): string {
  switch (event.kind) {
    case 'progress':
      return options.sources > 1 ? `${event.source}: ${event.text}\n` : `${event.text}\n`;
    case 'diagnostics':
      return event.text.endsWith('\n') ? event.text : `${event.text}\n`;
    case 'warning':
      return warningText(event.warning, options);
    case 'reused':
      return reusedLine(event);
    case 'unkept':
      return options.verbose ? `${event.source}: not kept in the cache: ${event.obstacle}\n` : '';
    case 'inputs':
    case 'done':
      return '';
    default:
      return assertNever(event);
  }
}

/** One warning: `file:line: warning[CODE]: what` and, below, what to do. */
function warningText(warning: Warning, options: ReportOptions): string {
  if (options.json) return `${JSON.stringify({ level: 'warning', ...warning })}\n`;
  const place =
    warning.file === undefined
      ? ''
      : `${[warning.file, warning.line, warning.column].filter((part) => part !== undefined).join(':')}: `;
  return `${place}${onStderr.magenta(onStderr.bold(`warning[${warning.code}]`))}: ${warning.message}\n${help(warning.hint)}`;
}
