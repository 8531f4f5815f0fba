/** Brings what the loader checks ask for together: types, initial values, and where in the source things stand. */
import path from 'node:path';
import type { Warning } from '../core/warning.ts';
import { SourceText } from '../doc/source-text.ts';
import type { BpfObject } from '../object/model.ts';
import { checkForLoader, type Locate } from '../package/loader/check.ts';
import type { PackageMeta } from '../package/schema.ts';
import type { SourceFacts } from './facts.ts';
import type { InputFiles } from './input-files.ts';
import type { Project } from './project.ts';

export function loaderWarnings(
  model: BpfObject,
  meta: PackageMeta,
  facts: SourceFacts,
  { project, files }: { readonly project: Pick<Project, 'userFiles'>; readonly files: InputFiles },
): Warning[] {
  return checkForLoader({
    meta,
    btf: model.btf,
    mapTypes: new Map(model.maps.map((map) => [map.name, map.type])),
    initialValues: initialValues(model),
    untaggedEvent: (map) => facts.events.find((event) => event.map === map && event.type.kind === 'typedef')?.type.name,
    // nobody declares a map in a kernel header
    locate: locateIn(
      project.userFiles.filter((file) => path.basename(file) !== 'vmlinux.h'),
      files,
    ),
  });
}

/** Looks into the source first, then into its headers, as they were when they were compiled. */
function locateIn(names: readonly string[], files: InputFiles): Locate {
  const texts = new Map<string, SourceText>();
  const textOf = (file: string) => {
    const text = texts.get(file) ?? new SourceText(files.readBytes(file) ?? new Uint8Array());
    texts.set(file, text);
    return text;
  };
  return (name) => {
    for (const file of names) {
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
