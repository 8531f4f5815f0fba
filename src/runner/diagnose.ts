/**
 * Why an object could not be loaded. When the verifier refused a program, its log says so; otherwise the object is loaded once
 * more, listening to what libbpf prints.
 */
import { access } from 'node:fs/promises';
import os from 'node:os';
import { LoadError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import type { BpfProgram, BpfObject as ObjectModel } from '../object/model.ts';
import { kernelFunctions, tracepoints } from './attach-error.ts';
import type { OpenedPackage } from './load.ts';
import type { Errno, Native } from './native.ts';
import { BpfObject, type OpenOptions } from './object.ts';
import { type Preparation, prepare } from './prepare.ts';
import { collectMessages } from './print.ts';
import { explainRefusal, isOlder, readPrivileges } from './privileges.ts';
import { parseVerifierLog, type SourceLine, type VerifierReport } from './verifier-log.ts';
import { explainVerifierMessage } from './verifier-messages.ts';

/** The verifier refused a program. `code` is `LOAD_VERIFIER`. */
export class VerifierError extends LoadError {
  readonly program: string;
  readonly report: VerifierReport;
  /** All that the verifier wrote. */
  readonly log: string;

  constructor(program: string, report: VerifierReport, log: string) {
    const explanation = explainVerifierMessage(report.message);
    const { source, insn, insnText, registers, message } = report;
    super('LOAD_VERIFIER', verifierText(program, report, explanation?.reason), {
      details: {
        program,
        explanation: explanation?.id ?? null,
        insn: insn ?? null,
        insnText: insnText ?? null,
        source: source ?? null,
        registers: Object.fromEntries(registers),
        message,
      },
      ...(explanation === undefined ? {} : { hint: explanation.fix }),
    });
    this.program = program;
    this.report = report;
    this.log = log;
  }
}

function verifierText(program: string, report: VerifierReport, reason: string | undefined): string {
  const { source, insn, insnText, registers, message } = report;
  const lines = [`program ${program}: the kernel's verifier refuses it${reason === undefined ? '' : `: ${reason}`}`];
  if (source !== undefined) lines.push(`  ${placeOf(source)}${source.text}`);
  if (insnText !== undefined) lines.push(`  instruction ${insn}: ${insnText}`);
  for (const [name, value] of registers) lines.push(`    ${name} = ${value}`);
  for (const line of message.split('\n').slice(-4)) if (line !== '') lines.push(`  verifier: ${line}`);
  return lines.join('\n');
}

function placeOf({ file, line }: SourceLine): string {
  return file === undefined ? '' : `${file}:${line}: `;
}

export interface FailedLoad {
  readonly native: Native;
  readonly opened: OpenedPackage;
  readonly openOptions: OpenOptions;
  readonly preparation: Preparation;
  readonly failure: Errno;
  /** What the verifier wrote, and about which program. */
  readonly written: { readonly program: string; readonly log: string } | undefined;
}

export async function diagnoseLoad(failed: FailedLoad): Promise<LoadError> {
  const { opened, failure, written } = failed;
  if (written !== undefined) {
    const report = parseVerifierLog(written.log);
    // a kernel that refuses for want of a capability may have written no more than its statistics
    if (report.message !== '' || report.insn !== undefined) {
      const { model } = opened;
      const program = model.programs.find(({ name }) => name === written.program);
      const placed = program === undefined ? report : withPlace(report, program, model);
      return new VerifierError(written.program, placed, written.log);
    }
  }
  const text = await listen(failed);
  return explainLoad(opened.model, failure, text, failed.native);
}

/** What libbpf prints when it loads the object. */
async function listen({ native, opened, openOptions, preparation }: FailedLoad): Promise<string> {
  const messages = await collectMessages(native, async () => {
    const object = BpfObject.open(native, opened.object, openOptions);
    try {
      prepare(object, opened.model, preparation);
      await object.load();
    } finally {
      object.close();
    }
  });
  return messages.join('');
}

/** @param text  libbpf's messages */
async function explainLoad(model: ObjectModel, failure: Errno, text: string, native: Native): Promise<LoadError> {
  const details = { errno: failure.errno, errnoName: failure.name, libbpf: warnings(text) };
  const program = /prog '([^']+)': (?:BPF program load failed|failed to load)/.exec(text)?.[1];
  const types = model.programs.flatMap(({ definition }) => definition?.programType ?? []);
  const target = /failed to find (?:kernel )?BTF type ID of '([^']+)'/.exec(text)?.[1];
  if (target !== undefined) {
    const name = /prog '([^']+)'/.exec(text)?.[1] ?? '';
    const isTracepoint = model.programs.some((one) => one.name === name && /^\??tp_btf\b/.test(one.section));
    const all = isTracepoint ? (await tracepoints()).map((one) => one.replace(/^.*\//, '')) : await kernelFunctions();
    const close = nearest(target, new Set(all));
    return new LoadError(
      'LOAD_ATTACH_TARGET',
      `program ${name}: this kernel has no ${isTracepoint ? `tracepoint ${target}` : `function ${target} that can be traced`}`,
      {
        details: { ...details, target },
        ...(close.length === 0 ? {} : { hint: `did you mean ${close.join(' or ')}?` }),
      },
    );
  }
  if (failure.name === 'EPERM' || failure.name === 'EACCES') {
    const { reason, hint, missing } = explainRefusal(await readPrivileges(), types);
    const found = model.programs.find(({ name }) => name === program);
    const what = found === undefined ? 'programs' : `program ${found.name} (SEC("${found.section}"))`;
    return new LoadError('LOAD_PERMISSION', `the kernel does not let this process load ${what}: ${reason}`, {
      details: { ...details, missing, program: program ?? null },
      hint,
    });
  }
  if (!(await exists('/sys/kernel/btf/vmlinux')) && /BTF|CO-RE|vmlinux/.test(text)) {
    return new LoadError(
      'LOAD_NO_BTF',
      'this kernel has no type information (/sys/kernel/btf/vmlinux), which the program needs',
      {
        details,
        hint: 'build the package with BTF for such kernels (ecc --btfgen), or give the BTF of this kernel: --btf FILE',
      },
    );
  }
  const map = /map '([^']+)': failed to create: ([^\n]*)/.exec(text);
  if (map !== null) {
    return new LoadError('LOAD_MAP_CREATE', `map ${map[1]}: the kernel does not create it: ${map[2]}`, {
      details: { ...details, map: map[1] },
      hint: mapHint(model.maps.find(({ name }) => name === map[1])?.typeName, failure.name),
    });
  }
  const missing = /extern \((?:func|var) ksym\) '([^']+)': not found|extern '([^']+)' \(strong\): not resolved/.exec(
    text,
  );
  if (missing !== null) {
    const name = missing[1] ?? missing[2];
    if (model.externs.some((extern) => extern.name === name && extern.kind === 'kconfig'))
      return new LoadError('LOAD_KCONFIG', `this kernel's configuration has no ${name}, which the program needs`, {
        details: { ...details, symbol: name },
        hint: 'declare it __weak when the program can do without: then it is 0',
      });
    return new LoadError('LOAD_KSYM', `this kernel has no symbol ${name}, which the program needs`, {
      details: { ...details, symbol: name },
      hint: 'declare it __weak and test it before use (bpf_ksym_exists())',
    });
  }
  if (text.includes('failed to open system Kconfig')) {
    const wanted = model.externs.filter(({ kind, weak }) => kind === 'kconfig' && !weak).map(({ name }) => name);
    return new LoadError(
      'LOAD_KCONFIG',
      `the program needs ${wanted.join(', ')}, and this kernel's configuration is not to be found`,
      {
        details: { ...details, symbols: wanted },
        hint: `it is read from /proc/config.gz or /boot/config-${os.release()}; declare __weak what the program can do without`,
      },
    );
  }
  if (/RLIMIT_MEMLOCK|memlock/i.test(text) || failure.name === 'ENOMEM') {
    return new LoadError('LOAD_MEMLOCK', `the kernel has no memory for it (${failure.name})`, {
      details,
      hint: isOlder(os.release(), '5.11')
        ? 'kernels before 5.11 count it as locked memory: ulimit -l unlimited'
        : 'the memory of the machine, or of the container (memory.max of its control group), is used up',
    });
  }
  const last = warnings(text).findLast((line) => !/: failed to load: -\d+$/.test(line)) ?? '';
  return new LoadError(
    'LOAD_FAILED',
    `libbpf ${native.libbpfVersion} cannot load it: ${failure.name}${last === '' ? '' : `: ${last}`}`,
    {
      details,
      ...sectionHint(model, text, program),
    },
  );
}

/** The first kernels with map types that came after 5.0. */
const MAP_TYPES_SINCE: ReadonlyMap<string, string> = new Map([
  ['sk_storage', '5.2'],
  ['devmap_hash', '5.4'],
  ['struct_ops', '5.6'],
  ['ringbuf', '5.8'],
  ['inode_storage', '5.10'],
  ['task_storage', '5.11'],
  ['bloom_filter', '5.16'],
  ['user_ringbuf', '6.1'],
  ['cgrp_storage', '6.2'],
  ['arena', '6.9'],
]);

function mapHint(type: string | undefined, errno: string): string {
  const since = type === undefined ? undefined : MAP_TYPES_SINCE.get(type);
  if (since !== undefined && isOlder(os.release(), since))
    return `maps of type ${type} need Linux ${since}, this is ${os.release()}`;
  if (errno === 'ENOMEM' || errno === 'E2BIG') return 'it is too large: lower max_entries';
  return 'check its type, the sizes of key and value, max_entries (ring buffers: a power of two, in pages) and flags; `bpftool feature` lists the types that the kernel has';
}

/** Why the kernel may have said no without a word of the verifier. */
function sectionHint(model: ObjectModel, text: string, name: string | undefined): { hint?: string } {
  if (/missing BPF prog type|unrecognized ELF section/.test(text)) {
    const unknown = model.programs.filter(({ definition }) => definition === undefined).map(({ section }) => section);
    return { hint: `no program type is known for SEC("${unknown.join('"), SEC("')}")` };
  }
  const program = model.programs.find((one) => one.name === name);
  const type = program?.definition?.programType;
  if (type === undefined) return {};
  return {
    hint: `this kernel may not know programs of type ${type} (SEC("${program!.section}")); \`bpftool feature\` lists those that it has`,
  };
}

/** libbpf's complaints, without its prefix and without those that only repeat that loading failed. */
function warnings(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.replace(/^libbpf: /, '').trim())
    .filter((line) => line !== '' && !/^(?:failed to load object|-- (?:BEGIN|END) PROG LOAD LOG)/.test(line));
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** File and line for logs that show only the text of the line: the line info of the program's own instructions. */
function withPlace(report: VerifierReport, program: BpfProgram, model: ObjectModel): VerifierReport {
  const { insn, source } = report;
  const { btf, btfExt } = model;
  if (insn === undefined || source?.file !== undefined || btf === undefined) return report;
  const offset = program.insnOffset + insn * 8;
  // functions that a program calls are appended to it: their numbers are not those of its section
  if (insn * 8 >= program.size) return report;
  const lines = btfExt?.lines.get(program.section) ?? [];
  const found = lines.findLast((line) => line.insnOffset <= offset && line.insnOffset >= program.insnOffset);
  if (found === undefined) return report;
  const text = source?.text ?? btf.string(found.lineOff).trim();
  return { ...report, source: { file: btf.string(found.fileNameOff), line: found.line, text } };
}
