/**
 * The plan of a TypeScript module: which types it has, what each is called, and where every member lies, to the bit. Everything that
 * is decided about C shapes is decided here; the back ends that print code only spell it out.
 *
 * Members of anonymous structs and unions become members of the type around them, as in C. What is refused: types without a size,
 * members outside of their struct, structs that contain themselves: no compiler makes those.
 */

import { aKind, IntEncoding, isComposite, isEnum, Kind, kindName, type TypeId } from '../../btf/kinds.ts';
import { resolve, sizeOf, stripModifiers } from '../../btf/layout.ts';
import type { Btf } from '../../btf/table.ts';
import { MalformedError, UnsupportedError, UsageError } from '../../core/errors.ts';
import { cDeclaration } from './c-name.ts';
import { NameScope, upperCamel } from './names.ts';
import {
  type AliasPlan,
  type EnumPlan,
  holdsArms,
  type IntSize,
  isFlexible,
  type MemberPlan,
  type SectionVariable,
  type Shape,
  type StructPlan,
  shapeCost,
  type TypePlan,
  type ValueOptions,
} from './shapes.ts';

const MAX_NESTING = 128;
/** Anonymous structs that one type may take members from. The kernel's largest has a few hundred. */
const MAX_ANONYMOUS = 10_000;
/**
 * Values that decoding may read, apart from a number for each byte: unions of unions of one type, and arrays of empty structs, cost
 * time without having bytes.
 */
const MAX_COST = 100_000;
const MAX_COST_PER_BYTE = 64;

interface TypeName {
  readonly ts: string;
  /** Tag or typedef; empty for what has neither. */
  readonly c: string;
  /** `struct event`, `event_t`, or the TypeScript name. */
  readonly spelled: string;
}

/** What members of a type, and of the anonymous ones in it, are taken from. */
interface Surroundings {
  /** Bytes from the start of the named type. */
  readonly base: number;
  readonly arm: boolean;
  readonly tail: boolean;
  readonly size: number;
  readonly cName: string;
  readonly name: string;
  readonly depth: number;
  readonly anonymous: { count: number };
}

export class Planner {
  readonly #btf: Btf;
  readonly #scope: NameScope;
  readonly #u64: 'bigint' | 'number';
  readonly #charArrays: 'string' | 'bytes';
  readonly #structs = new Map<TypeId, StructPlan | 'open'>();
  readonly #enums = new Map<TypeId, EnumPlan>();
  readonly #aliases = new Map<TypeId, AliasPlan>();
  readonly #types: TypePlan[] = [];

  constructor(btf: Btf, scope: NameScope, options: ValueOptions = {}) {
    this.#btf = btf;
    this.#scope = scope;
    this.#u64 = options.u64 ?? 'bigint';
    this.#charArrays = options.charArrays ?? 'string';
  }

  /** The types planned so far, those that others need before them. */
  get types(): readonly TypePlan[] {
    return this.#types;
  }

  /**
   * Plans a type for itself.
   * @param hint  the name for a type that has none
   * @throws {UsageError} `USAGE_TYPE` for something that has no values: a function, a variable, a forward declaration.
   */
  root(id: TypeId, hint: string): TypePlan {
    const btf = this.#btf;
    const target = resolve(btf, id);
    const kind = btf.kind(target);
    if (sizeOf(btf, id) === undefined || kind === Kind.datasec) {
      const name = btf.name(id) || hint;
      const why = kind === Kind.fwd ? 'is only declared in this BTF' : `is ${aKind(kind)} and has no values to decode`;
      throw new UsageError('USAGE_TYPE', `${name} ${why}`, {
        details: { typeId: id, kind: kindName(kind) },
      });
    }
    if (isComposite(kind)) return this.#struct(target, this.#nameOf(id, hint), 0);
    if (isEnum(kind)) {
      const shape = this.#shape(id, hint, 0);
      if (shape.kind === 'enum') return shape.type;
    }
    return this.#alias(id, hint);
  }

  /** A codec for any type: structs give their own, the rest an alias. Enums need one only as keys and values of maps. */
  codecRoot(id: TypeId, hint: string): StructPlan | AliasPlan {
    const plan = this.root(id, hint);
    return plan.kind === 'enum' ? this.#alias(id, hint, `${plan.name}Codec`) : plan;
  }

