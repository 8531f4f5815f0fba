/** Ctrl-C and friends as an `AbortSignal`. The second Ctrl-C does not wait any longer. */
import { ExitCode } from '../core/errors.ts';

/** Fires on SIGINT, SIGTERM and SIGHUP. Call `release()` when the work is done. */
export function interruptSignal(): { readonly signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(ExitCode.interrupted);
    controller.abort();
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of signals) process.on(name, stop);
  return {
    signal: controller.signal,
    release() {
      for (const name of signals) process.off(name, stop);
    },
  };
}
