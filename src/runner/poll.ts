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

export function createPoller(native: Native, fd: number): Poller {
  const handle = native.koffi.node.poll(fd, () => {});
  handle.stop();
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
