/**
 * The `vmlinux.h` made for one source: a hundredth of the kernel's types, with the same sizes, offsets and names as the whole
 * header, so that the program cannot tell the difference but in compile time. And the whole header.
 */
import { emitHeaderWith, type HeaderOptions, headerBytes } from '../btf/declare/header.ts';
import { findKfuncs } from '../btf/declare/kfuncs.ts';
import { declaredTypes } from '../btf/declare/kind-lists.ts';
import { findNames, markNames, type NameOffsets, NameTest } from '../btf/declare/name-marks.ts';
import { CNames, type NameRequest, OwnTagMark, type Rename } from '../btf/declare/names.ts';
import type { TypeId } from '../btf/kinds.ts';
import type { Btf } from '../btf/table.ts';
import { Closure } from './closure.ts';
import { markLine } from './marker.ts';

/** What libbpf's helper declarations, which are not scanned, take from the kernel header, and what every program may use. */
const ALWAYS = [
  'bool',
  ...['8', '16', '32', '64'].flatMap((bits) => [`__u${bits}`, `__s${bits}`]),
  ...['16', '32', '64'].flatMap((bits) => [`__be${bits}`, `__le${bits}`]),
  '__wsum',
  '__sum16',
];

const DEFAULT_ORIGIN = 'kernel BTF';

/** What a program makes of a tag; `renamed`: something that the header must not even declare under that name. */
export type OwnTagUse = keyof typeof OwnTagMark;

/** Names that a program defines itself, by C's two namespaces. */
export interface OwnNames {
  readonly tags: ReadonlyMap<string, OwnTagUse>;
  /** Typedefs, enumerators, variables, functions. */
  readonly ordinary: ReadonlySet<string>;
}

export interface HeaderRequest {
  /** Names that the program mentions: of types, members, enumerators, kfuncs. */
  readonly identifiers: Iterable<string>;
  /** Functions that the program declares itself: no kfunc prototype is written for them. */
  readonly declaredFunctions?: ReadonlySet<string>;
  /** Names that the program defines itself: left out, or renamed where other types need them. */
  readonly own?: OwnNames;
  /** Where the BTF comes from, for the first line. */
  readonly origin?: string;
}

export interface KernelHeader {
  readonly text: string;
  /** Types and enumerators of the whole table that could not keep their names. */
  readonly renames: readonly Rename[];
}

/** The header for a program that mentions these names. About 10 ms for a kernel's BTF. */
export function makeHeader(btf: Btf, request: HeaderRequest): KernelHeader {
  const wanted = [...ALWAYS, ...request.identifiers];
  const offsets = findNames(btf, [...wanted, ...ownNames(request.own)]);
  const own = markOwnNames(btf, request.own, offsets);
  const members = btf.occurrences === undefined ? undefined : new NameTest(btf, wanted);
  const closure = new Closure(btf, markNames(btf, each(wanted), offsets), own, members);
  closure.addNamed();
  const kfuncs = closure.kfuncs().filter((id) => isFree(btf, id, request));
  closure.addPrototypes(kfuncs);
  const types = closure.types();
  const names = new CNames(btf, { ...own, relevant: closure.names });
  names.flavourOwnTags(types);
  return emitHeaderWith(btf, names, {
    types,
    kfuncs: kfuncs.filter((id) => !names.isTaken(btf.nameOff(id))),
    banner: markLine(`${request.origin ?? DEFAULT_ORIGIN} for one source`),
  });
}

/** What a whole header is made for: everything, or one program. */
export type FullHeaderRequest = Partial<HeaderRequest>;

/** Every type of the BTF, and the prototypes of its kfuncs: all, or those that the program uses and does not declare. */
export function makeFullHeader(btf: Btf, request: FullHeaderRequest = {}): KernelHeader {
  const { names, options } = fullHeader(btf, request);
  return emitHeaderWith(btf, names, options);
}

/** The text of that header for no program in particular, as it is written to a file. */
export function fullHeaderBytes(btf: Btf, origin: string): Uint8Array {
  const { names, options } = fullHeader(btf, { origin });
  return headerBytes(btf, names, options);
}

function fullHeader(btf: Btf, request: FullHeaderRequest): { readonly names: CNames; readonly options: HeaderOptions } {
  const own = markOwnNames(btf, request.own, findNames(btf, ownNames(request.own)));
  const types = declaredTypes(btf);
  const names = new CNames(btf, { ...own, declared: types });
  if (own.ownTags !== undefined) names.flavourOwnTags(btf.ids());
  const used = request.identifiers === undefined ? undefined : new Set(request.identifiers);
  const kfuncs = findKfuncs(btf).filter(
    (id) =>
      isFree(btf, id, request) && !names.isTaken(btf.nameOff(id)) && (used === undefined || used.has(btf.name(id))),
  );
  return { names, options: { types, kfuncs, banner: markLine(request.origin ?? DEFAULT_ORIGIN) } };
}

/** True for a function that the program neither declares nor calls something else by its name. */
function isFree(btf: Btf, id: TypeId, { declaredFunctions, own }: FullHeaderRequest): boolean {
  const name = btf.name(id);
  return declaredFunctions?.has(name) !== true && own?.ordinary.has(name) !== true;
}

function each(names: Iterable<string>): (readonly [string, number])[] {
  return Array.from(names, (name) => [name, 1] as const);
}

function ownNames(own: OwnNames | undefined): string[] {
  return own === undefined ? [] : [...own.tags.keys(), ...own.ordinary];
}

function markOwnNames(
  btf: Btf,
  own: OwnNames | undefined,
  offsets: NameOffsets,
): Pick<NameRequest, 'ownTags' | 'ownOrdinary'> {
  const isMarked = (names: Iterable<string>) => [...names].some((name) => offsets.has(name));
  if (own === undefined) return {};
  const tags = Array.from(own.tags, ([tag, kind]) => [tag, OwnTagMark[kind]] as const);
  return {
    ownTags: isMarked(own.tags.keys()) ? markNames(btf, tags, offsets) : undefined,
    ownOrdinary: isMarked(own.ordinary) ? markNames(btf, each(own.ordinary), offsets) : undefined,
  };
}
