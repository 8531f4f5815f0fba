/** Everything that the library does with an object's bytes: what fuzzing runs. */
import { resolveAccess } from '../../src/btf/core-access.ts';
import { Kind } from '../../src/btf/kinds.ts';
import { openBtf } from '../../src/btf/open.ts';
import { isEccError } from '../../src/core/errors.ts';
import { openObject } from '../../src/object/open.ts';
import { emitSkeleton, makeSkeleton } from '../../src/skeleton/skeleton.ts';
import { emitStructs, findExportType } from '../../src/skeleton/structs.ts';

/** The body's value, or `undefined` for an error that a user may see; any other error goes on. */
function tolerate<T>(body: () => T): T | undefined {
  try {
    return body();
  } catch (error) {
    if (isEccError(error)) return undefined;
    throw error;
  }
}

/** What could be read of the bytes; the rest was refused with an `EccError`. */
export function exercise(bytes: Uint8Array): { readonly object: boolean; readonly btf: boolean } {
  const object = tolerate(() => openObject(bytes));
  if (object !== undefined) {
    tolerate(() => emitSkeleton(makeSkeleton(object, 'x.bpf.o')));
    tolerate(() => emitSkeleton(makeSkeleton(object, 'x.bpf.o', { findSectionBy: 'ident' })));
    const { btf, btfExt } = object;
    if (btf !== undefined) {
      for (const relocs of btfExt?.coreRelocs.values() ?? []) {
        for (const reloc of relocs) tolerate(() => resolveAccess(btf, reloc));
      }
    }
  }
  const btf = tolerate(() => openBtf(bytes));
  if (btf !== undefined) {
    tolerate(() => emitStructs(btf));
    for (const id of btf.ids()) if (btf.kind(id) === Kind.struct) tolerate(() => findExportType(btf, btf.name(id)));
  }
  return { object: object !== undefined, btf: btf !== undefined };
}
