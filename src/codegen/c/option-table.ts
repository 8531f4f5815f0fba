/**
 * The command-line options of a standalone loader: one for each `const volatile` global of a scalar type, `bool`, `enum` or char
 * array, and for each other global whose doc comment has a `@cmdarg`.
 */
import { makeCTypePrinter } from '../../btf/c-type.ts';
import { isModifier, Kind, type TypeId } from '../../btf/kinds.ts';
import type { Btf } from '../../btf/table.ts';
import { UsageError } from '../../core/errors.ts';
import type { BpfObject, DataSection, DataVariable } from '../../object/model.ts';
import { cString, cStringOrNull } from './literal.ts';
import { type TypeTable, type ValueType, valueType } from './type-table.ts';

/** What doc comments say about a variable. */
export interface VariableDocs {
  readonly name: string;
  readonly value?: unknown;
  readonly description?: string | null;
  readonly cmdarg?: {
    readonly default?: unknown;
    readonly long?: string | null;
    readonly short?: string | null;
    readonly help?: string | null;
  };
}

export interface SectionDocs {
  readonly name: string;
  readonly variables: readonly VariableDocs[];
}

/** Names that every loader has, and letters that no program can take from it. */
const RESERVED_NAMES = ['json', 'trace', 'verbose', 'btf', 'cgroup', 'attach', 'help', 'version'];
const RESERVED_LETTERS = ['h', 'V'];

/**
 * The lines of the table.
 * @throws {UsageError} `USAGE_OPTION_NAME` for names that cannot be typed or that two options share, `USAGE_OPTION_DEFAULT`
 *   for a default that the variable cannot hold
 */
export function emitOptions(btf: Btf, model: BpfObject, docs: readonly SectionDocs[], types: TypeTable): string {
  const taken = new Map<string, string>();
  const letters = new Set<string>();
  const lines: string[] = [];
  for (const section of model.dataSections) {
    if (section.kind === 'kconfig' || section.kind === 'arena') continue;
    const documented = new Map(
      docs.find(({ name }) => name === section.name)?.variables.map((entry) => [entry.name, entry]),
    );
    for (const variable of section.variables) {
      const doc = documented.get(variable.name);
      const type = valueType(btf, variable.typeId);
      if (!variable.exported || type === undefined || !isSettable(type)) continue;
      if (!isConstVolatile(btf, variable.typeId) && doc?.cmdarg === undefined) continue;
      const name = optionName(variable, doc, taken);
      const letter = doc?.cmdarg?.short ?? '';
      const isFree =
        /^[!-~]$/.test(letter) && !'-='.includes(letter) && !RESERVED_LETTERS.includes(letter) && !letters.has(letter);
      if (isFree) letters.add(letter);
      const value = documentedDefault(btf, type, variable, doc);
      const shown = value ?? initialValue(btf, type, section, variable);
      const fields = [
        `.name = ${cString(name)}`,
        ...(isFree ? [`.letter = ${letter.charCodeAt(0)}`] : []),
        `.help = ${cString(doc?.cmdarg?.help ?? doc?.description ?? stockHelp(btf, variable))}`,
        `.shown = ${cStringOrNull(shown === '' ? undefined : shown)}`,
        `.value = ${cStringOrNull(value)}`,
        `.section = ${cString(section.name)}`,
        `.offset = ${variable.offset}`,
        `.type = ${types.pointerTo(variable.typeId)}`,
      ];
      lines.push(`\t{\n${fields.map((field) => `\t\t${field},\n`).join('')}\t},\n`);
    }
  }
  return lines.join('');
}

function isSettable({ kind, size }: ValueType): boolean {
  switch (kind) {
    case 'INT':
    case 'UINT':
      return size <= 8;
    case 'BOOL':
      return size === 1;
    case 'TEXT':
      return size > 0;
    case 'ENUM':
    case 'FLOAT':
      return true;
    default:
      return false;
  }
}

/** Qualifiers of an array belong to its elements. */
function isConstVolatile(btf: Btf, id: TypeId): boolean {
  let isConst = false;
  let isVolatile = false;
  for (let kind = btf.kind(id); isModifier(kind) || kind === Kind.array; kind = btf.kind(id)) {
    isConst ||= kind === Kind.const;
    isVolatile ||= kind === Kind.volatile;
    id = kind === Kind.array ? btf.arrayElement(id) : btf.ref(id);
  }
  return isConst && isVolatile;
}

