/**
 * Does a value have the shape that the loader deserialises? The rules are the loader's: unknown keys are fine, an absent key has a
 * default where there is one, and `null` is not absence unless the key is nullable.
 */
import { MalformedError } from '../core/errors.ts';
import type { BuildInfo, PackageFile } from './schema.ts';

/** Checks a value and names the place of the first thing that is wrong. */
type Shape = (value: unknown, where: string) => void;

interface Key {
  readonly shape: Shape;
  readonly required: boolean;
}

const required = (shape: Shape): Key => ({ shape, required: true });
const optional = (shape: Shape): Key => ({ shape, required: false });

function fail(where: string, expected: string, value: unknown): never {
  const found = value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value;
  const place = where === '' ? 'package' : where;
  throw new MalformedError('PKG_BAD_SHAPE', `${place}: ${expected} expected, found ${found}`, {
    details: { where, expected, found },
  });
}

const string: Shape = (value, where) => {
  if (typeof value !== 'string') fail(where, 'a string', value);
};
const boolean: Shape = (value, where) => {
  if (typeof value !== 'boolean') fail(where, 'true or false', value);
};
const size: Shape = (value, where) => {
  if (!Number.isSafeInteger(value) || (value as number) < 0) fail(where, 'a whole number from 0 up', value);
};
const int32: Shape = (value, where) => {
  if (!Number.isInteger(value) || (value as number) !== ((value as number) | 0))
    fail(where, 'a 32-bit whole number', value);
};
const anything: Shape = () => {};

function nullable(shape: Shape): Shape {
  return (value, where) => {
    if (value !== null) shape(value, where);
  };
}

function array(shape: Shape): Shape {
  return (value, where) => {
    if (!Array.isArray(value)) fail(where, 'an array', value);
    value.forEach((item, index) => {
      shape(item, `${where}[${index}]`);
    });
  };
}

function object(keys: Readonly<Record<string, Key>>): Shape {
  const entries = Object.entries(keys);
  return (value, where) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) fail(where, 'an object', value);
    for (const [key, { shape, required }] of entries) {
      if (Object.hasOwn(value, key))
        shape((value as Record<string, unknown>)[key], where === '' ? key : `${where}.${key}`);
      else if (required)
        throw new MalformedError('PKG_BAD_SHAPE', `${where === '' ? 'package' : where}: ${key} is missing`, {
          details: { where, key },
        });
    }
  };
}

const text = optional(nullable(string));

const variable = object({
  name: required(string),
  type: required(string),
  value: optional(anything),
  description: text,
  cmdarg: optional(object({ default: optional(anything), long: text, short: text, help: text })),
});

const map = object({
  name: required(string),
  ident: required(string),
  mmaped: optional(boolean),
  sample: optional(
    nullable(
      object({
        interval: required(size),
        type: optional(string),
        unit: optional(string),
        clear_map: optional(boolean),
      }),
    ),
  ),
});

const program = object({ name: required(string), attach: required(string), link: required(boolean) });

const exportType = object({
  name: required(string),
  members: required(array(object({ name: required(string), type: required(string) }))),
  size: required(size),
  type_id: required(size),
});

/** The skeleton alone, as in `OBJ.skel.json` below `bpf_skel`. */
const skeleton = object({
  data_sections: required(array(object({ name: required(string), variables: required(array(variable)) }))),
  maps: required(nullable(array(map))),
  progs: required(nullable(array(program))),
  obj_name: required(string),
  doc: optional(nullable(object({ version: text, brief: text, details: text, description: text }))),
});

const packageFile = object({
  bpf_object: required(string),
  bpf_object_size: required(size),
  meta: required(
    object({
      bpf_skel: required(skeleton),
      export_types: optional(array(exportType)),
      perf_buffer_pages: optional(size),
      perf_buffer_time_ms: optional(size),
      poll_timeout_ms: optional(int32),
      enable_multiple_export_types: optional(boolean),
    }),
  ),
});

/** Levels of nesting that the loader's JSON reader takes (serde_json's recursion limit). */
const MAX_DEPTH = 128;

/** Keys that nobody knows may hold anything, but what walks over them has a stack that ends. */
function checkDepth(value: unknown): void {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH)
      throw new MalformedError('PKG_BAD_SHAPE', `package: nested more than ${MAX_DEPTH} levels deep`, {
        details: { limit: MAX_DEPTH },
      });
    level = level.flatMap((one) => (typeof one === 'object' && one !== null ? Object.values(one) : []));
  }
}

/**
 * The value as a package.
 * @throws {MalformedError} `PKG_BAD_SHAPE` with the path of the first key that the loader would refuse.
 */
export function checkPackage(value: unknown): PackageFile {
  checkDepth(value);
  packageFile(value, '');
  const file = value as PackageFile;
  const { bpf_skel: skel } = file.meta;
  // the loader takes null for "none"; everything after this point sees arrays
  return { ...file, meta: { ...file.meta, bpf_skel: { ...skel, maps: skel.maps ?? [], progs: skel.progs ?? [] } } };
}

const buildInfo = object({
  ecc: required(string),
  clang: required(string),
  kernel_headers: required(string),
  target_arch: required(string),
  cflags: required(array(string)),
  sources: required(array(object({ name: required(string), sha256: required(string) }))),
});

/**
 * What a package says of how it was made, which the loader does not look at.
 * @throws {MalformedError} `PKG_BAD_SHAPE`
 */
export function checkBuildInfo(value: unknown): BuildInfo {
  buildInfo(value, 'build_info');
  return value as BuildInfo;
}