  /** The variables of a data section as a struct. */
  section(section: string, name: string, size: number, variables: readonly SectionVariable[]): StructPlan {
    const names = new NameScope();
    const members = variables.map((variable): MemberPlan => {
      const shape = this.#shape(variable.typeId, name + upperCamel(variable.name), 0);
      const flexible = isFlexible(shape);
      const typeSize = sizeOf(this.#btf, variable.typeId) ?? 0;
      const memberSize = flexible ? Math.max(typeSize, variable.size) : typeSize;
      this.#checkWithin(`section ${section}`, variable.name, variable.offset + memberSize, size);
      return {
        name: names.take(variable.name),
        offset: variable.offset,
        size: memberSize,
        shape,
        arm: true,
        tail: false,
        ...(flexible ? { room: memberSize } : {}),
        c: cDeclaration(this.#btf, variable.typeId, variable.name),
      };
    });
    const own = this.#scope.take(name);
    const plan: StructPlan = {
      kind: 'struct',
      id: undefined,
      name: own,
      inputName: this.#scope.take(`${own}Input`),
      viewName: this.#scope.take(`${own}View`),
      readName: this.#scope.take(`read${own}`),
      cName: section,
      docName: '',
      size,
      need: size,
      flexible: false,
      members,
      hasArms: true,
      cost: costOf(section, members, size),
    };
    this.#types.push(plan);
    return plan;
  }

  #alias(id: TypeId, hint: string, wanted = this.#nameOf(id, hint).ts): AliasPlan {
    const known = this.#aliases.get(id);
    if (known !== undefined) return known;
    const shape = this.#shape(id, wanted, 0);
    const cName = cDeclaration(this.#btf, id, '');
    const size = sizeOf(this.#btf, id) ?? 0;
    checkCost(cName, shapeCost(shape), size);
    const plan: AliasPlan = { kind: 'alias', id, name: this.#scope.take(wanted), cName, size, shape };
    this.#aliases.set(id, plan);
    this.#types.push(plan);
    return plan;
  }

  /** What a type is called: by its own name, or that of the typedef through which it is reached. */
  #nameOf(id: TypeId, hint: string): TypeName {
    const btf = this.#btf;
    const outer = stripModifiers(btf, id);
    const target = resolve(btf, id);
    const kind = btf.kind(target);
    const tag = isComposite(kind) || isEnum(kind) ? btf.name(target) : '';
    const c = tag === '' ? btf.name(outer) : tag;
    const keyword = tag === '' ? '' : `${isEnum(kind) ? 'enum' : kind === Kind.union ? 'union' : 'struct'} `;
    return { ts: c === '' ? hint : upperCamel(c), c, spelled: c === '' ? hint : keyword + c };
  }

  /** @param wanted  the name for a struct or enum that has none */
  #shape(id: TypeId, wanted: string, depth: number, tail = false): Shape {
    const btf = this.#btf;
    const target = resolve(btf, id);
    const kind = btf.kind(target);
    switch (kind) {
      case Kind.int:
        return this.#int(target);
      case Kind.float: {
        const size = btf.recordedSize(target);
        // Half, extended and quad precision have no counterpart here: their bytes are what can be had exactly.
        return size === 4 || size === 8 ? { kind: 'float', size } : bytesShape(size);
      }
      case Kind.ptr:
        return { kind: 'int', size: 8, signed: false, bigint: true };
      case Kind.enum:
      case Kind.enum64: {
        const size = this.#intSize(target);
        const type = this.#enum(target, this.#nameOf(id, wanted));
        return { kind: 'enum', size, signed: btf.kindFlag(target), bigint: type.bigint, type };
      }
      case Kind.struct:
      case Kind.union:
        return { kind: 'struct', type: this.#struct(target, this.#nameOf(id, wanted), depth + 1) };
      case Kind.array:
        return this.#array(target, wanted, depth, tail);
      default:
        throw new MalformedError(
          'BTF_BAD_MEMBER',
          `type ${id} is ${aKind(kind)} (${btf.name(target)}), which has no size`,
          {
            details: { typeId: id },
          },
        );
    }
  }

  #int(id: TypeId): Shape {
    const size = this.#intSize(id);
    const { encoding } = this.#btf.int(id);
    if ((encoding & IntEncoding.bool) !== 0) return { kind: 'bool', size };
    const signed = (encoding & IntEncoding.signed) !== 0;
    return { kind: 'int', size, signed, bigint: size > 4 && this.#u64 === 'bigint' };
  }

  #intSize(id: TypeId): IntSize {
    const size = this.#btf.recordedSize(id);
    if (size === 1 || size === 2 || size === 4 || size === 8 || size === 16) return size;
    throw new MalformedError('BTF_BAD_SIZE', `type ${id} (${this.#btf.name(id)}) is an integer of ${size} bytes`, {
      details: { typeId: id, size },
    });
  }

  #array(id: TypeId, wanted: string, depth: number, tail: boolean): Shape {
    const btf = this.#btf;
    const elementId = btf.arrayElement(id);
    const length = tail && btf.arrayLength(id) === 0 ? undefined : btf.arrayLength(id);
    const elementType = resolve(btf, elementId);
    if (btf.kind(elementType) === Kind.int && btf.recordedSize(elementType) === 1 && btf.name(elementType) === 'char') {
      return this.#charArrays === 'string' ? { kind: 'string', size: length } : bytesShape(length);
    }
    if (depth > MAX_NESTING) throw tooDeep(btf, id);
    const element = this.#shape(elementId, wanted, depth + 1);
    const stride = sizeOf(btf, elementId) ?? 0;
    return { kind: 'array', element, length, stride };
  }

  #enum(id: TypeId, wanted: TypeName): EnumPlan {
    const known = this.#enums.get(id);
    if (known !== undefined) return known;
    const btf = this.#btf;
    const names = new NameScope();
    const values = Array.from({ length: btf.vlen(id) }, (_, i) => ({
      name: names.take(btf.enumeratorName(id, i)),
      value: btf.enumeratorValue(id, i),
    }));
    const fitsNumber = values.every(({ value }) => Number.isSafeInteger(Number(value)));
    const name = this.#scope.take(wanted.ts);
    const plan: EnumPlan = {
      kind: 'enum',
      id,
      name,
      namesName: this.#scope.take(`${name}Names`),
      cName: wanted.spelled,
      docName: wanted.c,
      size: btf.recordedSize(id),
      bigint: btf.recordedSize(id) > 4 && (this.#u64 === 'bigint' || !fitsNumber),
      values,
    };
    this.#enums.set(id, plan);
    this.#types.push(plan);
    return plan;
  }

  #struct(id: TypeId, wanted: TypeName, depth: number): StructPlan {
    const known = this.#structs.get(id);
    const btf = this.#btf;
    if (known === 'open' || depth > MAX_NESTING) throw tooDeep(btf, id);
    if (known !== undefined) return known;
    this.#structs.set(id, 'open');
    const name = this.#scope.take(wanted.ts);
    const size = btf.recordedSize(id);
    const cName = wanted.spelled;
    const members: MemberPlan[] = [];
    const names = new NameScope();
    const anonymous = { count: 0 };
    this.#flatten(id, { base: 0, arm: false, tail: true, size, cName, name, depth, anonymous }, members, names);
    const flexible = members.some((member) => member.tail);
    const fixedEnd = members.reduce((end, member) => Math.max(end, fixedEndOf(member)), 0);
    const hasArms = members.some((member) => member.arm || holdsArms(member.shape));
    const plan: StructPlan = {
      kind: 'struct',
      id,
      name,
      inputName: hasArms ? this.#scope.take(`${name}Input`) : name,
      viewName: this.#scope.take(`${name}View`),
      readName: this.#scope.take(`read${name}`),
      cName,
      docName: wanted.c,
      size,
      need: flexible ? fixedEnd : size,
      flexible,
      members,
      hasArms,
      cost: costOf(cName, members, size),
    };
    this.#structs.set(id, plan);
    this.#types.push(plan);
    return plan;
  }

