/**
 * Reading the kernel verifier's log: the instruction that was refused, the C line it comes from, what the verifier knew about the
 * registers, why it refused, and its statistics. Pure: text in, facts out. Knows the formats from Linux 4.20 to 6.18.
 *
 * @see kernel/bpf/verifier.c, kernel/bpf/log.c
 */

export interface SourceLine {
  /** As the compiler recorded it; `undefined` where the log of an older kernel shows the text only. */
  readonly file: string | undefined;
  readonly line: number | undefined;
  readonly text: string;
}

export interface VerifierStats {
  /** Instructions that were looked at, all paths together. */
  readonly processedInsns: number;
  /** The kernel's limit for that. */
  readonly insnLimit: number | undefined;
  /** Bytes of stack, by function: the program, then the functions that it calls. */
  readonly stackDepths: readonly number[];
  readonly verificationTimeUs: number | undefined;
  readonly totalStates: number | undefined;
  readonly peakStates: number | undefined;
}

export interface VerifierReport {
  /** Number of the refused instruction, in the program as the kernel got it. */
  readonly insn: number | undefined;
  /** `(79) r1 = *(u64 *)(r0 +0)` */
  readonly insnText: string | undefined;
  readonly source: SourceLine | undefined;
  /** State before the instruction, of the registers that it or the message names. */
  readonly registers: ReadonlyMap<string, string>;
  /** What the verifier said, its last lines before the statistics. */
  readonly message: string;
  readonly stats: VerifierStats | undefined;
}

/** `12: (79) r1 = …`, perhaps with `; R1_w=…` behind it. */
const INSN = /^(\d+): (\([0-9a-f]{2}\) .*?)(?:\s+; (R\d+.*))?$/;
/** `12: R0=… R10=fp0`, `from 3 to 7: R0=…` (also `(speculative execution)`): a whole state. */
const STATE = /^(?:\d+|from \d+ to \d+(?: \(speculative execution\))?): (R\d.*|frame\d+: R\d.*|\(?safe.*)$/;
const STATS = /^(?:verification time|stack depth|processed \d+ insns)/;
/** Lines that are neither a state nor a reason. */
const NOISE =
  /^(?:mark_precise|regs=|last_idx|parent |func#|caller:|callee:|returning from callee|to caller at|Validating |Func#|\d+: safe|arg#\d+ reference type)/;

export function parseVerifierLog(log: string): VerifierReport {
  let insn: number | undefined;
  let insnText: string | undefined;
  let source: SourceLine | undefined;
  let pending: SourceLine | undefined;
  let after: string | undefined;
  let state = new Map<string, string>();
  let before = state;
  let message: string[] = [];
  for (const raw of log.split('\n')) {
    const line = raw.trimEnd();
    if (line === '' || STATS.test(line)) continue;
    const found = INSN.exec(line);
    if (found !== null) {
      if (after !== undefined) state = new Map([...state, ...parseRegisters(after)]);
      insn = Number(found[1]);
      insnText = found[2]!;
      after = found[3];
      source = pending ?? source;
      before = state;
      message = [];
      continue;
    }
    if (line.startsWith('; ')) {
      pending = parseSource(line.slice(2));
      continue;
    }
    const whole = STATE.exec(line);
    if (whole !== null) {
      state = parseRegisters(whole[1]!);
      after = undefined;
      message = [];
      continue;
    }
    if (!NOISE.test(line)) message.push(line);
  }
  // a state printed with the refused instruction is one that was accepted: the reason comes after it
  const text = message.join('\n');
  return {
    insn,
    insnText,
    source,
    registers: relevantRegisters(before, `${insnText ?? ''} ${text}`),
    message: text,
    stats: parseStats(log),
  };
}

/** `if (x) @ prog.bpf.c:12`; older kernels leave out the place. */
function parseSource(text: string): SourceLine {
  const match = /^(.*) @ (.+):(\d+)$/.exec(text);
  if (match === null) return { file: undefined, line: undefined, text: text.trim() };
  return { file: match[2], line: Number(match[3]), text: match[1]!.trim() };
}

/** `R1_w=scalar(umax=255) R2=ctx() fp-8=mmmm????`: parentheses may hold blanks in no version, commas always. */
function parseRegisters(text: string): Map<string, string> {
  const registers = new Map<string, string>();
  for (const [, name, value] of text.matchAll(/\b(R\d+)(?:_\w+)?=((?:[^\s(]|\([^)]*\))*)/g))
    registers.set(name!, value!);
  return registers;
}

function relevantRegisters(state: ReadonlyMap<string, string>, text: string): Map<string, string> {
  const named = new Set([...text.matchAll(/\b[rRw](\d+)\b/g)].map(([, n]) => `R${n}`));
  // what a call is refused for is one of its arguments
  if (/\(85\) call/.test(text) && named.size === 0) for (let n = 1; n <= 5; n++) named.add(`R${n}`);
  return new Map([...state].filter(([name]) => named.has(name)));
}

/** The statistics at the end of a log; `undefined` when there are none. */
export function parseStats(log: string): VerifierStats | undefined {
  const processed = /^processed (\d+) insns(?: \(limit (\d+)\))?(.*)$/m.exec(log);
  if (processed === null) return undefined;
  const stack = /^stack depth ([\d+]+)/m.exec(log);
  const time = /^verification time (\d+) usec/m.exec(log);
  const number = (name: string) => {
    const match = new RegExp(`\\b${name} (\\d+)`).exec(processed[3]!);
    return match === null ? undefined : Number(match[1]);
  };
  return {
    processedInsns: Number(processed[1]),
    insnLimit: processed[2] === undefined ? undefined : Number(processed[2]),
    stackDepths: stack === null ? [] : stack[1]!.split('+').map(Number),
    verificationTimeUs: time === null ? undefined : Number(time[1]),
    totalStates: number('total_states'),
    peakStates: number('peak_states'),
  };
}
