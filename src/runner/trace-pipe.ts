/**
 * What programs print with `bpf_printk()`: read from a trace instance of our own, so that neither other readers of the machine's
 * trace pipe nor its other tracers get in the way. Kernels before 5.9 have only the one pipe; there lines are taken from that.
 */
import { closeSync, constants, rmdirSync } from 'node:fs';
import { access, mkdir, open, readdir, rmdir, writeFile } from 'node:fs/promises';
import { LoadError } from '../core/errors.ts';
import { lastErrno, type Native, openNative } from './native.ts';
import { createPoller } from './poll.ts';

const MOUNTS = ['/sys/kernel/tracing', '/sys/kernel/debug/tracing'] as const;
const MARK = 'bpf_trace_printk: ';
/** How long what was printed before the start and before the end is still read, in milliseconds: others may print faster than we read. */
const MAX_REST_MS = 500;
/** Instances of ours are named after the process, so that those of processes that were killed are found again. */
const INSTANCE = /^ecc-(\d+)-\d+$/;

export interface TracePipe {
  /** Lines as the kernel has them: `comm-pid [cpu] flags time: bpf_trace_printk: text`. Ends when closed, after those that are there. */
  readonly lines: AsyncIterable<string>;
  close(): void;
  /** Gives everything back: at the end of {@link lines}, and for whoever does not get so far as to read them. Harmless when done twice. */
  free(): Promise<void>;
}

/**
 * Opens a trace pipe; mounts tracefs where it is not, and may be. What was printed before is not in it.
 * @throws {LoadError} `LOAD_TRACE`
 */
export async function openTracePipe(): Promise<TracePipe> {
  const native = await openNative();
  const root = await tracefs(native);
  const instance = await makeInstance(root);
  const path = `${instance ?? root}/trace_pipe`;
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(
    async (cause: NodeJS.ErrnoException) => {
      if (instance !== undefined) await rmdir(instance).catch(() => {});
      throw new LoadError('LOAD_TRACE', `${path} cannot be opened: ${cause.code}`, {
        hint: cause.code === 'EBUSY' ? 'another program reads it, and only one can: end that one' : 'run it as root',
        cause,
      });
    },
  );
  const poller = createPoller(native, file.fd);
  const chunk = Buffer.alloc(65536);
  /** `undefined` when there is nothing to read now. */
  const readChunk = async (): Promise<string | undefined> => {
    try {
      const { bytesRead } = await file.read(chunk, 0, chunk.length, null);
      return bytesRead === 0 ? undefined : chunk.toString('utf8', 0, bytesRead);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return undefined;
      throw error;
    }
  };
  const opened = performance.now();
  while (instance === undefined && performance.now() < opened + MAX_REST_MS && (await readChunk()) !== undefined);
  let closedAt = Number.POSITIVE_INFINITY;
  // nobody reads the output any more, or a second Ctrl-C: nothing is waited for
  const atExit = () => {
    if (instance === undefined) return;
    try {
      if (file.fd >= 0) closeSync(file.fd);
      rmdirSync(instance);
    } catch {
      // the next one to make an instance removes it
    }
  };
  process.once('exit', atExit);
  const freeNow = async () => {
    poller.close();
    await file.close();
    if (instance !== undefined) await rmdir(instance).catch(() => {});
    process.off('exit', atExit);
  };
  let freed: Promise<void> | undefined;
  const free = () => {
    freed ??= freeNow();
    return freed;
  };
  return {
    free,
    close() {
      closedAt = Math.min(closedAt, performance.now());
      poller.wake();
    },
    lines: {
      async *[Symbol.asyncIterator]() {
        let rest = '';
        try {
          for (;;) {
            const started = performance.now();
            if (started > closedAt + MAX_REST_MS) break;
            const text = await readChunk();
            if (text === undefined) {
              if (started >= closedAt) break;
              // closed while it was read: nobody would wake us
              if (closedAt === Number.POSITIVE_INFINITY) await poller.wait();
              continue;
            }
            const lines = (rest + text).split('\n');
            rest = lines.pop() ?? '';
            for (const line of lines) if (line.includes(MARK)) yield line;
          }
        } finally {
          await free();
        }
      },
    },
  };
}

/** Numbers the instances of this process. */
let made = 0;

/** A trace instance that only the programs' lines go to; `undefined` where the kernel has none. */
async function makeInstance(root: string): Promise<string | undefined> {
  const instances = `${root}/instances`;
  for (const name of await readdir(instances).catch(() => [])) {
    const pid = INSTANCE.exec(name)?.[1];
    if (pid !== undefined && !(await exists(`/proc/${pid}`))) await rmdir(`${instances}/${name}`).catch(() => {});
  }
  const directory = `${instances}/ecc-${process.pid}-${made++}`;
  try {
    await mkdir(directory);
    await writeFile(`${directory}/events/bpf_trace/bpf_trace_printk/enable`, '1');
    return directory;
  } catch {
    await rmdir(directory).catch(() => {});
    return undefined;
  }
}

async function tracefs(native: Native): Promise<string> {
  for (const directory of MOUNTS) if (await exists(`${directory}/trace_pipe`)) return directory;
  const [directory] = MOUNTS;
  await mkdir(directory, { recursive: true }).catch(() => {});
  if (native.c.mount('tracefs', directory, 'tracefs', 0, null) === 0 && (await exists(`${directory}/trace_pipe`)))
    return directory;
  const { name } = lastErrno(native);
  throw new LoadError('LOAD_TRACE', `there is no trace pipe: tracefs is not mounted, and cannot be (${name})`, {
    hint: `as root: mount -t tracefs tracefs ${directory}`,
  });
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
