/** Brings what the loader checks ask for together: types, initial values, and where in the source things stand. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Warning } from '../core/warning.ts';
import { SourceText } from '../doc/source-text.ts';
import type { BpfObject } from '../object/model.ts';
import { checkForLoader, type Locate } from '../package/loader/check.ts';
import type { PackageMeta } from '../package/schema.ts';
import type { AstFacts } from './ast.ts';

export function loaderWarnings(
  model: BpfObject,
  meta: PackageMeta,
  facts: AstFacts,
  userFiles: readonly string[],
): Warning[] {
  return checkForLoader({
    meta,
    btf: model.btf,
    mapTypes: new Map(model.maps.map((map) => [map.name, map.type])),
    initialValues: initialValues(model),
    untaggedEvent: (map) => facts.events.find((event) => event.map === map && event.type.kind === 'typedef')?.type.name,
    // nobody declares a map in a kernel header
    locate: locateIn(userFiles.filter((file) => path.basename(file) !== 'vmlinux.h')),
  });
}

/** The source first, then its headers. */
function locateIn(files: readonly string[]): Locate {
  const texts = new Map<string, SourceText>();
  const textOf = (file: string) => {
    const text = texts.get(file) ?? new SourceText(readFileSync(file));
    texts.set(file, text);
    return text;
  };
  return (name) => {
    for (const file of files) {
      const place = textOf(file).findDeclared(name);
      if (place !== undefined) return { file, ...place };
    }
    return undefined;
  };
}

function initialValues(model: BpfObject): Map<string, Uint8Array> {
  const values = new Map<string, Uint8Array>();
  for (const { data, variables } of model.dataSections) {
    if (data === undefined) continue;
    for (const { name, offset, size } of variables) values.set(name, data.subarray(offset, offset + size));
  }
  return values;
}