  #flatten(id: TypeId, around: Surroundings, members: MemberPlan[], names: NameScope): void {
    const btf = this.#btf;
    if (around.depth > MAX_NESTING || around.anonymous.count++ > MAX_ANONYMOUS) throw tooDeep(btf, id);
    const union = btf.kind(id) === Kind.union;
    const arm = around.arm || union;
    const count = btf.vlen(id);
    for (let i = 0; i < count; i++) {
      const memberId = btf.memberType(id, i);
      const target = resolve(btf, memberId);
      const memberName = btf.memberName(id, i);
      const bitOffset = around.base * 8 + btf.memberBitOffset(id, i);
      const tail = around.tail && (union || i === count - 1);
      const bits = this.#bitfield(id, i, target, bitOffset);
      const offset = Math.floor((bits?.offset ?? bitOffset) / 8);
      if (bits === undefined && bitOffset % 8 !== 0) {
        throw badMember(around.cName, memberName, `starts at bit ${bitOffset} without being a bitfield`);
      }
      if (memberName === '' && isComposite(btf.kind(target))) {
        this.#flatten(target, { ...around, base: offset, arm, tail, depth: around.depth + 1 }, members, names);
        continue;
      }
      // Only bitfields go without a name otherwise: they are padding.
      if (memberName === '') continue;
      const size = bits === undefined ? sizeOf(btf, memberId) : Math.ceil((bits.offset + bits.width) / 8) - offset;
      if (size === undefined)
        throw badMember(around.cName, memberName, `is ${aKind(btf.kind(target))}, which has no size`);
      this.#checkWithin(around.cName, memberName, offset + size, around.size);
      const whole = this.#shape(memberId, around.name + upperCamel(memberName), around.depth, tail);
      // A few bits fit a number, whatever the type that they are declared with.
      const shape =
        whole.kind === 'int' && bits !== undefined && bits.width <= 32 ? { ...whole, bigint: false } : whole;
      const declaration = cDeclaration(btf, memberId, memberName);
      members.push({
        name: names.take(memberName),
        offset,
        ...(bits === undefined ? {} : { bits }),
        size,
        shape,
        arm,
        tail: tail && isFlexible(shape),
        ...(!tail && isFlexible(shape) && shape.kind === 'struct' ? { room: shape.type.need } : {}),
        c: bits === undefined ? declaration : `${declaration}:${bits.width}`,
      });
    }
  }

  /** A bitfield is marked by the member, in old files by an int type that is narrower than its bytes. */
  #bitfield(
    id: TypeId,
    index: number,
    target: TypeId,
    bitOffset: number,
  ): { offset: number; width: number } | undefined {
    const btf = this.#btf;
    const width = btf.memberBitSize(id, index);
    const kind = btf.kind(target);
    if (width === 0) {
      if (kind !== Kind.int) return undefined;
      const int = btf.int(target);
      if (int.bits === btf.recordedSize(target) * 8 && int.bitOffset === 0) return undefined;
      if (int.bits === 0 || int.bits > btf.recordedSize(target) * 8) {
        throw badMember(btf.name(id), btf.memberName(id, index), `has an integer type of ${int.bits} bits`);
      }
      return { offset: bitOffset + int.bitOffset, width: int.bits };
    }
    if (kind !== Kind.int && !isEnum(kind)) {
      throw badMember(btf.name(id), btf.memberName(id, index), `is a bitfield of ${aKind(kind)}`);
    }
    if (width > btf.recordedSize(target) * 8) {
      throw badMember(btf.name(id), btf.memberName(id, index), `is ${width} bits of a ${btf.name(target)}`);
    }
    return { offset: bitOffset, width };
  }

  #checkWithin(owner: string, member: string, end: number, size: number): void {
    if (end > size) throw badMember(owner, member, `ends at byte ${end} of ${size}`);
  }
}

