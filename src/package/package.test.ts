import { deflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { isEccError } from '../core/errors.ts';
import { canonicalJson } from './canonical.ts';
import { emitYaml, makePackage, packPackage } from './pack.ts';
import { readPackage } from './unpack.ts';

const object = Buffer.from(`\x7fELF${'not really '.repeat(500)}`);
const meta = {
  bpf_skel: { data_sections: [], obj_name: 'x_bpf', maps: [], progs: [] },
  eunomia_version: '0.3.4',
  export_types: [],
};
const text = packPackage({ object, meta });

async function codeOf(body: Promise<unknown>): Promise<unknown> {
  try {
    await body;
  } catch (error) {
    return isEccError(error) ? error.code : error;
  }
  return undefined;
}

/** The package with one value replaced: `a.b` → value; `undefined` removes the key. */
function changed(path: string, value: unknown): Buffer {
  const file = JSON.parse(text);
  const keys = path.split('.');
  const last = keys.pop()!;
  const parent = keys.reduce((at, key) => at[key], file);
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return Buffer.from(JSON.stringify(file));
}

describe('packages', () => {
  test('what goes in comes out, as JSON and as YAML', async () => {
    for (const bytes of [Buffer.from(text), Buffer.from(await emitYaml(makePackage({ object, meta })))]) {
      const back = await readPackage(bytes);
      expect(Buffer.from(back.object).equals(object)).toBe(true);
      expect(back.meta).toEqual(meta);
    }
  });

  test('compact, keys sorted, zlib of level 6', () => {
    expect(text).toMatch(/^\{"bpf_object":"eJ[^"]*","bpf_object_size":\d+,"meta":\{"bpf_skel":\{"data_sections":/);
    expect(text).toBe(canonicalJson(JSON.parse(text)));
  });

  test('keys named like the prototype stay keys', () => {
    expect(canonicalJson(JSON.parse('{"b":1,"__proto__":{"a":2}}'))).toBe('{"__proto__":{"a":2},"b":1}');
  });

  test.each([
    ['bpf_object_size', undefined, 'PKG_BAD_SHAPE'],
    ['bpf_object_size', object.length - 1, 'PKG_BAD_SIZE'],
    ['bpf_object_size', object.length + 1, 'PKG_BAD_SIZE'],
    ['bpf_object_size', 2 ** 40, 'PKG_BAD_SIZE'],
    ['bpf_object_size', 1.5, 'PKG_BAD_SHAPE'],
    ['bpf_object', '***', 'PKG_BAD_BASE64'],
    ['bpf_object', 'AAAA', 'PKG_BAD_ZLIB'],
    ['bpf_object', deflateSync(Buffer.alloc(50_000_000)).toString('base64'), 'PKG_BAD_SIZE'],
    ['meta.bpf_skel.maps', undefined, 'PKG_BAD_SHAPE'],
    ['meta.bpf_skel.obj_name', null, 'PKG_BAD_SHAPE'],
    ['meta.bpf_skel.progs', [{ name: 'p', attach: 'xdp' }], 'PKG_BAD_SHAPE'],
    ['meta.export_types', null, 'PKG_BAD_SHAPE'],
    [
      'meta.bpf_skel.data_sections',
      [{ name: '.rodata', variables: [{ name: 'x', type: 'int', cmdarg: 'text' }] }],
      'PKG_BAD_SHAPE',
    ],
  ])('%s = %j is refused', async (path, value, code) => {
    expect(await codeOf(readPackage(changed(path, value)))).toBe(code);
  });

  test('100,000 arrays inside of each other, in a key that nobody knows, are refused', async () => {
    const nested = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const bytes = Buffer.from(changed('meta.bpf_skel.more', 'HERE').toString().replace('"HERE"', nested));
    expect(await codeOf(readPackage(bytes))).toBe('PKG_BAD_SHAPE');
  });

  test.each([
    ['JSON', `{"a":[${'[],'.repeat(1_000_000)}1]}`],
    ['YAML', '- 1\n'.repeat(300_000)],
    ['nested YAML', '- '.repeat(1_000_000)],
  ])('%s of nothing but structure is refused before it is read', async (_, hostile) => {
    expect(await codeOf(readPackage(Buffer.from(hostile)))).toBe('PKG_BAD_SHAPE');
  });

  test('null maps and programs are none', async () => {
    expect((await readPackage(changed('meta.bpf_skel.progs', null))).meta.bpf_skel.progs).toEqual([]);
  });

  test.each([
    ['an object', Buffer.from('\x7fELF\x02\x01', 'latin1'), 'UNSUP_PACKAGE'],
    ['WebAssembly', Buffer.from('\0asm', 'latin1'), 'UNSUP_PACKAGE'],
    ['cut JSON', Buffer.from(text.slice(0, 100)), 'PKG_BAD_JSON'],
    ['YAML with aliases', Buffer.from('a: &a [1]\nb: *a\n'), 'PKG_BAD_YAML'],
    ['a plain text', Buffer.from('hello'), 'PKG_BAD_SHAPE'],
  ])('%s is no package', async (_, bytes, code) => {
    expect(await codeOf(readPackage(bytes))).toBe(code);
  });
});
