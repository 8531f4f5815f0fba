/**
 * The `vmlinux.h` made for one source: a hundredth of the kernel's types, with the same sizes, offsets and names as the whole
 * header, so that the program cannot tell the difference but in compile time. And the whole header.
 */
import { emitHeader } from '../btf/declare/header.ts';
import { findKfuncs } from '../btf/declare/kfuncs.ts';
import { markNames } from '../btf/declare/name-marks.ts';
import { CNames, type Rename } from '../btf/declare/names.ts';
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

export interface HeaderRequest {
  /** Names that the program mentions: of types, members, enumerators, kfuncs. */
  readonly identifiers: Iterable<string>;
  /** Functions that the program declares itself: no kfunc prototype is written for them. */
  readonly declaredFunctions?: ReadonlySet<string>;
  /** Names that the program defines itself: left out, or renamed where other types need them by value. */
  readonly exclude?: ReadonlySet<string>;
  /** Names that cannot even be declared, since the program uses them for something else: renamed everywhere. */
  readonly rename?: ReadonlySet<string>;
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
  const marks = markNames(btf, [...ALWAYS, ...request.identifiers]);
  const names = new CNames(btf, request);
  const closure = new Closure(btf, names, marks);
  closure.addNamed();
  const kfuncs = chooseKfuncs(btf, names, request.declaredFunctions).filter((id) => marks[btf.nameOff(id)] === 1);
  closure.addPrototypes(kfuncs);
  const banner = markLine(`${request.origin ?? DEFAULT_ORIGIN} for one source`);
  return emitHeader(btf, { types: closure.types, kfuncs, names, banner });
}

/** What a whole header is made for: everything, or one program. */
export type FullHeaderRequest = Partial<HeaderRequest>;

/** Every type of the BTF, and the prototypes of its kfuncs: all, or those that the program uses and does not declare. */
export function makeFullHeader(btf: Btf, request: FullHeaderRequest = {}): KernelHeader {
  const names = new CNames(btf, request);
  names.flavourExcludedTags();
  const used = request.identifiers === undefined ? undefined : new Set(request.identifiers);
  const kfuncs = chooseKfuncs(btf, names, request.declaredFunctions).filter((id) => used?.has(btf.name(id)) ?? true);
  return emitHeader(btf, { kfuncs, names, banner: markLine(request.origin ?? DEFAULT_ORIGIN) });
}

/** The kfuncs whose prototypes do not clash with anything. */
function chooseKfuncs(btf: Btf, names: CNames, declared: ReadonlySet<string> = new Set()): TypeId[] {
  return findKfuncs(btf).filter((id) => {
    const name = btf.nameOff(id);
    return !names.isTaken(name) && !names.isExcluded(name) && !declared.has(btf.name(id));
  });
}
