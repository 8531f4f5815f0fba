/**
 * Waiting for a file descriptor to have something to read, on Node's own event loop: libuv watches the descriptor, no thread
 * waits and nothing is held up. koffi offers libuv's poll handles without documenting them, so where they are absent a timer
 * looks every few milliseconds instead.
 */
import type { Native } from './native.ts';

/** How often a descriptor is looked at where libuv's handles are not to be had. */
const FALLBACK_INTERVAL_MS = 5;

interface PollHandle {
  start(callback: () => void): void;
  stop(): void;
  close(): void;
}

export interface Poller {
  /**
   * Resolves when the descriptor may have something to read, or {@link wake} or {@link close} was called. The process stays alive
   * while somebody waits.
   */
  wait(): Promise<void>;
  wake(): void;
  close(): void;
}

export function createPoller(native: Native, fd: number): Poller {
  const handle = pollHandle(native, fd);
  const waiting: (() => void)[] = [];
  let closed = false;
  const settle = () => {
    if (waiting.length === 0) return;
    handle.stop();
    for (const resolve of waiting.splice(0)) resolve();
  };
  return {
    wait() {
      if (closed) return Promise.resolve();
      return new Promise((resolve) => {
        waiting.push(resolve);
        // libuv calls from outside JavaScript, where promises that are settled do not run until something else does
        if (waiting.length === 1) handle.start(() => setImmediate(settle));
      });
    },
    wake: settle,
    close() {
      if (closed) return;
      closed = true;
      settle();
      handle.close();
    },
  };
}

function pollHandle(native: Native, fd: number): PollHandle {
  const { node } = native.koffi as { node?: { poll?: (fd: number, callback: () => void) => PollHandle } };
  if (typeof node?.poll !== 'function') return timerHandle();
  const handle = node.poll(fd, () => {});
  handle.stop();
  return handle;
}

function timerHandle(): PollHandle {
  let timer: NodeJS.Timeout | undefined;
  const stop = () => {
    clearInterval(timer);
    timer = undefined;
  };
  return {
    start(callback) {
      stop();
      timer = setInterval(callback, FALLBACK_INTERVAL_MS);
    },
    stop,
    close: stop,
  };
}
