/**
 * Waiting for a file descriptor to have something to read, on Node's own event loop: libuv watches the descriptor (through
 * koffi's poll handles), no thread waits and nothing is held up.
 */
import type { Native } from './native.ts';

export interface Poller {
  /**
   * Resolves when the descriptor may have something to read, or {@link wake} or {@link close} was called. The process stays alive
   * while somebody waits.
   */
  wait(): Promise<void>;
  wake(): void;
  close(): void;
}

/**
 * @param once  the descriptor says once that there is something, to whoever asks first, and nothing more until there is more (perf
 * events do). Beginning to watch asks, and loses the answer; so it is watched on when nobody waits, and {@link Poller.wait} resolves
 * also when the watching has begun
 */
export function createPoller(native: Native, fd: number, once = false): Poller {
  const handle = native.koffi.node.poll(fd, () => {});
  handle.stop();
  const waiting: (() => void)[] = [];
  let closed = false;
  let watching = false;
  const stop = () => {
    handle.stop();
    watching = false;
  };
  const settle = () => {
    if (waiting.length === 0) return;
    if (once) handle.unref();
    else stop();
    for (const resolve of waiting.splice(0)) resolve();
  };
  const readable = () => {
    if (waiting.length > 0) settle();
    else if (watching && !closed) stop();
  };
  return {
    wait() {
      if (closed) return Promise.resolve();
      return new Promise((resolve) => {
        waiting.push(resolve);
        if (once) handle.ref();
        if (watching) return;
        watching = true;
        // libuv calls from outside JavaScript, where promises that are settled do not run until something else does
        handle.start(() => setImmediate(readable));
        // libuv begins in its next turn, which may be after this one's immediates
        if (once) setImmediate(() => setImmediate(settle));
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
