/**
 * Fields that the package loader would refuse, put right or left out. The loader reads a package strictly: one number where it
 * wants a string, and the whole package does not load. The checks are for what it deserialises; keys that it does not know are
 * the author's own and pass.
 */
import type { Json } from './comment-commands.ts';
import type { Fields } from './comment-fields.ts';

export type EntryKind = 'variable' | 'map' | 'program' | 'license';

/** Says of a field what is wrong with it and that it is left out. */
export type Complain = (field: string, message: string) => void;

type JsonObject = { [key: string]: Json };

/** What the loader does with a value: takes it (`undefined`), or refuses it for the reason given. */
type Check = (value: Json) => string | undefined;

const isString: Check = (value) => (typeof value === 'string' ? undefined : 'must be a string');
const isStringOrNull: Check = (value) => (value === null ? undefined : isString(value));
const isBoolean: Check = (value) => (typeof value === 'boolean' ? undefined : 'must be true or false');
const isObject: Check = (value) => (asObject(value) === undefined ? 'must be a JSON object' : undefined);
const isCount: Check = (value) =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 ? undefined : 'must be a whole number';
const oneOf =
  (...names: string[]): Check =>
  (value) =>
    typeof value === 'string' && names.includes(value) ? undefined : `must be one of ${names.join(', ')}`;

const isOptionValue: Check = (value) => {
  if (typeof value === 'object' && value !== null) return 'must be a number, a string, true or false';
  const rounded = typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value);
  return rounded ? 'is too large to be kept exactly; write it as a string' : undefined;
};

const isShortOption: Check = (value) =>
  value === null || (typeof value === 'string' && [...value].length === 1) ? undefined : 'must be a single character';

const CMDARG: Readonly<Record<string, Check>> = {
  default: isOptionValue,
  help: isStringOrNull,
  long: isStringOrNull,
  short: isShortOption,
};

const SAMPLE: Readonly<Record<string, Check>> = {
  clear_map: isBoolean,
  interval: isCount,
  type: oneOf('log2_hist', 'linear_hist', 'default_kv'),
  unit: isString,
};

const isExportConfig: Check = (value) => {
  if (value === 'no_export' || value === 'default') return undefined;
  const object = asObject(value);
  const keys = object === undefined ? [] : Object.keys(object);
  const [key] = keys;
  if (keys.length === 1 && key === 'btf_type_id' && isCount(object![key]!) === undefined) return undefined;
  if (keys.length === 1 && key === 'custom_members' && Array.isArray(object![key])) return undefined;
  return 'must be "no_export", "default", {"btf_type_id": N} or {"custom_members": [...]}';
};

// Spelt as the loader spells it.
const isIntepreter: Check = (value) => {
  if (value === 'default_struct') return undefined;
  const object = asObject(value);
  const known = object !== undefined && Object.keys(object).join() === 'stack_trace';
  return known && asObject(object.stack_trace!) !== undefined
    ? undefined
    : 'must be "default_struct" or {"stack_trace": {...}}';
};

/** Keys of the loader's that hold text: any other value becomes its text, and nothing is lost. */
const TEXTS: Readonly<Record<EntryKind, readonly string[]>> = {
  variable: ['type'],
  map: ['ident'],
  program: ['attach'],
  license: [],
};

const CHECKS: Readonly<Record<EntryKind, Readonly<Record<string, Check>>>> = {
  variable: { cmdarg: isObject },
  map: {
    mmaped: isBoolean,
    sample: (value) => (value === null ? undefined : isObject(value)),
    export_config: isExportConfig,
    intepreter: isIntepreter,
    interpreter: () => 'is not read by the loader, which spells it `intepreter`',
  },
  program: { link: isBoolean },
  license: {},
};

/** @returns the fields that the loader takes; those given are not changed */
export function loadableFields(
  fields: Fields,
  kind: EntryKind,
  textOf: (field: string) => string,
  complain: Complain,
): Fields {
  const result = Object.assign(Object.create(null) as Fields, fields);
  for (const key of TEXTS[kind]) {
    if (key in result && typeof result[key] !== 'string') result[key] = textOf(key);
  }
  for (const [key, check] of Object.entries(CHECKS[kind])) {
    const refusal = key in result ? check(result[key]!) : undefined;
    if (refusal !== undefined) {
      complain(key, refusal);
      delete result[key];
    }
  }
  if (kind === 'variable') dropMembers(result, 'cmdarg', CMDARG, complain);
  if (kind === 'map' && dropMembers(result, 'sample', SAMPLE, complain)?.interval === undefined && result.sample) {
    complain('sample', 'needs an "interval" in milliseconds');
    delete result.sample;
  }
  return result;
}

/** Takes the members that the loader would refuse out of an object field. */
function dropMembers(
  fields: Fields,
  key: string,
  checks: Readonly<Record<string, Check>>,
  complain: Complain,
): JsonObject | undefined {
  const object = asObject(fields[key] ?? null);
  if (object === undefined) return undefined;
  // Not by assignment, which a member called `__proto__` would turn against us.
  const kept: JsonObject = Object.fromEntries(
    Object.entries(object).filter(([member, value]) => {
      const refusal = Object.hasOwn(checks, member) ? checks[member]!(value) : undefined;
      if (refusal !== undefined) complain(key, `member "${member}" ${refusal}`);
      return refusal === undefined;
    }),
  );
  fields[key] = kept;
  return kept;
}

function asObject(value: Json): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
}
