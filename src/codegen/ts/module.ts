/**
 * The TypeScript module of an object or of single types: interfaces, codecs, views, enums, and tables of programs, maps and global
 * variables. Text out, nothing else; the same input gives the same text.
 */
import type { TypeId } from '../../btf/kinds.ts';
import type { Btf } from '../../btf/table.ts';
import * as runtime from '../../decode/index.ts';
import { initialBytes } from '../../object/initial-bytes.ts';
import type { BpfMap, BpfObject, DataSection, MapDefinition } from '../../object/model.ts';
import { aliasCodec, type RuntimeName, readFunction, structCodec, type Target } from './code.ts';
import { literal } from './literal.ts';
import {
  commentText,
  literalKey,
  lowerIdentifier,
  moduleScope,
  type NameScope,
  quote,
  typeKey,
  upperCamel,
} from './names.ts';
import { Planner } from './plan.ts';
import { makeSectionCodec, type SectionLayout } from './run-time.ts';
import type { AliasPlan, EnumPlan, MemberPlan, Shape, StructPlan, ValueOptions } from './shapes.ts';
import { typeOfShape } from './types.ts';
import { codecType, viewClass } from './view.ts';

/** Doc comments by C name, as text: several lines are allowed. */
export interface ModuleDocs {
  readonly types?: ReadonlyMap<string, { readonly doc?: string; readonly members?: ReadonlyMap<string, string> }>;
  readonly variables?: ReadonlyMap<string, string>;
  readonly maps?: ReadonlyMap<string, string>;
  readonly programs?: ReadonlyMap<string, string>;
}

export interface ModuleInput {
  /** The types: the object's own, a kernel's. */
  readonly btf: Btf;
  /** Programs, maps and global variables; without it the module holds types only. */
  readonly object?: BpfObject;
  /** Types to write in any case, in this order; more follow from maps and variables. */
  readonly types?: readonly TypeId[];
  /** The types of the events that go through a ring buffer or perf event array, by map name. */
  readonly events?: ReadonlyMap<string, readonly TypeId[]>;
  readonly docs?: ModuleDocs;
  readonly options?: ValueOptions;
  /** What the module is made from, for its first line: a file name without directory. */
  readonly source: string;
}

/** Names that the module itself exports or imports under; no type can have them. */
const OWN_NAMES = ['maps', 'programs', 'ByteSource', 'Codec', 'DataSection'];

/** @throws {UsageError} `USAGE_TYPE` for a type that has no values; {@link MalformedError} for types that no compiler makes */
export function emitTypeScript(input: ModuleInput): string {
  return new ModuleWriter(input).write();
}

class ModuleWriter {
  readonly #input: ModuleInput;
  readonly #scope: NameScope;
  readonly #planner: Planner;
  readonly #used = new Set<string>();
  readonly #openEnums: boolean;
  readonly #target: Target;

  constructor(input: ModuleInput) {
    this.#input = input;
    this.#openEnums = input.options?.enums === 'open';
    this.#scope = moduleScope([...OWN_NAMES, ...Object.keys(runtime)]);
    this.#planner = new Planner(input.btf, this.#scope, input.options);
    this.#target = {
      littleEndian: input.btf.littleEndian,
      typed: true,
      use: (name: RuntimeName) => {
        this.#used.add(name);
        return name;
      },
      typeOf: (shape: Shape) => typeOfShape(shape, this.#openEnums),
    };
  }

  write(): string {
    const { object, btf } = this.#input;
    for (const id of this.#input.types ?? []) this.#planner.root(id, 'Type');
    let tables = '';
    if (object !== undefined) {
      const maps = this.#maps(object.maps);
      const sections = object.dataSections.map((section) => this.#section(btf, section)).join('');
      tables = this.#programs(object) + maps + sections;
    }
    const types = this.#planner.types.map((plan) => {
      switch (plan.kind) {
        case 'enum':
          return this.#enum(plan);
        case 'struct':
          return this.#struct(plan);
        default:
          return this.#alias(plan);
      }
    });
    return `${this.#header()}${[...types].join('')}${tables}`;
  }

  #header(): string {
    const lines = [`Types and decoders of ${commentText(this.#input.source)}, written by ecc from its BTF.`];
    lines.push('Do not edit: the next build writes it again.');
    let text = `// ${lines.join('\n// ')}\n`;
    const names = [...this.#used].sort((a, b) => (bare(a) < bare(b) ? -1 : 1));
    if (names.length > 0) text += `import { ${names.join(', ')} } from 'ebpf-ecc/decode';\n`;
    return text.length > 120
      ? text.replace(/import \{ (.*) \}/, (_, list: string) => `import {\n  ${list.replaceAll(', ', ',\n  ')},\n}`)
      : text;
  }

