/**
 * Everything that the library makes of bytes from anybody. Each function says how it ended: `value`, or the code of the error that a
 * user would see. Any other error goes on: that is what fuzzing looks for.
 */
import { parseBtfExt } from '../../src/btf/ext.ts';
import { isComposite, type TypeId } from '../../src/btf/kinds.ts';
import { dedupBtf } from '../../src/btf/merge.ts';
import { openBtf } from '../../src/btf/open.ts';
import { subsetBtf } from '../../src/btf/subset.ts';
import type { Btf } from '../../src/btf/table.ts';
import { parseBtf } from '../../src/btf/table.ts';
import { writeBtf } from '../../src/btf/writer.ts';
import { emitObjectTypes } from '../../src/build/types.ts';
import { emitTypeScript } from '../../src/codegen/ts/module.ts';
import { makeCodec } from '../../src/codegen/ts/run-time.ts';
import { isEccError } from '../../src/core/errors.ts';
import { isElf, parseElf } from '../../src/elf/elf.ts';
import { makeFullHeader, makeHeader } from '../../src/headers/make-header.ts';
import { openObject } from '../../src/object/open.ts';
import { readTar } from '../../src/package/archive.ts';
import { canonicalJson } from '../../src/package/canonical.ts';
import { emitYaml, packPackage } from '../../src/package/pack.ts';
import { readPackage } from '../../src/package/unpack.ts';
import { openArchive } from '../../src/runner/archive.ts';
import { programHelp, programOptions } from '../../src/runner/options.ts';
import { exercise } from '../golden/exercise.ts';

export type Outcome = string;

function outcome(body: () => unknown): Outcome {
  try {
    body();
    return 'value';
  } catch (error) {
    if (isEccError(error)) return error.code;
    throw error;
  }
}

async function outcomeOf(body: () => Promise<unknown>): Promise<Outcome> {
  try {
    await body();
    return 'value';
  } catch (error) {
    if (isEccError(error)) return error.code;
    throw error;
  }
}

const SOME = 12;
/** Making a codec runs JavaScript's own compiler, which takes most of the time. */
const CODECS = 2;
const MAX_VALUE = 65_536;

function useTable(btf: Btf): void {
  outcome(() => makeFullHeader(btf));
  outcome(() => makeHeader(btf, { identifiers: ['a', 'task_struct', '__proto__', 'constructor'] }));
  outcome(() => dedupBtf(btf));
  outcome(() => parseBtf(writeBtf(btf)));
  const some: TypeId[] = [];
  for (const id of btf.ids()) if (some.length < SOME && isComposite(btf.kind(id))) some.push(id);
  outcome(() => subsetBtf(btf, some, { behindPointers: 'forward' }));
  outcome(() => emitTypeScript({ btf, types: some, source: 'x' }));
  for (const id of some.slice(0, CODECS)) {
    outcome(() => {
      const codec = makeCodec(btf, id);
      if (codec.size <= MAX_VALUE) codec.decode(new Uint8Array(codec.size));
    });
  }
}

/** An object, or BTF in any file. */
export function exerciseObject(bytes: Uint8Array): Outcome {
  const read = exercise(bytes);
  const object = outcome(() => {
    const model = openObject(bytes);
    outcome(() => emitObjectTypes(model, 'x', {}));
    outcome(() => programHelp('x', programOptions(model, undefined), undefined));
  });
  const table = outcome(() => useTable(openBtf(bytes)));
  return read.object ? object : table;
}

/** A `.BTF.ext` section beside the BTF that it came with. */
export function exerciseBtfExt(ext: Uint8Array, btf: Btf): Outcome {
  return outcome(() => parseBtfExt(ext, btf));
}

/** A package in any format. */
export async function exercisePackage(bytes: Uint8Array): Promise<Outcome> {
  return outcomeOf(async () => {
    const opened = await readPackage(bytes);
    const { object, meta, buildInfo } = opened;
    canonicalJson(meta);
    JSON.stringify(buildInfo ?? null, null, 2);
    await emitYaml(meta);
    outcome(() => packPackage({ object, meta }));
    outcome(() => programHelp('x', programOptions(openObject(object), meta), meta));
    if (isElf(object)) outcome(() => parseElf(object));
  });
}

/** A tar archive: every entry, and the package in it. */
export async function exerciseTar(bytes: Uint8Array): Promise<Outcome> {
  const all = await outcomeOf(async () => {
    for (const { path } of await readTar(bytes)) {
      if (path.startsWith('/') || path.split('/').includes('..')) throw new Error(`a name that leads out: ${path}`);
    }
  });
  await outcomeOf(async () => readPackage((await openArchive(bytes)).packageBytes));
  return all;
}
