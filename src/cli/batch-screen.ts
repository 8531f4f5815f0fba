/**
 * What a build of several sources shows, or one that goes through an archive of kernels. On a terminal: one line that is drawn again,
 * `[####----] 12/26 name`, and in the end how it went; elsewhere a line for each step, as a log. In both, the messages of
 * each source together, in the order of the sources.
 */
import type { BuildEvent, Steps } from '../build/build.ts';
import { type EventOptions, eventText, type ReportOptions } from './report.ts';

const CLEAR = '\r\x1b[K';
const MOST_CELLS = 24;
/** Of a terminal that does not say. */
const COLUMNS = 80;

export class BatchScreen {
  readonly #sources: readonly string[];
  readonly #columns: (() => number | undefined) | undefined;
  readonly #options: EventOptions;
  /** What sources have said while one before them is not done. */
  readonly #held: string[];
  /** The first source that is not done. */
  #front = 0;
  readonly #done = new Set<string>();
  /** What is under way, by source. */
  readonly #running = new Map<string, string>();
  #steps: Steps | undefined;
  readonly #reused = new Set<string>();
  #failures = 0;
  #bar = '';

  /**
   * @param sources  in the order in which their messages are shown; one only with a job of many steps
   * @param columns  width of the terminal; `undefined` where there is none
   */
  constructor(sources: readonly string[], columns: (() => number | undefined) | undefined, options: ReportOptions) {
    this.#sources = sources;
    this.#columns = columns;
    this.#options = { ...options, sources: sources.length };
    this.#held = sources.map(() => '');
  }

  /** The text to print for an event. */
  add(event: BuildEvent): string {
    if (event.kind === 'done') this.#finish(event.source, event.error !== undefined);
    if (this.#columns === undefined && (event.kind === 'progress' || event.kind === 'reused'))
      return eventText(event, this.#options);
    if (event.kind === 'progress') {
      // a single source's steps are lines, until there are many of a kind
      if (this.#sources.length === 1 && event.steps === undefined) return this.#draw(eventText(event, this.#options));
      this.#steps = event.steps;
      this.#running.set(event.source, event.steps === undefined ? '' : event.text);
    } else if (event.kind === 'reused') {
      if (this.#sources.length === 1) return this.#draw(eventText(event, this.#options));
      this.#reused.add(event.source);
    } else {
      this.#held[this.#sources.indexOf(event.source)] += eventText(event, this.#options);
    }
    return this.#draw(this.#messages());
  }

  /** The text to print when nothing more comes, also before all is done: what was held back, on a clean line. */
  end(): string {
    this.#front = this.#sources.length;
    const messages = this.#held.splice(0).join('');
    this.#running.clear();
    this.#steps = undefined;
    const all = this.#done.size > 0 && this.#done.size === this.#sources.length;
    return this.#draw(messages) + (all && this.#columns !== undefined ? `${this.#summary()}\n` : '');
  }

  #finish(source: string, isFailure: boolean): void {
    this.#done.add(source);
    this.#running.delete(source);
    if (isFailure) this.#failures++;
  }

  /** What can be shown now that nothing before it is missing. */
  #messages(): string {
    let text = '';
    for (; this.#front < this.#sources.length; this.#front++) {
      text += this.#held[this.#front];
      this.#held[this.#front] = '';
      if (!this.#done.has(this.#sources[this.#front]!)) break;
    }
    return text;
  }

  /** The text above the bar, and the bar as it now is. */
  #draw(text: string): string {
    if (this.#columns === undefined) return text;
    const bar = this.#line(this.#columns() || COLUMNS);
    if (text === '' && bar === this.#bar) return '';
    const clear = this.#bar === '' ? '' : CLEAR;
    this.#bar = bar;
    return clear + text + bar;
  }

  /** Never as wide as the terminal: a line that wraps cannot be drawn again. */
  #line(columns: number): string {
    if (this.#running.size === 0) return '';
    const several = this.#sources.length > 1;
    const [source, text] = [...this.#running].at(-1)!;
    const done = several ? this.#done.size : (this.#steps?.done ?? 0);
    const total = several ? this.#sources.length : (this.#steps?.total ?? 0);
    const name = several ? [source, text].filter((part) => part !== '').join(': ') : (this.#steps?.name ?? '');
    const cells = Math.min(MOST_CELLS, Math.floor(columns / 3));
    const full = total === 0 ? 0 : Math.floor((cells * done) / total);
    const count = `${done}/${total}`;
    const bar = `[${'#'.repeat(full)}${'-'.repeat(cells - full)}] ${count}`;
    const start = bar.length < columns - 8 ? bar : count;
    return start.length < columns ? `${start}${cut(name, columns - 2 - start.length)}` : '';
  }

  #summary(): string {
    const parts = [
      [this.#done.size - this.#reused.size - this.#failures, 'built'],
      [this.#reused.size, 'up to date'],
      [this.#failures, 'failed'],
    ] as const;
    const text = parts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
    return `${this.#sources.length} sources: ${text.join(', ')}`;
  }
}

/** A blank and the end of a name, in at most `width` + 1 columns; letters beyond ASCII may be two columns wide. */
function cut(name: string, width: number): string {
  const letters = Array.from(name, (letter) => (/[\x20-\x7e]/.test(letter) || letter > '\x9f' ? letter : '?'));
  const columns = (letter: string) => (letter > '\x7e' ? 2 : 1);
  let used = letters.reduce((sum, letter) => sum + columns(letter), 0);
  if (used <= width) return name === '' ? '' : ` ${letters.join('')}`;
  let start = 0;
  while (start < letters.length && used + 3 > width) used -= columns(letters[start++]!);
  return width < 8 ? '' : ` ...${letters.slice(start).join('')}`;
}
