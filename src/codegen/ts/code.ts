/**
 * The code of codecs: what reads and writes each member, as straight-line JavaScript over a `DataView`. The TypeScript module and the codecs
 * made at run time are printed by the same functions; TypeScript only adds the type annotations.
 */
import { assertNever } from '../../core/errors.ts';
import { access, isInherited, literalKey, quote } from './names.ts';
import { type AliasPlan, isFlexible, type MemberPlan, type Shape, type StructPlan } from './shapes.ts';

/** What the code is printed for. */
export interface Target {
  readonly littleEndian: boolean;
  /** With type annotations. */
  readonly typed: boolean;
  /** Called with each name of the decode runtime that the code uses. */
  use(name: RuntimeName): string;
  /** The TypeScript type of a shape, where `typed` code needs one. */
  typeOf(shape: Shape): string;
}

export type RuntimeName = keyof typeof import('../../decode/index.ts');

/** Where a value is read from: the view, its offset, and the end of flexible arrays. */
export interface Place {
  readonly view: string;
  readonly at: string;
  /** `undefined` where there can be no flexible array. */
  readonly end: string | undefined;
}

const METHOD = {
  1: { unsigned: 'Uint8', signed: 'Int8' },
  2: { unsigned: 'Uint16', signed: 'Int16' },
  4: { unsigned: 'Uint32', signed: 'Int32' },
  8: { unsigned: 'BigUint64', signed: 'BigInt64' },
} as const;
const INDEX_NAMES = 'ijklmnop';

function plus(at: string, offset: number): string {
  return offset === 0 ? at : `${at} + ${offset}`;
}

function sign(shape: { readonly signed: boolean }): 'signed' | 'unsigned' {
  return shape.signed ? 'signed' : 'unsigned';
}

/** The body of an object literal: one line a member. */
export function readMembers(target: Target, plan: StructPlan, indent: string): string {
  const place: Place = { view: 'view', at: 'at', end: 'end' };
  return plan.members
    .map((member) => `${indent}${literalKey(member.name)}: ${readMember(target, plan, member, place)},\n`)
    .join('');
}

/** One member as an expression. */
export function readMember(target: Target, plan: StructPlan, member: MemberPlan, place: Place): string {
  const what = memberPath(plan, member);
  if (member.bits !== undefined) return readBits(target, plan, member, member.bits, place);
  const fixedEnd = member.room === undefined ? undefined : plus(place.at, member.offset + member.room);
  const end = member.tail ? place.end : fixedEnd;
  return readShape(target, member.shape, { ...place, at: plus(place.at, member.offset), end }, what, 0);
}

function memberPath(plan: StructPlan, member: MemberPlan): string {
  return quote(`${plan.docName || plan.cName}.${member.name}`);
}

/** A value as an expression. */
export function readShape(target: Target, shape: Shape, place: Place, what: string, depth: number): string {
  const { view, at } = place;
  const little = target.littleEndian;
  switch (shape.kind) {
    case 'int':
      return readInt(target, shape, place, what);
    case 'enum': {
      const value = readInt(target, shape, place, what);
      return target.typed ? `${value} as ${target.typeOf(shape)}` : value;
    }
    case 'bool': {
      const value = readInt(target, { size: shape.size, signed: false, bigint: true }, place, what);
      return `${value} !== ${shape.size > 4 ? '0n' : '0'}`;
    }
    case 'float':
      return `${view}.getFloat${shape.size * 8}(${at}, ${little})`;
    case 'struct': {
      const end = shape.type.flexible && place.end !== undefined ? `, ${place.end}` : '';
      return `${shape.type.readName}(${view}, ${at}${end})`;
    }
    case 'string': {
      const size = shape.size ?? `${target.use('flexibleLength')}(${at}, ${place.end}, 1)`;
      return `${target.use('readString')}(${view}, ${at}, ${size})`;
    }
    case 'array':
      return readArray(target, shape, place, what, depth);
    default:
      return assertNever(shape);
  }
}

