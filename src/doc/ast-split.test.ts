import { describe, expect, test } from 'vitest';
import { isEccError } from '../core/errors.ts';
import { type ClangNode, extentOf } from './ast-node.ts';
import { AstSplitter, splitAst } from './ast-split.ts';

// JSON.stringify lays objects out as LLVM's printer does: two blanks a level, `{}` for an empty object.
function dumpOf(...inner: object[]): Buffer {
  const unit = { id: '0x1', kind: 'TranslationUnitDecl', loc: {}, range: { begin: {}, end: {} }, inner };
  return Buffer.from(`${JSON.stringify(unit, null, 2)}\n`);
}

let nextId = 16;
function decl(kind: string, name: string, loc: object, inner: object[] = []): object {
  const { offset } = loc as { offset?: number };
  const range =
    offset === undefined
      ? { begin: {}, end: {} }
      : { begin: { offset, col: 1, tokLen: 3 }, end: { offset, tokLen: 3 } };
  nextId++;
  return { id: `0x${nextId.toString(16)}`, kind, loc, range, name, ...(inner.length > 0 ? { inner } : {}) };
}

const included = { includedFrom: { file: 'x.bpf.c' } };
const isUsers = (file: string) => !file.startsWith('/usr/');
const names = (dump: Uint8Array) => splitAst(dump, isUsers).map(({ name, file }) => `${file} ${name}`);

describe('splitAst', () => {
  const dump = dumpOf(
    decl('TypedefDecl', '__int128_t', {}),
    decl('TypedefDecl', 'u8', { offset: 1, file: '/usr/include/a.h', line: 1, ...included }),
    decl('TypedefDecl', 'u16', { offset: 30, line: 2, ...included }),
    decl('RecordDecl', 'event', { offset: 7, file: './e.h', line: 1, ...included }, [
      decl('FieldDecl', 'pid', { offset: 20, line: 2, ...included }),
    ]),
    decl('RecordDecl', 'second', { offset: 40, line: 9, ...included }),
    decl('VarDecl', 'first_of_source', { offset: 90, file: 'x.bpf.c', line: 5 }, [
      decl('SectionAttr', '', {
        spellingLoc: { offset: 3, file: '/usr/include/bpf/bpf_helpers.h', line: 39, ...included },
        expansionLoc: { offset: 95, file: 'x.bpf.c', line: 5 },
      }),
    ]),
    decl('VarDecl', 'same_file', { offset: 120, line: 6 }),
    decl('VarDecl', 'from_macro', {
      spellingLoc: { offset: 3, file: '/usr/include/m.h', line: 1, ...included },
      expansionLoc: { offset: 150, file: 'x.bpf.c', line: 7, tokLen: 5 },
    }),
    decl('FunctionDecl', 'ends_elsewhere', { offset: 170, line: 8 }, [
      decl('CompoundStmt', '', { offset: 3, file: '/usr/include/m.h', line: 70, ...included }),
    ]),
    decl('VarDecl', 'of_that_header', { offset: 9, line: 71, ...included }),
    decl('VarDecl', 'says "file": "y"', { offset: 200, file: 'x.bpf.c', line: 9 }),
  );
  const expected = [
    './e.h event',
    './e.h second',
    'x.bpf.c first_of_source',
    'x.bpf.c same_file',
    'x.bpf.c from_macro',
    'x.bpf.c ends_elsewhere',
    'x.bpf.c says "file": "y"',
  ];

  test('keeps the nodes of the files that are wanted, also where the file is not printed', () => {
    expect(names(dump)).toEqual(expected);
  });

  test.each([1, 7, 64, 1000])('gives the same for pieces of %i bytes', (size) => {
    const splitter = new AstSplitter(isUsers);
    for (let at = 0; at < dump.length; at += size) splitter.push(dump.subarray(at, at + size));
    expect(splitter.finish().map(({ name, file }) => `${file} ${name}`)).toEqual(expected);
  });

  test('is the same when nodes come in several batches', () => {
    const many = Array.from({ length: 6000 }, (_, index) =>
      decl(
        'VarDecl',
        `v${index}`,
        index === 0 ? { offset: 0, file: 'x.bpf.c', line: 1 } : { offset: index, line: index + 1 },
      ),
    );
    const big = dumpOf(...many);
    expect(big.length).toBeGreaterThan(1 << 20);
    const splitter = new AstSplitter(isUsers);
    for (let at = 0; at < big.length; at += 10_000) splitter.push(big.subarray(at, at + 10_000));
    expect(splitter.finish().map(({ name }) => name)).toEqual(many.map((node) => (node as ClangNode).name));
  });

  test('asks once for each file', () => {
    const asked: string[] = [];
    splitAst(dump, (file) => {
      asked.push(file);
      return false;
    });
    expect(asked).toEqual(['/usr/include/a.h', './e.h', 'x.bpf.c', '/usr/include/m.h']);
  });

  test.each([
    ['cut off in a node', (bytes: Buffer) => bytes.subarray(0, bytes.length - 40)],
    ['cut off between nodes', (bytes: Buffer) => bytes.subarray(0, bytes.lastIndexOf('\n  ]'))],
    ['not laid out in lines', (bytes: Buffer) => Buffer.from(JSON.stringify(JSON.parse(bytes.toString())))],
    ['empty', () => Buffer.alloc(0)],
  ])('refuses a dump that is %s', (_, spoil) => {
    let caught: unknown;
    try {
      splitAst(spoil(dump), isUsers);
    } catch (error) {
      caught = error;
    }
    expect(isEccError(caught) && caught.code).toBe('TOOL_AST');
  });
});

describe('AstNode', () => {
  const [node] = splitAst(
    dumpOf(
      decl('FunctionDecl', 'main', { offset: 4, file: 'x.c', line: 1, tokLen: 4 }, [
        decl('ParmVarDecl', 'ctx', { offset: 10 }),
        decl('CompoundStmt', '', { offset: 20 }, [
          {
            id: '0x2',
            kind: 'DeclRefExpr',
            referencedDecl: { id: '0x3', kind: 'FunctionDecl', name: 'helper', type: {} },
          },
          { id: '0x4', kind: 'DeclRefExpr', referencedDecl: { id: '0x5', kind: 'VarDecl', name: 'rb', type: {} } },
          { id: '0x6', kind: 'DeclRefExpr', referencedDecl: { id: '0x7', kind: 'ParmVarDecl', name: 'ctx', type: {} } },
        ]),
      ]),
    ),
    isUsers,
  );

  test('reads its head without its children, and those one by one', () => {
    expect(node).toMatchObject({ kind: 'FunctionDecl', name: 'main', file: 'x.c', head: { inner: [] } });
    expect(node!.children().map(({ kind, name }) => `${kind} ${name}`)).toEqual(['ParmVarDecl ctx', 'CompoundStmt ']);
    expect(node!.children()[1]!.children()).toHaveLength(3);
    expect(node!.tree.inner).toHaveLength(2);
  });

  test('lists what its code refers to', () => {
    expect([...node!.referencedNames()]).toEqual(['helper', 'rb']);
  });

  test('knows its extent', () => {
    expect(extentOf(node!.head)).toEqual({ begin: 4, name: 4, end: 7 });
    expect(extentOf({ loc: {}, range: {} })).toBeUndefined();
  });
});
