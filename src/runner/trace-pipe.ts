/**
 * What programs print with `bpf_printk()`: the kernel's trace pipe, one for the whole machine. Reading takes the lines out of it, so
 * two readers share them; lines of other tracers are left out here.
 */
import { constants } from 'node:fs';
import { access, mkdir, open, readFile } from 'node:fs/promises';
import { LoadError } from '../core/errors.ts';
import { lastErrno, type Native, openNative } from './native.ts';
import { createPoller } from './poll.ts';

const MOUNTS = ['/sys/kernel/tracing', '/sys/kernel/debug/tracing'] as const;
const MARK = 'bpf_trace_printk: ';

export interface TracePipe {
  /** Lines as the kernel has them: `comm-pid [cpu] flags time: bpf_trace_printk: text`. Ends when closed. */
  readonly lines: AsyncIterable<string>;
  /** Why nothing may come, if there is a reason. */
  readonly warning: string | undefined;
  close(): void;
}

/**
 * Opens the trace pipe; mounts tracefs where it is not, and may be. What is in the pipe already is thrown away.
 * @throws {LoadError} `LOAD_TRACE`
 */
export async function openTracePipe(): Promise<TracePipe> {
  const native = await openNative();
  const directory = await tracefs(native);
  const path = `${directory}/trace_pipe`;
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause: NodeJS.ErrnoException) => {
    throw new LoadError('LOAD_TRACE', `${path} cannot be opened: ${cause.code}`, {
      hint: cause.code === 'EBUSY' ? 'somebody else reads it: only one can' : 'run as root',
      cause,
    });
  });
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
  while ((await readChunk()) !== undefined);
  let closed = false;
  const on = await readFile(`${directory}/tracing_on`, 'utf8').catch(() => '1');
  return {
    warning:
      on.trim() === '0' ? `tracing is switched off; switch it on with: echo 1 > ${directory}/tracing_on` : undefined,
    close() {
      closed = true;
      poller.wake();
    },
    lines: {
      async *[Symbol.asyncIterator]() {
        let rest = '';
        try {
          while (!closed) {
            const text = await readChunk();
            if (text === undefined) {
              await poller.wait();
              continue;
            }
            const lines = (rest + text).split('\n');
            rest = lines.pop() ?? '';
            for (const line of lines) if (line.includes(MARK)) yield line;
          }
          // what was printed before the end
          for (let text = await readChunk(); text !== undefined; text = await readChunk()) rest += text;
          for (const line of rest.split('\n')) if (line.includes(MARK)) yield line;
        } finally {
          poller.close();
          await file.close();
        }
      },
    },
  };
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