function optionName(variable: DataVariable, doc: VariableDocs | undefined, taken: Map<string, string>): string {
  const wanted = (doc?.cmdarg?.long ?? variable.name).replace(/^-+/, '');
  if (!/^[\w.][\w.-]*$/.test(wanted)) {
    throw new UsageError(
      'USAGE_OPTION_NAME',
      `variable ${variable.name}: --${wanted} cannot be the name of an option`,
      {
        details: { variable: variable.name, long: wanted },
        hint: 'letters, digits, - and _ are possible in "long" of its @cmdarg',
      },
    );
  }
  const key = wanted.replaceAll('_', '-');
  const name = RESERVED_NAMES.includes(key) ? `set-${wanted}` : wanted;
  const other = taken.get(name.replaceAll('_', '-'));
  if (other !== undefined) {
    throw new UsageError(
      'USAGE_OPTION_NAME',
      `variables ${other} and ${variable.name} both want the option --${name}`,
      {
        details: { variables: [other, variable.name], long: name },
        hint: 'give one of them another "long" in its @cmdarg',
      },
    );
  }
  taken.set(name.replaceAll('_', '-'), variable.name);
  return name;
}

function stockHelp(btf: Btf, variable: DataVariable): string {
  return `Global variable ${makeCTypePrinter(btf, { stripModifiers: true }).text(variable.typeId, variable.name)}`;
}

/** The default of the doc comment as it would be typed. */
function documentedDefault(
  btf: Btf,
  type: ValueType,
  variable: DataVariable,
  doc: VariableDocs | undefined,
): string | undefined {
  const value = doc?.cmdarg?.default ?? doc?.value;
  if (value === undefined || value === null) return undefined;
  const text = asTyped(btf, type, value);
  if (text !== undefined) return text;
  throw new UsageError(
    'USAGE_OPTION_DEFAULT',
    `variable ${variable.name}: it cannot hold its default ${JSON.stringify(value)}`,
    {
      details: { variable: variable.name, default: value },
      hint: 'the default of its @cmdarg has to be a value of its type',
    },
  );
}

/** A JSON value as text that the loader's parser takes; `undefined` where it would refuse it. */
function asTyped(btf: Btf, { kind, size, typeId }: ValueType, value: unknown): string | undefined {
  const isText = typeof value === 'string';
  switch (kind) {
    case 'BOOL':
      if (value === true || value === 1) return 'true';
      return value === false || value === 0 ? 'false' : undefined;
    case 'TEXT':
      return isText && Buffer.byteLength(value) < size && !value.includes('\0') ? value : undefined;
    case 'FLOAT':
      return typeof value === 'number' && Number.isFinite(value) ? String(value) : undefined;
    case 'ENUM':
      if (isText && enumerators(btf, typeId).has(value)) return value;
      return isInteger(value, size, btf.kindFlag(typeId)) ? integerText(value) : undefined;
    default:
      return isInteger(value, size, kind === 'INT') ? integerText(value) : undefined;
  }
}

function isInteger(value: unknown, size: number, isSigned: boolean): value is number | string {
  if (typeof value === 'string' ? !/^-?\d+$/.test(value) : !Number.isInteger(value)) return false;
  const number = BigInt(value as number | string);
  return number === (isSigned ? BigInt.asIntN(size * 8, number) : BigInt.asUintN(size * 8, number));
}

/** Without the exponent that large numbers have in JavaScript. */
function integerText(value: number | string): string {
  return BigInt(value).toString();
}

function enumerators(btf: Btf, id: TypeId): Map<string, bigint> {
  const values = new Map<string, bigint>();
  for (let i = 0; i < btf.vlen(id); i++) values.set(btf.enumeratorName(id, i), btf.enumeratorValue(id, i));
  return values;
}

/** The value in the object as it would be typed. */
function initialValue(
  btf: Btf,
  { kind, size, typeId }: ValueType,
  section: DataSection,
  variable: DataVariable,
): string | undefined {
  const bytes = new Uint8Array(size);
  if (section.data !== undefined) bytes.set(section.data.subarray(variable.offset, variable.offset + size));
  if (!btf.littleEndian && kind !== 'TEXT') bytes.reverse();
  const view = new DataView(bytes.buffer);
  const isSigned = kind === 'INT' || (kind === 'ENUM' && btf.kindFlag(typeId));
  const number = () => {
    const value = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    return isSigned ? BigInt.asIntN(size * 8, value) : value;
  };
  switch (kind) {
    case 'BOOL':
      return bytes[0] === 0 ? 'false' : 'true';
    case 'FLOAT':
      return String(size === 4 ? Number(view.getFloat32(0, true).toPrecision(7)) : view.getFloat64(0, true));
    case 'TEXT': {
      const end = bytes.indexOf(0);
      return Buffer.from(bytes.subarray(0, end < 0 ? size : end)).toString('utf8');
    }
    case 'ENUM':
      return [...enumerators(btf, typeId)].find(([, value]) => value === number())?.[0] ?? number().toString();
    default:
      return number().toString();
  }
}
