/**
 * What a CO-RE relocation reaches: its access string followed from the root type, step by step.
 *
 * @see include/uapi/linux/bpf.h, the comment on `struct bpf_core_relo`
 */
import { MalformedError } from '../core/errors.ts';
import { type CoreReloc, CoreRelocKind, coreRelocKindName } from './ext.ts';
import { aKind, isComposite, isEnum, Kind, kindName, type TypeId } from './kinds.ts';
import { resolve } from './layout.ts';
import type { Btf } from './table.ts';

/** One step of an access: into a member of a struct or union, or to an element of an array. */
export type AccessStep =
  | {
      readonly step: 'member';
      /** The struct or union, typedefs and qualifiers removed. */
      readonly typeId: TypeId;
      readonly index: number;
      /** `''` for an anonymous member. */
      readonly name: string;
      /** The member's type as declared. */
      readonly memberType: TypeId;
    }
  | {
      readonly step: 'element';
      /** The array; for the first step of an access the root type, when it is indexed as an array. */
      readonly typeId: TypeId;
      readonly index: number;
    };

export interface Access {
  /** The relocation's root type, typedefs and qualifiers removed. */
  readonly root: TypeId;
  /** From the root inwards. Empty for relocations of types and enumerators. */
  readonly steps: readonly AccessStep[];
  /**
   * The type that the access ends at, as declared there (`resolve` it to look through typedefs); the root itself for
   * relocations of types and enumerators.
   */
  readonly end: TypeId;
  /** The enumerator that an `enumval_*` relocation names. */
  readonly enumerator?: string;
}

/** libbpf's bound on the parts of an access string (`BPF_CORE_SPEC_MAX_LEN`). */
const MAX_PARTS = 64;

/**
 * @throws {MalformedError} `BTF_EXT_BAD_ACCESS` when the access string is none, or leaves its type.
 */
export function resolveAccess(btf: Btf, reloc: CoreReloc): Access {
  const root = resolve(btf, reloc.typeId);
  const parts = parseAccessString(btf, reloc);
  if (reloc.kind >= CoreRelocKind.typeIdLocal) {
    if (reloc.kind !== CoreRelocKind.enumvalExists && reloc.kind !== CoreRelocKind.enumvalValue) {
      return { root, steps: [], end: root };
    }
    const index = parts[0]!;
    if (parts.length !== 1 || !isEnum(btf.kind(root)) || index >= btf.vlen(root)) {
      throw badAccess(btf, reloc, 'names no value of an enum');
    }
    return { root, steps: [], end: root, enumerator: btf.enumeratorName(root, index) };
  }
  const steps: AccessStep[] = [];
  if (parts[0] !== 0) steps.push({ step: 'element', typeId: root, index: parts[0]! });
  let end = reloc.typeId;
  for (const index of parts.slice(1)) {
    const typeId = resolve(btf, end);
    const kind = btf.kind(typeId);
    if (isComposite(kind)) {
      if (index >= btf.vlen(typeId)) {
        throw badAccess(
          btf,
          reloc,
          `member ${index} of ${kindName(kind)} ${btf.name(typeId)}, which has ${btf.vlen(typeId)}`,
        );
      }
      const memberType = btf.memberType(typeId, index);
      steps.push({ step: 'member', typeId, index, name: btf.memberName(typeId, index), memberType });
      end = memberType;
    } else if (kind === Kind.array) {
      steps.push({ step: 'element', typeId, index });
      end = btf.arrayElement(typeId);
    } else {
      throw badAccess(btf, reloc, `steps into type ${typeId}, ${aKind(kind)}`);
    }
  }
  return { root, steps, end };
}

function parseAccessString(btf: Btf, reloc: CoreReloc): number[] {
  const { accessString } = reloc;
  if (accessString.length > MAX_PARTS * 11 || !/^\d{1,10}(:\d{1,10})*$/.test(accessString)) {
    throw badAccess(btf, reloc, 'not a list of indices');
  }
  const parts = accessString.split(':').map(Number);
  if (parts.length > MAX_PARTS) throw badAccess(btf, reloc, `more than ${MAX_PARTS} steps`);
  return parts;
}

function badAccess(btf: Btf, reloc: CoreReloc, why: string): MalformedError {
  const shown = reloc.accessString.slice(0, 80);
  return new MalformedError(
    'BTF_EXT_BAD_ACCESS',
    `.BTF.ext: ${coreRelocKindName(reloc.kind)} relocation of type ${reloc.typeId} (${btf.name(reloc.typeId)}), access '${shown}': ${why}`,
    { details: { typeId: reloc.typeId, accessString: shown, insnOffset: reloc.insnOffset } },
  );
}
