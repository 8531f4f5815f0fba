/**
 * What `--watch` shows: a line for each build, and below it the messages of all sources as they now stand, so that an error can be read
 * until it is fixed. On a terminal each build begins with an empty screen; elsewhere lines follow each other, as a log.
 */
import type { WatchResult } from '../build/watch.ts';
import { onStderr } from './colours.ts';
import { type EventOptions, errorText, eventText, type ReportOptions } from './report.ts';

const CLEAR = '\x1b[2J\x1b[3J\x1b[H';

export class WatchScreen {
  readonly #isTerminal: boolean;
  readonly #options: ReportOptions;
  readonly #messages = new Map<string, string>();

  /** @param sources  in the order in which their messages are shown */
  constructor(sources: readonly string[], isTerminal: boolean, options: ReportOptions) {
    this.#isTerminal = isTerminal;
    this.#options = options;
    for (const source of sources) this.#messages.set(source, '');
  }

  /** The text to print for one more build. */
  add(result: WatchResult, now: Date = new Date()): string {
    const messages = this.#messagesOf(result);
    const before = [...this.#messages.values()].join('');
    this.#messages.set(result.source, messages);
    const line = `${onStderr.dim(now.toTimeString().slice(0, 8))} ${statusLine(result)}\n`;
    if (!this.#isTerminal) return line + messages;
    const standing = [...this.#messages.values()].join('');
    // lines of builds without messages may add up; a message that is gone must not stay
    return `${before === '' ? '' : CLEAR}${line}${standing}`;
  }

  #messagesOf({ error, events }: WatchResult): string {
    const options: EventOptions = { ...this.#options, sources: 1 };
    const told = events.filter(({ kind }) => kind === 'diagnostics' || kind === 'warning' || kind === 'unkept');
    const text = told.map((event) => eventText(event, options)).join('');
    return error === undefined ? text : text + errorText(error, options);
  }
}

function statusLine({ source, error, events, durationMs }: WatchResult): string {
  const time = `${Math.round(durationMs)} ms`;
  if (error !== undefined) return `${source}: ${onStderr.red('failed')} after ${time}`;
  const reused = events.find((event) => event.kind === 'reused');
  if (reused === undefined) return `${source}: ${onStderr.green('built')} in ${time}`;
  return reused.restored ? `${source}: restored from the cache in ${time}` : `${source}: up to date, ${time}`;
}
