/** Global variables as command-line options of the loader: types that it cannot parse, defaults that it refuses, names that clash. */
import type { DocumentedVariable } from '../../skeleton/documented.ts';
import type { LoaderInput, Warn } from './check.ts';

/** Type texts whose values the loader can parse; anything that begins `char[` as well. */
const PARSED = new Set([
  'bool',
  'pid_t',
  'int',
  'short',
  'long',
  'long long',
  'unsigned int',
  'unsigned short',
  'unsigned long long',
  'float',
  'double',
]);
/** Values are stored through the signed type of the same size, so half of an unsigned type's range overflows. */
const SIGNED_MAX: Readonly<Record<string, bigint>> = {
  'unsigned int': 0x7fffffffn,
  'unsigned short': 0x7fffn,
  int: 0x7fffffffn,
  pid_t: 0x7fffffffn,
  short: 0x7fffn,
};
const BUILT_IN_LONG = new Set(['verbose', 'help', 'version']);
const BUILT_IN_SHORT = new Set(['h', 'V']);

export function checkOptions(input: LoaderInput, warn: Warn): void {
  const names = new Map<string, string>();
  for (const { name: section, variables } of input.meta.bpf_skel.data_sections) {
    if (section !== '.rodata' && section !== '.bss') {
      for (const { name } of variables) warn('variable', name, unsupportedSection(section, name));
      continue;
    }
    for (const variable of variables) {
      checkType(section, variable, warn);
      checkDefault(variable, input, warn);
      checkNames(variable, names, warn);
    }
  }
}

function unsupportedSection(section: string, name: string) {
  const remedy =
    section === '.data'
      ? 'leave out the initial value (.bss), or make it const volatile (.rodata)'
      : 'use plain const volatile or zero-initialised globals';
  return {
    code: 'LOADER_SECTION',
    message: `${name} lies in ${section}: ecli loads no package with variables outside of .rodata and .bss`,
    hint:
      section === '.kconfig' ? 'read the value from the kernel at run time, or run the package with ecc run' : remedy,
  };
}

function defaultOf(variable: DocumentedVariable): unknown {
  return variable.cmdarg?.default ?? variable.value;
}

function isParsed(type: string): boolean {
  return PARSED.has(type) || type.startsWith('char[');
}

function checkType(section: string, variable: DocumentedVariable, warn: Warn): void {
  const { name, type } = variable;
  const isOption = variable.cmdarg !== undefined || section === '.rodata';
  const hasDefault = defaultOf(variable) !== undefined && defaultOf(variable) !== null;
  if (!isParsed(type)) {
    if (!hasDefault && !isOption) return;
    warn('variable', name, {
      code: 'LOADER_OPTION_TYPE',
      message: `ecli cannot set ${name}: it parses no values of type ${type}${hasDefault ? ', so that the package fails on every run because of its default' : ''}`,
      hint: `declare it as one of int, short, long, unsigned int, unsigned short, unsigned long long, bool, or write @type ${substitute(type)} in its doc comment`,
    });
  } else if (type === 'float' || type === 'double') {
    warn('variable', name, {
      code: 'LOADER_FLOAT',
      message: `ecli stores ${name} with the bytes of its ${type} reversed on little-endian machines`,
      hint: 'use an integer with a smaller unit',
    });
  }
}

/** The parsable type of the same width as a well-known name; the loader takes the width itself from BTF. */
function substitute(type: string): string {
  if (/^(__)?u64$|^uint64_t$|^size_t$|^unsigned long$/.test(type)) return 'unsigned long long';
  if (/^(__)?s64$|^int64_t$|^ssize_t$/.test(type)) return 'long long';
  if (/^(__)?u16$|^uint16_t$/.test(type)) return 'unsigned short';
  if (/^(__)?s16$|^int16_t$/.test(type)) return 'short';
  if (/^(__)?s32$|^int32_t$/.test(type)) return 'int';
  return 'unsigned int';
}

function checkDefault(variable: DocumentedVariable, { initialValues }: LoaderInput, warn: Warn): void {
  const { name, type } = variable;
  const value = defaultOf(variable);
  const given = value !== undefined && value !== null;
  const initial = initialValues.get(name);
  if (type === 'bool') {
    if (given && typeof value !== 'boolean') {
      warn('variable', name, {
        code: 'LOADER_DEFAULT',
        message: `the default of ${name} is ${JSON.stringify(value)}: ecli wants true or false for a bool`,
        hint: `write @cmdarg {"default": ${value ? 'true' : 'false'}}`,
      });
    } else if (!given && initial?.[0] === 1) {
      warn('variable', name, {
        code: 'LOADER_BOOL_RESET',
        message: `${name} starts as true, but ecli sets every bool without a default to false`,
        hint: 'write @cmdarg {"default": true} in its doc comment',
      });
    }
    return;
  }
  if (!isParsed(type)) return;
  if (given && typeof value !== 'number' && typeof value !== 'string') {
    warn('variable', name, {
      code: 'LOADER_DEFAULT',
      message: `the default of ${name} is ${JSON.stringify(value)}: ecli wants a number or a string`,
    });
    return;
  }
  const limit = SIGNED_MAX[type];
  if (given && limit !== undefined && /^-?\d+$/.test(String(value)) && BigInt(String(value)) > limit) {
    warn('variable', name, {
      code: 'LOADER_OVERFLOW',
      message: `the default of ${name}, ${value}, overflows in ecli: it stores ${type} as a signed number, at most ${limit}`,
      hint: 'make the variable unsigned long long',
    });
  }
  if (type.startsWith('char[')) checkText(variable, value, initial, warn);
}

function checkText(
  { name, type }: DocumentedVariable,
  value: unknown,
  initial: Uint8Array | undefined,
  warn: Warn,
): void {
  const size = Number(/^char\[(\d+)\]/.exec(type)?.[1] ?? 0);
  if (typeof value === 'string' && Buffer.byteLength(value) + 1 > size) {
    warn('variable', name, {
      code: 'LOADER_OVERFLOW',
      message: `the default of ${name} needs ${Buffer.byteLength(value) + 1} bytes with its end, the array has ${size}`,
    });
  } else if (initial?.some((byte) => byte !== 0)) {
    warn('variable', name, {
      code: 'LOADER_CHAR_ARRAY',
      message: `ecli writes only the text and one NUL into ${name}: behind a shorter text the bytes of the initial value stay`,
      hint: 'compare only up to the first NUL, or start with an empty array and give the text as @cmdarg {"default": "..."}',
    });
  }
}

function checkNames(variable: DocumentedVariable, taken: Map<string, string>, warn: Warn): void {
  const { name, cmdarg } = variable;
  const long = cmdarg?.long ?? name;
  const short = cmdarg?.short ?? undefined;
  const clash = (option: string, other: string) =>
    warn('variable', name, {
      code: 'LOADER_OPTION_CLASH',
      message: `the option ${option} of ${name} is also ${other}`,
      hint: 'give it another name with @cmdarg {"long": "...", "short": "x"}',
    });
  const claim = (option: string, builtIn: boolean) => {
    const other = builtIn ? 'one that ecli adds itself' : taken.get(option);
    if (other !== undefined) clash(option, other);
    taken.set(option, `that of ${name}`);
  };
  claim(`--${long}`, BUILT_IN_LONG.has(long));
  if (short !== undefined && short !== null) claim(`-${short}`, BUILT_IN_SHORT.has(short));
}
