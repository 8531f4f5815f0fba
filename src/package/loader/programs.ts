/** Programs that the loader cannot attach, told by their section, and extra keys of the wrong shape. */
import type { DocumentedProgram } from '../../skeleton/documented.ts';
import type { Warn } from './check.ts';

/** Sections that libbpf attaches by itself, or for which the loader has code. */
const ATTACHED: readonly RegExp[] = [
  /^(tracepoint|tp|raw_tp|raw_tracepoint|raw_tp\.w|raw_tracepoint\.w|tp_btf|fentry|fexit|fmod_ret|fentry\.s|fexit\.s|fmod_ret\.s)\/.+/,
  /^(kprobe|kretprobe|ksyscall|kretsyscall|kprobe\.multi|kretprobe\.multi|kprobe\.session)\/.+/,
  /^(uprobe|uretprobe|uprobe\.s|uretprobe\.s|uprobe\.multi|uretprobe\.multi|uprobe\.multi\.s|uretprobe\.multi\.s)\/.+:.+/,
  /^usdt(\.s)?\/.+:.+:.+/,
  /^(lsm|lsm\.s)\/.+/,
  /^(iter|iter\.s)\/.+/,
  /^(xdp|tc|perf_event)$/,
];
/** Programs that nothing attaches by design: they are called or run by name. */
const NEVER_ATTACHED = /^(\.text|syscall|freplace\/.*)$/;

export function checkPrograms(programs: readonly DocumentedProgram[], warn: Warn): void {
  for (const program of programs) {
    const { name, attach } = program;
    if (!ATTACHED.some((pattern) => pattern.test(attach)) && !NEVER_ATTACHED.test(attach)) {
      warn('program', name, {
        code: 'LOADER_ATTACH',
        message: `ecli cannot attach ${name} (section ${attach}) and stops`,
        hint: attachHint(attach),
      });
    }
    checkExtras(program, warn);
  }
}

function attachHint(section: string): string {
  if (/^(kprobe|kretprobe|uprobe|uretprobe|usdt)(\.s)?$/.test(section))
    return `name the target in the section, for example SEC("${section}/…"), or attach it with ecc run --attach`;
  if (/^(classifier|tcx?\/|tcx)/.test(section))
    return 'use SEC("tc") with @tchook {"ifindex": …, "attach_point": "BPF_TC_INGRESS"}, or ecc run';
  if (section.startsWith('xdp')) return 'use plain SEC("xdp"), or ecc run';
  return 'run the package with ecc run --attach, or attach the program with a loader of your own';
}

/** Keys that the loader reads only when it attaches, each with the test that it applies then. */
const EXTRAS: Readonly<Record<string, { readonly keys: Readonly<Record<string, (value: unknown) => boolean>> }>> = {
  xdp: { keys: { ifindex: isInt32, flags: isUint32, xdpopts: isObject } },
  tc: { keys: { tchook: isObject, tcopts: isObject } },
};

function checkExtras(program: DocumentedProgram, warn: Warn): void {
  const extras = program as unknown as Readonly<Record<string, unknown>>;
  for (const [key, accepts] of Object.entries(EXTRAS[program.attach]?.keys ?? {})) {
    if (!Object.hasOwn(extras, key) || accepts(extras[key])) continue;
    warn('program', program.name, {
      code: 'LOADER_EXTRA',
      message: `@${key} of ${program.name} is ${JSON.stringify(extras[key])}: ecli cannot read that when it attaches`,
      hint: key === 'ifindex' ? 'give the number of the interface (ip link shows it), not its name' : undefined,
    });
  }
}

function isInt32(value: unknown): boolean {
  return typeof value === 'number' && value === (value | 0);
}

function isUint32(value: unknown): boolean {
  return typeof value === 'number' && value === value >>> 0;
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
