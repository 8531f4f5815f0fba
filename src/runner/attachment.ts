/** A program on its way to being attached, and one that is: what all kinds of attaching share. */
import { UsageError } from '../core/errors.ts';
import type { BpfProgram } from '../object/model.ts';
import { attachError } from './attach-error.ts';
import type { NativeFunction, Pointer } from './libbpf.ts';
import { callAsync, type Native } from './native.ts';
import type { BpfObject, ProgramHandle } from './object.ts';

export interface AttachRequest {
  readonly native: Native;
  readonly object: BpfObject;
  readonly handle: ProgramHandle;
  /** What the object file says about the program. */
  readonly program: BpfProgram;
  /** The package's entry: `ifindex`, `tchook`, … */
  readonly extras: Readonly<Record<string, unknown>>;
  /** Given by the user; goes before everything else. */
  readonly target: string | undefined;
}

/** A program that is attached. */
export interface Attachment {
  /** Name of the program or of the struct_ops map. */
  readonly program: string;
  /** What it is attached to, in words: `tracepoint syscalls/sys_enter_kill`. */
  readonly to: string;
  /** Of the BPF link, where there is one. */
  readonly linkFd: number | undefined;
  /** It is, or is on the way there. */
  readonly detached: boolean;
  /** Off the event loop: the kernel may take a tenth of a second to make sure that the program no longer runs. */
  detach(): Promise<void>;
  /** The same, here and now. Does nothing when {@link detach} was called before. */
  detachNow(): void;
}

/** An attachment of which each way of detaching does it once. */
export function attachment(
  what: Pick<Attachment, 'program' | 'to' | 'linkFd'>,
  detachNow: () => void,
  detachLater: () => Promise<unknown> = async () => detachNow(),
): Attachment {
  let done: Promise<unknown> | undefined;
  return {
    ...what,
    get detached() {
      return done !== undefined;
    },
    async detach() {
      done ??= detachLater();
      await done;
    },
    detachNow() {
      if (done !== undefined) return;
      done = Promise.resolve();
      detachNow();
    },
  };
}

/** Section name without the leading `?` and what follows it. */
export function splitSection(section: string): { readonly kind: string; readonly target: string | undefined } {
  const name = section.startsWith('?') ? section.slice(1) : section;
  const slash = name.indexOf('/');
  return slash < 0 ? { kind: name, target: undefined } : { kind: name.slice(0, slash), target: name.slice(slash + 1) };
}

/** Calls an attach function of libbpf off the event loop and wraps the link that it returns. */
export async function linkOf<Args extends readonly unknown[]>(
  request: AttachRequest,
  to: string,
  fn: NativeFunction<Args, Pointer | null>,
  ...args: Args
): Promise<Attachment> {
  const { native, handle } = request;
  const { result, errno } = await callAsync(native, fn, ...args);
  if (result === null) throw await attachError(request, to, errno);
  return linkAttachment(native, handle.name, to, result);
}

export function linkAttachment(native: Native, program: string, to: string, link: Pointer): Attachment {
  const { bpf } = native;
  return attachment(
    { program, to, linkFd: bpf.bpf_link__fd(link) },
    () => bpf.bpf_link__destroy(link),
    () => callAsync(native, bpf.bpf_link__destroy, link),
  );
}

/** An attachment that consists of a file descriptor: closing it detaches. */
export function fdAttachment(native: Native, program: string, to: string, fd: number): Attachment {
  return attachment(
    { program, to, linkFd: fd },
    () => native.c.close(fd),
    () => callAsync(native, native.c.close, fd),
  );
}

/** The target that the user gave or the section names; an error that says how to give one when there is none. */
export function needTarget(request: AttachRequest, example: string, fromSection: string | undefined): string {
  const target = request.target ?? fromSection;
  if (target !== undefined && target !== '') return target;
  const { name, section } = request.handle;
  throw new UsageError('USAGE_ATTACH_TARGET', `program ${name}: SEC("${section}") does not say what to attach to`, {
    details: { program: name, section },
    hint: `--attach ${name}=${example}`,
  });
}

export function badTarget(request: AttachRequest, target: string, expected: string): UsageError {
  return new UsageError('USAGE_ATTACH_TARGET', `program ${request.handle.name}: ${target}: ${expected} is expected`, {
    details: { program: request.handle.name, target },
  });
}
