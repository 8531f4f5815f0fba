/**
 * The `vmlinux.h` made for one source: a hundredth of the kernel's types, with the same sizes, offsets and names as the whole
 * header, so that the program cannot tell the difference but in compile time. And the whole header.
 */
import { emitHeader } from '../btf/declare/header.ts';
import { findKfuncs } from '../btf/declare/kfuncs.ts';
import { markNames } from '../btf/declare/name-marks.ts';
import { CNames, type Rename } from '../btf/declare/names.ts';
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

export interface HeaderRequest {
  /** Names that the program mentions: of types, members, enumerators, kfuncs. */
  readonly identifiers: Iterable<string>;
  /** Functions that the program declares itself: no kfunc prototype is written for them. */
  readonly declaredFunctions?: ReadonlySet<string>;
  /** Names that the program defines itself. */
  readonly exclude?: ReadonlySet<string>;
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
  const { declaredFunctions = new Set(), exclude = new Set(), origin = 'kernel BTF' } = request;
  const marks = markNames(btf, [...ALWAYS, ...request.identifiers]);
  const names = new CNames(btf, exclude);
  const closure = new Closure(btf, names, marks);
  closure.addNamed();
  const kfuncs = findKfuncs(btf).filter((id) => {
    const name = btf.nameOff(id);
    return marks[name] === 1 && !names.isTaken(name) && !names.isExcluded(name) && !declaredFunctions.has(btf.name(id));
  });
  closure.addPrototypes(kfuncs);
  return emitHeader(btf, { types: closure.types, kfuncs, names, banner: markLine(`${origin} for one source`) });
}

export interface FullHeaderRequest {
  /** `all`, or those that are named here. Default `all`. */
  readonly kfuncs?: 'all' | ReadonlySet<string>;
  /** Names that the program defines itself. */
  readonly exclude?: ReadonlySet<string>;
  /** Where the BTF comes from, for the first line. */
  readonly origin?: string;
}

/** Every type of the BTF, and the prototypes of its kfuncs. */
export function makeFullHeader(btf: Btf, request: FullHeaderRequest = {}): KernelHeader {
  const { kfuncs: wanted = 'all', exclude = new Set(), origin = 'kernel BTF' } = request;
  const names = new CNames(btf, exclude);
  names.flavourExcludedTags();
  const kfuncs = findKfuncs(btf).filter((id) => {
    const name = btf.nameOff(id);
    return !names.isTaken(name) && !names.isExcluded(name) && (wanted === 'all' || wanted.has(btf.name(id)));
  });
  return emitHeader(btf, { kfuncs, names, banner: markLine(origin) });
}