  #enum(plan: EnumPlan): string {
    const doc = this.#input.docs?.types?.get(plan.docName);
    const size = commentText(`\`${plan.cName}\`, ${bytes(plan.size)}.`);
    const wide = plan.bigint ? 'bigint' : 'number';
    if (plan.values.length === 0) return `\n${comment([doc?.doc, size], '')}export type ${plan.name} = ${wide};\n`;
    const number = (value: bigint) => (plan.bigint ? `${value}n` : String(value));
    const lines = plan.values.map(({ name, value }) => {
      const own = doc?.members?.get(name);
      return `${own === undefined ? '' : comment([own], '  ')}  ${literalKey(name)}: ${number(value)},\n`;
    });
    let text = `\n${comment([doc?.doc, size], '')}export const ${plan.name} = {\n${lines.join('')}} as const;\n`;
    text += `export type ${plan.name} = (typeof ${plan.name})[keyof typeof ${plan.name}];\n`;
    const seen = new Set<bigint>();
    const names = plan.values.filter(({ value }) => !seen.has(value) && seen.add(value));
    const entries = names.map(({ name, value }) => `  [${number(value)}, ${quote(name)}],\n`).join('');
    text += `/** The name of a value of {@link ${plan.name}}. */\n`;
    text += `export const ${plan.namesName}: ReadonlyMap<${wide}, keyof typeof ${plan.name}> = /* @__PURE__ */ new Map([\n${entries}] as const);\n`;
    return text;
  }

  #alias(plan: AliasPlan): string {
    const type = typeOfShape(plan.shape, this.#openEnums);
    const input = typeOfShape(plan.shape, this.#openEnums, true);
    this.#used.add('type Codec');
    const codec = input === type ? `Codec<${plan.name}>` : `Codec<${plan.name}, ${input}>`;
    const head = comment([commentText(`\`${plan.cName}\`, ${bytes(plan.size)}.`)], '');
    return `\n${head}export type ${plan.name} = ${type};\nexport const ${plan.name}: ${codec} = /* @__PURE__ */ ${aliasCodec(this.#target, plan)};\n`;
  }

  #struct(plan: StructPlan): string {
    this.#used.add('type Codec');
    const doc = this.#input.docs?.types?.get(plan.docName);
    const flexible = plan.flexible ? ` and a flexible array, ${plan.need} at least` : '';
    const what = commentText(plan.id === undefined ? `The variables in \`${plan.cName}\`` : `\`${plan.cName}\``);
    let text = `\n${comment([doc?.doc, `${what}, ${bytes(plan.size)}${flexible}.`], '')}`;
    text += `export interface ${plan.name} {\n`;
    for (const member of plan.members) {
      const own =
        plan.id === undefined ? this.#input.docs?.variables?.get(member.name) : doc?.members?.get(member.name);
      text += comment([own, placeOf(plan, member)], '  ');
      text += `  ${typeKey(member.name)}: ${typeOfShape(member.shape, this.#openEnums)};\n`;
    }
    text += '}\n';
    if (plan.hasArms) text += this.#inputInterface(plan);
    text += readFunction(this.#target, plan);
    text += `export const ${plan.name}: ${codecType(plan)} = /* @__PURE__ */ ${structCodec(this.#target, plan)};\n`;
    this.#used.add('type ByteSource');
    return text + viewClass(this.#target, plan);
  }

  /** What a type with unions is encoded from: arms may be left out, nested types are inputs themselves. */
  #inputInterface(plan: StructPlan): string {
    const type = (member: MemberPlan) => typeOfShape(member.shape, this.#openEnums, true);
    const differing = plan.members.filter(
      (member) => member.arm || type(member) !== typeOfShape(member.shape, this.#openEnums),
    );
    const what = plan.id === undefined ? 'variables may be left out' : 'of a union the arms that are given are written';
    let text = `/** What {@link ${plan.name}} is encoded from: ${what}. */\n`;
    const all = differing.length === plan.members.length;
    const omitted = differing.map((member) => quote(member.name)).join(' | ');
    text += `export interface ${plan.inputName}${all ? '' : ` extends Omit<${plan.name}, ${omitted}>`} {\n`;
    for (const member of differing) {
      text += `  ${typeKey(member.name)}${member.arm ? '?' : ''}: ${type(member)}${member.arm ? ' | undefined' : ''};\n`;
    }
    return `${text}}\n`;
  }

  #programs({ programs }: BpfObject): string {
    if (programs.length === 0) return '';
    let text = '\n/** The programs, by function. */\nexport const programs = {\n';
    for (const { name, section, definition } of programs) {
      const doc = this.#input.docs?.programs?.get(name);
      const type = definition === undefined ? 'undefined' : quote(definition.programType);
      text += `${doc === undefined ? '' : comment([doc], '  ')}  ${literalKey(name)}: { section: ${quote(section)}, type: ${type} },\n`;
    }
    return `${text}} as const;\n`;
  }

  #maps(maps: readonly BpfMap[]): string {
    const own = maps.filter(({ kind }) => kind === 'user' || kind === 'arena' || kind === 'structOps');
    if (own.length === 0) return '';
    let text =
      '\n/** The maps. Keys and values are codecs: `maps.NAME.key.encode(…)`, `maps.NAME.value.decode(…)`. */\n';
    text += 'export const maps = {\n';
    for (const map of own) {
      const doc = this.#input.docs?.maps?.get(map.name);
      const parts = typeAndEntries(map);
      if (map.kind === 'user') parts.push(...this.#keyAndValue(map, upperCamel(map.name)), ...this.#events(map.name));
      text += `${doc === undefined ? '' : comment([doc], '  ')}  ${literalKey(map.name)}: { ${parts.join(', ')} },\n`;
    }
    return `${text}} as const;\n`;
  }

  #keyAndValue(map: MapDefinition, name: string): string[] {
    const parts = [`keySize: ${map.keySize}`, `valueSize: ${map.valueSize}`];
    if (map.keyTypeId !== undefined) parts.push(`key: ${this.#planner.codecRoot(map.keyTypeId, `${name}Key`).name}`);
    if (map.valueTypeId !== undefined)
      parts.push(`value: ${this.#planner.codecRoot(map.valueTypeId, `${name}Value`).name}`);
    if (map.inner !== undefined) {
      const inner = [...typeAndEntries(map.inner), ...this.#keyAndValue(map.inner, `${name}Inner`)];
      parts.push(`inner: { ${inner.join(', ')} }`);
    }
    return parts;
  }

  #events(map: string): string[] {
    const events = this.#input.events?.get(map) ?? [];
    const codecs = events.map((id) => this.#planner.codecRoot(id, `${upperCamel(map)}Event`).name);
    if (codecs.length > 1) return [`events: { ${codecs.join(', ')} }`];
    return codecs.map((codec) => `event: ${codec}`);
  }

  #section(btf: Btf, section: DataSection): string {
    const variables = section.variables.filter(({ exported }) => exported);
    if (variables.length === 0 || section.kind === 'arena') return '';
    const constName = this.#scope.take(lowerIdentifier(section.name));
    const layout: SectionLayout = { name: section.name, size: section.size, variables };
    const plan = this.#planner.section(section.name, upperCamel(section.name), section.size, variables);
    const values = makeSectionCodec(btf, layout, this.#input.options).decode(initialBytes(section));
    this.#used.add('type DataSection');
    const places = plan.members.map(
      (member) => `    ${literalKey(member.name)}: { offset: ${member.offset}, size: ${member.size} },\n`,
    );
    const defaults = literal(values, '  ', { kind: 'struct', type: plan }, !this.#openEnums);
    let text = `\n/** The global variables in \`${commentText(section.name)}\` and what they start with. */\n`;
    text += `export const ${constName}: DataSection<${plan.name}, ${plan.inputName}> = {\n`;
    text += `  section: ${quote(section.name)},\n  codec: ${plan.name},\n`;
    text += `  variables: {\n${places.join('')}  },\n  defaults: ${defaults},\n};\n`;
    if (section.data === undefined || section.kind === 'kconfig') return text;
    const patch = this.#scope.take(`patch${upperCamel(section.name)}`);
    text += `\n/** A copy of the object with some variables of \`${commentText(section.name)}\` set. */\n`;
    text += `export function ${patch}(object: Uint8Array, values: ${plan.inputName}): Uint8Array {\n`;
    return `${text}  return ${this.#target.use('patchSection')}(object, ${constName}, values);\n}\n`;
  }
}

function typeAndEntries({ type, typeName, maxEntries }: MapDefinition): string[] {
  return [`type: ${typeName === undefined ? type : quote(typeName)}`, `maxEntries: ${maxEntries}`];
}

function bare(name: string): string {
  return name.replace('type ', '').toLowerCase() + name;
}

function bytes(size: number): string {
  return size === 1 ? '1 byte' : `${size} bytes`;
}

function placeOf(plan: StructPlan, member: MemberPlan): string {
  const arm = member.arm && plan.id !== undefined ? ', in a union' : '';
  const where =
    member.bits === undefined
      ? `Offset ${member.offset}, ${member.size === 0 && member.tail ? 'flexible' : bytes(member.size)}`
      : `Offset ${member.offset}, bit ${member.bits.offset % 8}, ${member.bits.width === 1 ? '1 bit' : `${member.bits.width} bits`}`;
  return commentText(`${where}${arm}: \`${member.c}\``);
}

/** A doc comment of the paragraphs that there are. */
function comment(paragraphs: readonly (string | undefined)[], indent: string): string {
  const lines = paragraphs
    .filter((paragraph) => paragraph !== undefined && paragraph.trim() !== '')
    .flatMap((paragraph, i) => [...(i === 0 ? [] : ['']), ...(paragraph as string).trim().split(/\r?\n/)])
    .map((line) => commentText(line.trimEnd()));
  if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`;
  return `${indent}/**\n${lines.map((line) => `${indent} *${line === '' ? '' : ` ${line}`}\n`).join('')}${indent} */\n`;
}