function bytesShape(length: number | undefined): Shape {
  return { kind: 'array', element: { kind: 'int', size: 1, signed: false, bigint: false }, length, stride: 1 };
}

/** Where the part of a member ends that is always there. */
function fixedEndOf(member: MemberPlan): number {
  if (member.tail && member.shape.kind === 'struct') return member.offset + member.shape.type.need;
  return member.offset + (member.tail ? 0 : member.size);
}

function costOf(cName: string, members: readonly MemberPlan[], size: number): number {
  const cost = members.reduce((sum, member) => sum + shapeCost(member.shape), 1);
  checkCost(cName, cost, size);
  return cost;
}

function checkCost(cName: string, cost: number, size: number): void {
  if (cost <= MAX_COST + MAX_COST_PER_BYTE * size) return;
  throw new UnsupportedError('UNSUP_TYPE', `${cName}: ${size} bytes that are ${cost} values: no compiler makes that`, {
    details: { type: cName, size },
  });
}

function badMember(owner: string, member: string, problem: string): MalformedError {
  return new MalformedError('BTF_BAD_MEMBER', `${owner || 'anonymous struct'}: member ${member} ${problem}`, {
    details: { type: owner, member },
  });
}

function tooDeep(btf: Btf, id: TypeId): MalformedError {
  return new MalformedError(
    'BTF_TOO_DEEP',
    `type ${id} (${btf.name(id)}): types are nested too deeply or in a circle`,
    {
      details: { typeId: id },
    },
  );
}
