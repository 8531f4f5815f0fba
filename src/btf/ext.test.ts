import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { isEccError } from '../core/errors.ts';
import { parseElf } from '../elf/elf.ts';
import { resolveAccess } from './core-access.ts';
import { type BtfExt, type CoreReloc, coreRelocKindName, type LineInfo, parseBtfExt } from './ext.ts';
import { Kind, kindName } from './kinds.ts';
import { type Btf, parseBtf } from './table.ts';

// core-kinds.bpf.c, made by clang-19 -g -O2 -target bpfel / bpfeb -c and llvm-strip-19 -g; the texts are
// llvm-objdump-19 -d -r -l --no-show-raw-insn of the objects
const read = (file: string) => readFileSync(new URL(`../../test/golden/btf-ext/${file}`, import.meta.url));

function sectionBytes(file: string, name: string): Uint8Array {
  const elf = parseElf(read(file));
  return Uint8Array.from(elf.data(elf.findSection(name)!));
}

function open(order: string): { btf: Btf; ext: BtfExt } {
  const btf = parseBtf(sectionBytes(`core-kinds.${order}.o`, '.BTF'));
  return { btf, ext: parseBtfExt(sectionBytes(`core-kinds.${order}.o`, '.BTF.ext'), btf) };
}

/** What llvm-objdump prints, by section: `offset text` of each relocation, `offset file:line` of each line, names of functions. */
function parseObjdump(text: string) {
  const relocs = new Map<string, string[]>();
  const lines = new Map<string, string[]>();
  const funcs = new Map<string, string[]>();
  const add = (to: Map<string, string[]>, section: string, value: string) => {
    to.set(section, [...(to.get(section) ?? []), value]);
  };
  let section = '';
  let line: string | undefined;
  for (const row of text.split('\n')) {
    const match = (pattern: RegExp) => pattern.exec(row);
    const header = match(/^Disassembly of section (.*):$/);
    const symbol = match(/^([0-9a-f]{16}) <(\w+)>:$/);
    const source = match(/^; (.*:\d+)$/);
    const insn = match(/^ +(\d+):\t/);
    const core = match(/^\t\t([0-9a-f]{16}): {2}CO-RE (.*)$/);
    if (header) section = header[1]!;
    else if (symbol) add(funcs, section, `${Number.parseInt(symbol[1]!, 16)} ${symbol[2]}`);
    else if (source) line = source[1]!;
    else if (core) add(relocs, section, `${Number.parseInt(core[1]!, 16)} ${core[2]}`);
    if (insn && line !== undefined) {
      add(lines, section, `${Number(insn[1]) * 8} ${line}`);
      line = undefined;
    }
  }
  return { relocs, lines, funcs };
}

/** A relocation in the words of llvm-objdump, from what `resolveAccess` found. */
function relocText(btf: Btf, reloc: CoreReloc): string {
  const { root, steps, enumerator } = resolveAccess(btf, reloc);
  const written = btf.kind(reloc.typeId) === Kind.typedef ? reloc.typeId : root;
  let text = `${reloc.insnOffset} <${coreRelocKindName(reloc.kind)}> [${reloc.typeId}] ${kindName(btf.kind(written)).replace('64', '')} ${btf.name(written)}`;
  if (enumerator !== undefined) {
    const index = Number(reloc.accessString);
    return `${text}::${enumerator} = ${btf.enumeratorValue(root, index)}`;
  }
  if (steps.length === 0) return text;
  text += '::';
  steps.forEach((step, i) => {
    if (step.step === 'element') text += `[${step.index}]`;
    else text += `${i > 0 ? '.' : ''}${step.name || `<anon ${step.index}>`}`;
  });
  return `${text} (${reloc.accessString})`;
}

