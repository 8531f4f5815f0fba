import { describe, expect, test } from 'vitest';
import { isEccError } from '../core/errors.ts';
import { makePlans, objectName } from './plan.ts';

const paths = (request: Parameters<typeof makePlans>[0]) =>
  makePlans(request).flatMap((plan) => plan.artefacts.map((artefact) => artefact.path));
const codeOf = (body: () => unknown) => {
  try {
    body();
  } catch (error) {
    return isEccError(error) ? error.code : error;
  }
  return undefined;
};

describe('objectName', () => {
  test.each([
    ['a.bpf.c', 'a'],
    ['dir/a.c', 'a'],
    ['my.v2.bpf.c', 'my.v2'],
    ['.x.bpf.c', '.x'],
    ['.bpf.c', 'bpf.c'],
    ['event.h', 'event'],
    ['name', 'name'],
  ])('%s → %s', (source, name) => {
    expect(objectName(source)).toBe(name);
  });
});

describe('makePlans', () => {
  test('the default artefacts lie beside the source', () => {
    expect(paths({ sources: ['src/a.bpf.c'] })).toEqual(['src/a.bpf.o', 'src/a.skel.json', 'src/package.json']);
    expect(paths({ sources: ['a.bpf.c'] })).toEqual(['a.bpf.o', 'a.skel.json', 'package.json']);
  });

  test('every mode together', () => {
    const all = { yaml: true, types: true, wasmHeader: true, standalone: true, keepSource: true, btfgen: true };
    expect(paths({ sources: ['a.bpf.c'], outDir: 'out', depfile: 'a.d', ...all })).toEqual([
      'out/a.bpf.o',
      'out/a.skel.yaml',
      'out/a.bpf.ts',
      'out/package.yaml',
      'out/ewasm-skel.h',
      'out/a.standalone.c',
      'out/a.out',
      'out/a.tar',
      'a.d',
    ]);
  });

  test('several sources have a package each', () => {
    expect(paths({ sources: ['a.bpf.c', 'b.bpf.c'], outDir: 'o' }).filter((path) => path.includes('package'))).toEqual([
      'o/a.package.json',
      'o/b.package.json',
    ]);
  });

  test.each([
    ['no package and standalone', { noPackage: true, standalone: true }],
    ['no package and wasm header', { noPackage: true, wasmHeader: true }],
    ['no package and btfgen', { noPackage: true, btfgen: true }],
    ['header only and standalone', { headerOnly: true, standalone: true }],
    ['keep source alone', { keepSource: true }],
  ])('refuses %s', (_, flags) => {
    expect(codeOf(() => makePlans({ sources: ['a.bpf.c'], ...flags }))).toBe('USAGE_CONFLICT');
  });

  test('refuses artefacts that would meet in one file, or replace an input', () => {
    expect(codeOf(() => makePlans({ sources: ['x/a.bpf.c', 'y/a.bpf.c'], outDir: 'o' }))).toBe('USAGE_COLLISION');
    expect(codeOf(() => makePlans({ sources: ['a.bpf.c', 'a.c'] }))).toBe('USAGE_COLLISION');
    expect(codeOf(() => makePlans({ sources: ['a.bpf.c'], packageName: 'a.bpf.c' }))).toBe('USAGE_COLLISION');
  });
});
