/** The loopback interface takes one XDP program, and tests run side by side: who attaches there waits for the others. */
import net from 'node:net';
import { onTestFinished } from 'vitest';

/** A socket name can be taken once on a machine, and is given back when its process ends, however that happens. */
const NAME = '\0ebpf-ecc-test-loopback';
const RETRY_MS = 50;

/** Resolves when the interface belongs to the running test; given back when that has finished. */
export async function takeLoopback(): Promise<void> {
  for (;;) {
    const server = net.createServer();
    const taken = await new Promise<boolean>((resolve, reject) => {
      server.once('listening', () => resolve(true));
      server.once('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'EADDRINUSE') resolve(false);
        else reject(error);
      });
      server.listen(NAME);
    });
    if (taken) {
      onTestFinished(() => new Promise((resolve) => server.close(() => resolve())));
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}