function readInt(
  target: Target,
  shape: { readonly size: number; readonly signed: boolean; readonly bigint: boolean },
  { view, at }: Place,
  what: string,
): string {
  const little = target.littleEndian;
  switch (shape.size) {
    case 1:
      return `${view}.get${METHOD[1][sign(shape)]}(${at})`;
    case 2:
    case 4:
      return `${view}.get${METHOD[shape.size][sign(shape)]}(${at}, ${little})`;
    case 8:
      if (shape.bigint) return `${view}.get${METHOD[8][sign(shape)]}(${at}, ${little})`;
      return `${target.use(shape.signed ? 'getSafeInt64' : 'getSafeUint64')}(${view}, ${at}, ${little}, ${what})`;
    default: {
      const value = `${target.use(shape.signed ? 'getInt128' : 'getUint128')}(${view}, ${at}, ${little})`;
      return shape.bigint ? value : `${target.use('toSafe')}(${value}, ${what})`;
    }
  }
}

/** `Uint32Array` for arrays that are one, `undefined` for the rest. */
export function typedArrayOf(shape: Shape): string | undefined {
  if (shape.kind === 'float') return `Float${shape.size * 8}Array`;
  if (shape.kind !== 'int' || shape.size === 16 || (shape.size === 8 && !shape.bigint)) return undefined;
  return `${METHOD[shape.size][sign(shape)]}Array`;
}

function readArray(
  target: Target,
  shape: Extract<Shape, { kind: 'array' }>,
  place: Place,
  what: string,
  depth: number,
): string {
  const { view, at, end } = place;
  const length = shape.length ?? `${target.use('flexibleLength')}(${at}, ${end}, ${shape.stride})`;
  const typed = typedArrayOf(shape.element);
  if (typed !== undefined) {
    const order = shape.stride === 1 ? '' : `, ${target.littleEndian}`;
    return `${target.use(`read${typed}` as RuntimeName)}(${view}, ${at}, ${length}${order})`;
  }
  const index = indexName(depth);
  const itemAt = `${at} + ${index}${shape.stride === 1 ? '' : ` * ${shape.stride}`}`;
  const item = readShape(target, shape.element, { view, at: itemAt, end: undefined }, what, depth + 1);
  return `${target.use('readArray')}(${length}, (${index}) => ${item})`;
}

function indexName(depth: number): string {
  return INDEX_NAMES[depth] ?? `i${depth}`;
}

/** How the bytes of a bitfield are loaded: from where, how many, and how far down its lowest bit is in that number. */
interface BitLoad {
  readonly offset: number;
  readonly size: number;
  readonly shift: number;
}

/** The bytes that a bitfield touches. */
function touchedBytes(bits: { readonly offset: number; readonly width: number }, little: boolean): BitLoad {
  const offset = Math.floor(bits.offset / 8);
  const lead = bits.offset % 8;
  const size = Math.ceil((lead + bits.width) / 8);
  return { offset, size, shift: little ? lead : size * 8 - lead - bits.width };
}

/** The same as one load that `DataView` has, if the struct leaves room for it. */
function singleLoad(load: BitLoad, limit: number, little: boolean): BitLoad | undefined {
  if (load.size === 1 || load.size === 2 || load.size === 4) return load;
  if (load.size !== 3) return undefined;
  if (load.offset + 4 <= limit) return { offset: load.offset, size: 4, shift: load.shift + (little ? 0 : 8) };
  if (load.offset > 0) return { offset: load.offset - 1, size: 4, shift: load.shift + (little ? 8 : 0) };
  return undefined;
}

function readBits(
  target: Target,
  plan: StructPlan,
  member: MemberPlan,
  bits: { readonly offset: number; readonly width: number },
  place: Place,
): string {
  const { shape } = member;
  const value = bitsValue(target, plan, member, bits, place);
  if (shape.kind === 'bool') return `${enclosed(value)} !== ${bits.width > 32 ? '0n' : '0'}`;
  if (shape.kind !== 'enum') return value;
  const cast = shape.bigint && bits.width <= 32 ? `BigInt(${value})` : value;
  return target.typed ? `${enclosed(cast)} as ${target.typeOf(shape)}` : cast;
}