describe.each(['el', 'eb'])('core-kinds.%s.o against llvm-objdump', (order) => {
  const { btf, ext } = open(order);
  const objdump = parseObjdump(read(`core-kinds.${order}.txt`).toString());

  test('CO-RE relocations and what they reach', () => {
    const found = new Map(
      [...ext.coreRelocs].map(([name, relocs]) => [name, relocs.map((reloc) => relocText(btf, reloc))]),
    );
    expect(found).toEqual(objdump.relocs);
    const kinds = new Set([...ext.coreRelocs.values()].flat().map(({ kind }) => kind));
    expect([...kinds].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  });

  test('lines', () => {
    expect([...ext.lines.keys()].sort()).toEqual([...objdump.lines.keys()].sort());
    for (const [name, lines] of ext.lines) {
      const place = (line: LineInfo) => `${btf.string(line.fileNameOff)}:${line.line}`;
      const found = lines.map((line) => `${line.insnOffset} ${place(line)}`);
      const printed = objdump.lines.get(name)!;
      expect(found).toEqual(expect.arrayContaining(printed));
      // llvm-objdump leaves out only lines that are the same as the one before
      lines.forEach((line, i) => {
        if (!printed.includes(found[i]!)) expect(place(line)).toBe(place(lines[i - 1]!));
      });
    }
  });

  test('source text of lines', () => {
    const source = read('core-kinds.bpf.c').toString().split('\n');
    const all = [...ext.lines.values()].flat();
    expect(all.length).toBeGreaterThan(20);
    for (const { line, lineOff, column } of all) {
      expect(btf.string(lineOff)).toBe(source[line - 1]);
      expect(column).toBeLessThanOrEqual(source[line - 1]!.length);
    }
  });

  test('functions', () => {
    const found = new Map(
      [...ext.funcs].map(([name, funcs]) => [name, funcs.map((f) => `${f.insnOffset} ${btf.name(f.typeId)}`)]),
    );
    expect(found).toEqual(objdump.funcs);
  });
});

describe('parseBtfExt', () => {
  const btf = parseBtf(sectionBytes('core-kinds.el.o', '.BTF'));
  const good = sectionBytes('core-kinds.el.o', '.BTF.ext');
  const edited = (edit: (view: DataView) => void, bytes = good) => {
    const copy = bytes.slice();
    edit(new DataView(copy.buffer));
    return copy;
  };
  const headerSize = new DataView(good.buffer).getUint32(4, true);
  const funcsAt = headerSize + new DataView(good.buffer).getUint32(8, true);

  test.each<[string, Uint8Array, string]>([
    ['nothing', new Uint8Array(0), 'BTF_EXT_BAD_MAGIC'],
    ['another magic', edited((v) => v.setUint8(0, 0)), 'BTF_EXT_BAD_MAGIC'],
    ['a header cut short', good.slice(0, 20), 'BTF_EXT_TRUNCATED'],
    ['another version', edited((v) => v.setUint8(2, 2)), 'BTF_EXT_BAD_HEADER'],
    ['a header that is too small', edited((v) => v.setUint32(4, 8, true)), 'BTF_EXT_BAD_HEADER'],
    ['a header beyond the end', edited((v) => v.setUint32(4, 0xfffffff0, true)), 'BTF_EXT_TRUNCATED'],
    ['a part at an odd place', edited((v) => v.setUint32(8, 2, true)), 'BTF_EXT_BAD_HEADER'],
    ['a part beyond the end', edited((v) => v.setUint32(12, 0x7fffffff, true)), 'BTF_EXT_TRUNCATED'],
    ['records that are too small', edited((v) => v.setUint32(funcsAt, 4, true)), 'BTF_EXT_BAD_RECORD_SIZE'],
    ['records of an odd size', edited((v) => v.setUint32(funcsAt, 9, true)), 'BTF_EXT_BAD_RECORD_SIZE'],
    ['a part without records', edited((v) => v.setUint32(12, 4, true)), 'BTF_EXT_EMPTY'],
    ['a section without records', edited((v) => v.setUint32(funcsAt + 8, 0, true)), 'BTF_EXT_EMPTY'],
    ['more records than bytes', edited((v) => v.setUint32(funcsAt + 8, 0xffffffff, true)), 'BTF_EXT_TRUNCATED'],
    ['a section name beyond the strings', edited((v) => v.setUint32(funcsAt + 4, 1 << 30, true)), 'BTF_EXT_BAD_NAME'],
    ['a type that is not there', edited((v) => v.setUint32(funcsAt + 16, 1 << 30, true)), 'BTF_EXT_BAD_TYPE_ID'],
  ])('refuses %s', (_, bytes, code) => {
    let caught: unknown;
    try {
      parseBtfExt(bytes, btf);
    } catch (error) {
      caught = error;
    }
    expect(isEccError(caught) && caught.code).toBe(code);
  });

  test('obeys the header and record sizes of a newer format', () => {
    // the same parts behind a header and records that are 8 bytes longer
    const view = new DataView(good.buffer);
    const parts = [8, 16, 24].map((at) =>
      good.slice(headerSize + view.getUint32(at, true)).slice(0, view.getUint32(at + 4, true)),
    );
    const grown = parts.map((part) => growRecords(part, 8));
    const header = new Uint8Array(headerSize + 8);
    header.set(good.subarray(0, headerSize));
    const headerView = new DataView(header.buffer);
    headerView.setUint32(4, header.length, true);
    grown.reduce((offset, part, i) => {
      headerView.setUint32(8 + i * 8, offset, true);
      headerView.setUint32(12 + i * 8, part.length, true);
      return offset + part.length;
    }, 0);
    const newer = Buffer.concat([header, ...grown]);
    expect(parseBtfExt(newer, btf)).toEqual(parseBtfExt(good, btf));
  });

  test('reads a header that ends before the CO-RE relocations', () => {
    const older = edited((v) => v.setUint32(4, 24, true));
    // the parts' offsets count from the end of the header
    const view = new DataView(older.buffer);
    for (const at of [8, 16]) view.setUint32(at, view.getUint32(at, true) + headerSize - 24, true);
    const { funcs, lines, coreRelocs } = parseBtfExt(older, btf);
    expect({ funcs, lines }).toEqual({ funcs: parseBtfExt(good, btf).funcs, lines: parseBtfExt(good, btf).lines });
    expect(coreRelocs.size).toBe(0);
  });
});

function growRecords(part: Uint8Array, by: number): Uint8Array {
  const view = new DataView(part.buffer, part.byteOffset, part.byteLength);
  const size = view.getUint32(0, true);
  const out: Uint8Array[] = [new Uint8Array(new Uint32Array([size + by]).buffer)];
  for (let at = 4; at < part.length; ) {
    const count = view.getUint32(at + 4, true);
    out.push(part.subarray(at, at + 8));
    at += 8;
    for (let i = 0; i < count; i++, at += size) out.push(part.subarray(at, at + size), new Uint8Array(by).fill(0xee));
  }
  return Buffer.concat(out);
}

describe('resolveAccess', () => {
  const { btf, ext } = open('el');
  const field = ext.coreRelocs.get('.text')![1]!;
  const wide = ext.coreRelocs.get('raw_tp/types')!.at(-1)!;

  test('gives the types on the way and the one at the end', () => {
    const { root, steps, end } = resolveAccess(btf, field);
    expect(btf.name(root)).toBe('outer');
    const types = steps.map(({ typeId }) => `${kindName(btf.kind(typeId))} ${btf.name(typeId)}`);
    expect(types).toEqual(['struct outer', 'array ', 'struct inner', 'array ']);
    expect(`${kindName(btf.kind(end))} ${btf.name(end)}`).toBe('typedef u32');
  });

  test.each<[string, CoreReloc]>([
    ['no list of indices', { ...field, accessString: '0:x' }],
    ['an empty string', { ...field, accessString: '' }],
    ['a member that is not there', { ...field, accessString: '0:99' }],
    ['a step into an int', { ...field, accessString: '0:3:0:0:0' }],
    ['more steps than libbpf takes', { ...field, accessString: Array(65).fill('0').join(':') }],
    ['an enumerator that is not there', { ...wide, accessString: '1' }],
    ['an enumerator of a struct', { ...wide, typeId: field.typeId }],
  ])('refuses %s', (_, reloc) => {
    let caught: unknown;
    try {
      resolveAccess(btf, reloc);
    } catch (error) {
      caught = error;
    }
    expect(isEccError(caught) && caught.code).toBe('BTF_EXT_BAD_ACCESS');
  });
});
