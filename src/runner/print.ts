/**
 * What libbpf prints. Its print function is one for the whole process, and while ours is set every thread's messages arrive here;
 * so it is set only to explain a failure or when somebody asks to see everything.
 */
import type { Pointer } from './libbpf.ts';
import type { Native } from './native.ts';

/** `enum libbpf_print_level` */
export const PrintLevel = { warn: 0, info: 1, debug: 2 } as const;

/** A message longer than this is cut. */
const MAX_MESSAGE = 65536;

/** Sets libbpf's print function while `body` runs. @param level  the chattiest that is wanted */
export async function withPrint<T>(
  native: Native,
  level: number,
  print: (message: string) => void,
  body: () => Promise<T>,
): Promise<T> {
  const { koffi, bpf, c } = native;
  const text = Buffer.alloc(MAX_MESSAGE);
  const callback = koffi.register((messageLevel: number, format: Pointer, args: Pointer) => {
    if (messageLevel > level) return 0;
    const length = c.vsnprintf(text, text.length, format, args);
    print(text.toString('utf8', 0, Math.min(length, text.length - 1)));
    return 0;
  }, native.printType);
  bpf.libbpf_set_print(callback);
  try {
    return await body();
  } finally {
    bpf.libbpf_set_print(null);
    koffi.unregister(callback);
  }
}

/** libbpf's warnings and remarks while `body` runs, in order. */
export async function collectMessages(native: Native, body: () => Promise<void>): Promise<string[]> {
  const messages: string[] = [];
  await withPrint(native, PrintLevel.info, (message) => messages.push(message), body);
  return messages;
}