/** The bits as a number up to 32 of them, beyond as the shape wants it. */
function bitsValue(
  target: Target,
  plan: StructPlan,
  member: MemberPlan,
  bits: { readonly offset: number; readonly width: number },
  { view, at }: Place,
): string {
  const { shape } = member;
  const little = target.littleEndian;
  const signed = 'signed' in shape && shape.signed;
  const touched = touchedBytes(bits, little);
  const single = singleLoad(touched, plan.need, little);
  if (single !== undefined) {
    const method = METHOD[single.size as 1 | 2 | 4][signed && bits.width === 32 ? 'signed' : 'unsigned'];
    const load = `${view}.get${method}(${plus(at, single.offset)}${single.size === 1 ? '' : `, ${little}`})`;
    return extract(load, single, bits.width, signed);
  }
  const load = `${plus(at, touched.offset)}, ${touched.size}, ${touched.shift}, ${bits.width}, ${signed}, ${little}`;
  const value = `${target.use('getBits')}(${view}, ${load})`;
  if (bits.width <= 32) return `Number(${value})`;
  if (shape.kind === 'bool' || ('bigint' in shape && shape.bigint)) return value;
  return `${target.use('toSafe')}(${value}, ${memberPath(plan, member)})`;
}

function enclosed(expression: string): string {
  return expression.includes(' >') || expression.includes(' &') ? `(${expression})` : expression;
}

function extract(load: string, { size, shift }: BitLoad, width: number, signed: boolean): string {
  if (width === 32) return load;
  if (signed) {
    const up = 32 - shift - width;
    return `${up === 0 ? load : `(${load} << ${up})`} >> ${32 - width}`;
  }
  const down = shift === 0 ? load : `${load} >>> ${shift}`;
  if (shift + width === size * 8) return down;
  return `${shift === 0 ? down : `(${down})`} & 0x${(2 ** width - 1).toString(16)}`;
}

/**
 * The statements that write a struct's members. Arms of a union that come from one decoding agree with each other: the runtime leaves
 * alone what already reads as the value to write, so that a bool does not spoil the byte that another arm put there.
 */
export function writeMembers(target: Target, plan: StructPlan, indent: string): string {
  return plan.members.map((member) => `${indent}${writeMember(target, plan, member)}\n`).join('');
}

function writeMember(target: Target, plan: StructPlan, member: MemberPlan): string {
  const what = memberPath(plan, member);
  const value = access('value', member.name);
  if (!member.arm) return writeBitsOrShape(target, member, value, what);
  if (!isInherited(member.name)) return `if (${value} !== undefined) ${writeBitsOrShape(target, member, value, what)}`;
  const own = `const own = ${target.use('given')}(value, ${quote(member.name)});`;
  return `{ ${own} if (own !== undefined) ${writeBitsOrShape(target, member, 'own', what)} }`;
}

function writeBitsOrShape(target: Target, member: MemberPlan, value: string, what: string): string {
  if (member.bits === undefined) {
    if (member.room !== undefined && member.shape.kind === 'struct') {
      const place = `${plus('at', member.offset)}, ${member.room}`;
      return `${target.use('putBounded')}(view, ${place}, ${member.shape.type.name}, ${value}, ${what});`;
    }
    return `${writeShape(target, member.shape, plus('at', member.offset), value, what, 0)};`;
  }
  const { offset, size, shift } = touchedBytes(member.bits, target.littleEndian);
  const signed = 'signed' in member.shape && member.shape.signed;
  const place = `${plus('at', offset)}, ${size}, ${shift}, ${member.bits.width}`;
  return `${target.use('putBits')}(view, ${place}, ${signed}, ${target.littleEndian}, ${value}, ${what});`;
}

