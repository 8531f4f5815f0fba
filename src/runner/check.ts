/**
 * Loading without attaching: does the verifier of this kernel take each program, and what did that cost. Nothing stays in the
 * kernel.
 */
import { isEccError, LoadError } from '../core/errors.ts';
import { diagnoseLoad, type FailedLoad } from './diagnose.ts';
import type { OpenedPackage } from './load.ts';
import { logMemory } from './log-memory.ts';
import { type Native, openNative } from './native.ts';
import { BpfObject, type ProgramHandle } from './object.ts';
import { type Preparation, prepare } from './prepare.ts';
import { parseStats } from './verifier-log.ts';

export interface ProgramCheck {
  readonly name: string;
  readonly section: string;
  readonly passed: boolean;
  /** Instructions of the program and of the functions that it calls. */
  readonly insns: number;
  /** Instructions that the verifier looked at, on all paths. */
  readonly processedInsns: number | undefined;
  /** How many it is willing to look at. */
  readonly insnLimit: number | undefined;
  /** Bytes of stack, of the program and of each function that it calls. */
  readonly stackDepths: readonly number[];
  readonly verificationTimeUs: number | undefined;
  /** Bytes of machine code; 0 when the kernel interprets. */
  readonly jitedBytes: number | undefined;
  /** Why it was refused. */
  readonly error: LoadError | undefined;
}

/** `BPF_LOG_STATS`: only what is at the end of a log. */
const LOG_STATS = 4;
const STATS_SIZE = 65536;
const NOTHING: Preparation = { globals: new Map(), mapSizes: new Map(), targets: new Map(), only: undefined };

export interface CheckOptions {
  /** BTF of the running kernel, for kernels without their own. */
  readonly kernelBtf?: string | undefined;
  /** Attach targets, for programs whose target the kernel wants at load. */
  readonly targets?: ReadonlyMap<string, string>;
}

/**
 * Checks every program, also those that are loaded on request only. All at once where that works; else one by one, so that one that
 * is refused does not hide the others.
 * @throws {MalformedError} libbpf cannot open the object @throws {ToolError} koffi or libbpf are missing
 */
export async function checkPrograms(opened: OpenedPackage, options: CheckOptions = {}): Promise<ProgramCheck[]> {
  const native = await openNative();
  const names = opened.model.programs.map(({ name }) => name);
  const preparation = { ...NOTHING, targets: options.targets ?? NOTHING.targets };
  const run = (only: readonly string[]) => loadOnce(native, opened, options, { ...preparation, only: new Set(only) });
  const together = await run(names);
  if (together.every(({ passed }) => passed)) return together;
  const results: ProgramCheck[] = [];
  for (const name of names) results.push(...(await run([name])));
  return results;
}

async function loadOnce(
  native: Native,
  opened: OpenedPackage,
  options: CheckOptions,
  preparation: Preparation,
): Promise<ProgramCheck[]> {
  const { bpf } = native;
  const openOptions = { name: opened.name, kernelBtfPath: options.kernelBtf };
  const object = BpfObject.open(native, opened.object, openOptions);
  try {
    prepare(object, opened.model, preparation);
    const wanted = object.programs.filter(({ name }) => preparation.only?.has(name) !== false);
    const logs = new Map<ProgramHandle, Buffer>();
    for (const handle of wanted) {
      const log = Buffer.alloc(STATS_SIZE);
      logs.set(handle, log);
      bpf.bpf_program__set_log_buf(handle.pointer, log, log.length);
      bpf.bpf_program__set_log_level(handle.pointer, LOG_STATS);
    }
    const failure = await object.load();
    const passed = failure === undefined;
    // libbpf numbers the instructions only once it has put a program together
    const error =
      passed || wanted.length > 1
        ? undefined
        : await explainFailure({ native, opened, openOptions, preparation, failure }).catch(asLoadError);
    return wanted.map((handle) => result(native, handle, logs.get(handle)!, passed, error));
  } finally {
    object.close();
  }
}

/** The statistics took the place of the log, so the program is loaded once more. */
async function explainFailure(failed: Omit<FailedLoad, 'written'>): Promise<LoadError> {
  const { native, opened, openOptions, preparation } = failed;
  const object = BpfObject.open(native, opened.object, openOptions);
  const logs = logMemory(object);
  try {
    prepare(object, opened.model, preparation);
    await object.load();
    return await diagnoseLoad({ ...failed, written: logs?.read() });
  } finally {
    object.close();
    logs?.free();
  }
}

function asLoadError(error: unknown): LoadError {
  if (error instanceof LoadError) return error;
  if (!isEccError(error)) throw error;
  return new LoadError(error.code, error.message, { details: error.details, cause: error });
}

function result(
  native: Native,
  { pointer, name, section }: ProgramHandle,
  log: Buffer,
  passed: boolean,
  error: LoadError | undefined,
): ProgramCheck {
  const { bpf } = native;
  const end = log.indexOf(0);
  const stats = parseStats(log.toString('utf8', 0, end < 0 ? log.length : end));
  return {
    name,
    section,
    passed,
    insns: bpf.bpf_program__insn_cnt(pointer),
    processedInsns: stats?.processedInsns,
    insnLimit: stats?.insnLimit,
    stackDepths: stats?.stackDepths ?? [],
    verificationTimeUs: stats?.verificationTimeUs,
    jitedBytes: passed ? jitedBytes(native, bpf.bpf_program__fd(pointer)) : undefined,
    error,
  };
}

/** `jited_prog_len` of `struct bpf_prog_info`. */
function jitedBytes(native: Native, fd: number): number | undefined {
  const info = Buffer.alloc(256);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(info.length);
  return native.bpf.bpf_obj_get_info_by_fd(fd, info, size) === 0 ? info.readUInt32LE(16) : undefined;
}
