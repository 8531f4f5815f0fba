/**
 * Builds again whenever a file changes that went into a source: the source, what it includes, and the places where an included file was
 * looked for. A newer change cancels a build that is under way. The files watched are exactly those, not directories.
 */
import os from 'node:os';
import path from 'node:path';
import type { FSWatcher } from 'chokidar';
import { chosenCache } from '../core/paths.ts';
import { ScanCache } from '../headers/scan/scan-source.ts';
import { type BuildContext, type BuildEvent, type BuildOptions, buildPlan, preparePlans } from './build.ts';
import { openFinished } from './cache/finished-store.ts';
import type { SharedInputs, UserInputs } from './compile.ts';
import { InputFiles } from './input-files.ts';
import type { BuildPlan } from './plan.ts';

/** How one build of one source went. */
export interface WatchResult {
  readonly source: string;
  readonly error: unknown;
  /** What it told besides. */
  readonly events: readonly BuildEvent[];
  readonly durationMs: number;
}

export interface WatchOptions {
  /** Called after each build that was not cancelled. */
  readonly onResult: (result: WatchResult) => void;
  /** Called once when all sources were built and all of their files are watched. */
  readonly onReady?: () => void;
}

/** Editors write a file in several steps, and several files at once. */
const SETTLE_MS = 25;
/** Changes that came before a file was watched, or from another machine, are not told by the kernel: files are looked at now and then. */
const LOOK_MS = 1000;

/**
 * Builds all sources, then goes on until `options.signal` fires.
 * @throws {UsageError} flags that exclude each other, a source that is not there: only at the beginning
 * @throws {DOMException} `AbortError`, always in the end
 */
export async function watchBuild(options: BuildOptions, callbacks: WatchOptions): Promise<never> {
  const plans = await preparePlans(options);
  const { watch } = await import('chokidar');
  const watcher = watch([], { ignoreInitial: true, atomic: false });
  try {
    const scheduler = new Scheduler(plans, options, callbacks, watcher);
    await scheduler.run();
  } finally {
    await watcher.close();
  }
  throw new DOMException('the watch was ended', 'AbortError');
}

/** One source and what is known about it. */
interface Item {
  readonly plan: BuildPlan;
  inputs: UserInputs;
  /** What the last build read. */
  files: InputFiles;
  /** The build under way. */
  running: AbortController | undefined;
  /** A change has been seen that no build has taken in. */
  isDirty: boolean;
}

class Scheduler {
  readonly #items: readonly Item[];
  readonly #options: BuildOptions;
  readonly #callbacks: WatchOptions;
  readonly #watcher: FSWatcher;
  readonly #watched = new Set<string>();
  readonly #scans = new ScanCache();
  readonly #kernels: SharedInputs['kernels'] = new Map();
  #settled: NodeJS.Timeout | undefined;
  #looking: NodeJS.Timeout | undefined;
  #running = 0;
  #isReady = false;
  #fail: ((error: unknown) => void) | undefined;

  constructor(plans: readonly BuildPlan[], options: BuildOptions, callbacks: WatchOptions, watcher: FSWatcher) {
    this.#items = plans.map((plan) => ({
      plan,
      inputs: { files: [plan.source], absent: [] },
      files: new InputFiles(),
      running: undefined,
      isDirty: true,
    }));
    this.#options = options;
    this.#callbacks = callbacks;
    this.#watcher = watcher;
  }

  /** Until the signal fires and the last build has ended. */
  async run(): Promise<void> {
    const { signal } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#fail = reject;
      signal?.addEventListener('abort', () => resolve(), { once: true });
      this.#watcher.on('all', (_, file) => this.#changed(file));
      this.#watcher.on('error', reject);
      this.#watcher.on('ready', () => this.#pump());
      this.#watch();
      this.#looking = setInterval(() => this.#look(), LOOK_MS);
    }).finally(() => {
      clearInterval(this.#looking);
      clearTimeout(this.#settled);
      for (const { running } of this.#items) running?.abort();
    });
  }

  #changed(file: string): void {
    const changed = path.resolve(file);
    for (const item of this.#items) {
      const { files, absent } = item.inputs;
      const isInput = [...files, ...absent].some((input) => path.resolve(input) === changed);
      // it may be the change that a build has been started for already
      if (isInput && !item.files.isSteady(changed)) this.#invalidate(item);
    }
  }

  #look(): void {
    for (const item of this.#items) {
      if (!item.isDirty && item.running === undefined && !item.files.areSteady()) this.#invalidate(item);
    }
  }

  #invalidate(item: Item): void {
    item.isDirty = true;
    item.running?.abort();
    clearTimeout(this.#settled);
    this.#settled = setTimeout(() => this.#pump(), SETTLE_MS);
  }

  #pump(): void {
    for (const item of this.#items) {
      if (this.#running >= os.availableParallelism()) return;
      if (!item.isDirty || item.running !== undefined || this.#options.signal?.aborted) continue;
      item.isDirty = false;
      this.#running++;
      void this.#build(item)
        .catch((error: unknown) => this.#fail?.(error))
        .finally(() => {
          item.running = undefined;
          this.#running--;
          this.#pump();
          this.#tellReady();
        });
    }
  }

  #tellReady(): void {
    if (this.#isReady || this.#running > 0 || this.#items.some(({ isDirty }) => isDirty)) return;
    this.#isReady = true;
    this.#callbacks.onReady?.();
  }

  async #build(item: Item): Promise<void> {
    const controller = new AbortController();
    item.running = controller;
    const { signal } = this.#options;
    const files = new InputFiles();
    item.files = files;
    const events: BuildEvent[] = [];
    const options: BuildOptions = {
      ...this.#options,
      signal: signal === undefined ? controller.signal : AbortSignal.any([controller.signal, signal]),
      onEvent: (event) => {
        if (event.kind === 'inputs') {
          item.inputs = event;
          this.#watch();
        } else events.push(event);
      },
    };
    const usedCache = chosenCache(options.cacheDir);
    const shared = { usedCache, files, scans: this.#scans, kernels: this.#kernels, idleWork: [] };
    const context: BuildContext = { options, shared, store: openFinished(options) };
    const start = performance.now();
    const error: unknown = await buildPlan(item.plan, context).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    // what became of a cancelled build is of no interest
    if (options.signal?.aborted) return;
    this.#callbacks.onResult({ source: item.plan.source, error, events, durationMs: performance.now() - start });
  }

  /** Makes the watched files those of all sources. */
  #watch(): void {
    const wanted = new Set(
      this.#items.flatMap(({ inputs }) => [...inputs.files, ...inputs.absent]).map((file) => path.resolve(file)),
    );
    const added = [...wanted].filter((file) => !this.#watched.has(file));
    const removed = [...this.#watched].filter((file) => !wanted.has(file));
    for (const file of added) this.#watched.add(file);
    for (const file of removed) this.#watched.delete(file);
    if (added.length > 0) this.#watcher.add(added);
    if (removed.length > 0) this.#watcher.unwatch(removed);
  }
}