/** A call that writes a value. */
export function writeShape(
  target: Target,
  shape: Shape,
  at: string,
  value: string,
  what: string,
  depth: number,
): string {
  const little = target.littleEndian;
  switch (shape.kind) {
    case 'int':
    case 'enum': {
      const put = `put${shape.signed ? 'Int' : 'Uint'}${shape.size * 8}` as RuntimeName;
      return `${target.use(put)}(view, ${at}, ${value}${shape.size === 1 ? '' : `, ${little}`}, ${what})`;
    }
    case 'bool':
      return `${target.use('putBool')}(view, ${at}, ${shape.size}, ${value}, ${little}, ${what})`;
    case 'float':
      return `${target.use(shape.size === 4 ? 'putFloat32' : 'putFloat64')}(view, ${at}, ${value}, ${little}, ${what})`;
    case 'struct':
      return `${shape.type.name}.write(view, ${at}, ${value})`;
    case 'string': {
      const size = shape.size ?? `${target.use('stringSize')}(${value})`;
      return `${target.use('putString')}(view, ${at}, ${size}, ${value}, ${what})`;
    }
    case 'array': {
      const index = indexName(depth);
      const item = `item${depth === 0 ? '' : depth + 1}`;
      const itemAt = `${at} + ${index}${shape.stride === 1 ? '' : ` * ${shape.stride}`}`;
      const put = writeShape(target, shape.element, itemAt, item, what, depth + 1);
      return `${target.use('putArray')}(${value}, ${shape.length}, ${what}, (${item}, ${index}) => ${put})`;
    }
    default:
      return assertNever(shape);
  }
}

/** The bytes that a value with a flexible array takes, as an expression. */
export function measureStruct(target: Target, plan: StructPlan): string {
  const ends = plan.members
    .filter((member) => member.tail && isFlexible(member.shape))
    .map((member) => {
      const value = access('value', member.name);
      const size = plus(measureShape(target, member.shape, value), member.offset);
      return member.arm ? `${value} === undefined ? 0 : ${size}` : size;
    });
  return `Math.max(${[String(plan.need), ...ends].join(', ')})`;
}

function measureShape(target: Target, shape: Shape, value: string): string {
  if (shape.kind === 'string') return `${target.use('stringSize')}(${value})`;
  if (shape.kind === 'struct') return `${shape.type.name}.measure(${value})`;
  return shape.kind === 'array' ? `${target.use('arraySize')}(${value}, ${shape.stride})` : '0';
}

/** The function that reads a struct: on its own, so that engines inline it where it is nested in others. */
export function readFunction(target: Target, plan: StructPlan): string {
  const members = readMembers(target, plan, '    ');
  // Of an empty struct nothing is read: `_` is what keeps tsc from complaining.
  const unused = members === '' ? '_' : '';
  const { typed } = target;
  const parameters = [`${unused}view${typed ? ': DataView' : ''}`, `${unused}at${typed ? ': number' : ''}`];
  if (plan.flexible) parameters.push(typed ? 'end?: number' : 'end');
  const body = members === '' ? '  return {};\n' : `  return {\n${members}  };\n`;
  return `function ${plan.readName}(${parameters.join(', ')})${typed ? `: ${plan.name}` : ''} {\n${body}}\n`;
}

/** The codec of a struct, as an expression. */
export function structCodec(target: Target, plan: StructPlan): string {
  const { name, readName, size, need, flexible } = plan;
  let text = `${target.use('codec')}({\n`;
  text += `  name: ${quote(plan.cName)},\n  size: ${size},\n`;
  if (need !== size) text += `  need: ${need},\n`;
  text += `  read: ${readName},\n`;
  // The runtime's own decode() is shared by all types, which keeps engines from specialising it.
  const args = `source, offset${flexible ? ', source.byteLength' : ''}`;
  const enough = need === 0 ? '' : ` && ${target.use('hasByte')}(source, ${plus('offset', need - 1)})`;
  text += '  decode: (source, offset = 0) =>\n';
  text += `    source instanceof DataView${enough} ? ${readName}(${args}) : ${name}.decodeAny(source, offset),\n`;
  const writes = writeMembers(target, plan, '    ');
  text += writes === '' ? '  write: () => {},\n' : `  write: (view, at, value) => {\n${writes}  },\n`;
  if (flexible) text += `  measure: (value) => ${measureStruct(target, plan)},\n`;
  return `${text}})`;
}

/** The codec of a value that is no struct, as an expression. */
export function aliasCodec(target: Target, plan: AliasPlan): string {
  const place: Place = { view: 'view', at: 'at', end: undefined };
  const what = quote(plan.cName);
  let text = `${target.use('codec')}({\n  name: ${what},\n  size: ${plan.size},\n`;
  text += `  read: (view, at) => ${readShape(target, plan.shape, place, what, 0)},\n`;
  text += `  write: (view, at, value) => ${writeShape(target, plan.shape, 'at', 'value', what, 0)},\n`;
  return `${text}})`;
}
