/** Brings what the loader checks ask for together: types, initial values, and where in the source things stand. */
import type { Warning } from '../core/warning.ts';
import type { BpfObject } from '../object/model.ts';
import { checkForLoader } from '../package/loader/check.ts';
import type { PackageMeta } from '../package/schema.ts';
import type { AstFacts } from './ast.ts';

export function loaderWarnings(model: BpfObject, meta: PackageMeta, facts: AstFacts): Warning[] {
  return checkForLoader({
    meta,
    btf: model.btf,
    mapTypes: new Map(model.maps.map((map) => [map.name, map.type])),
    initialValues: initialValues(model),
    untaggedEvent: (map) => facts.events.find((event) => event.map === map && event.type.kind === 'typedef')?.type.name,
    locate: (name) => facts.places.get(name),
  });
}

function initialValues(model: BpfObject): Map<string, Uint8Array> {
  const values = new Map<string, Uint8Array>();
  for (const { data, variables } of model.dataSections) {
    if (data === undefined) continue;
    for (const { name, offset, size } of variables) values.set(name, data.subarray(offset, offset + size));
  }
  return values;
}
