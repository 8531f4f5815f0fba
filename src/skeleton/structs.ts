/**
 * The structs of a BTF as JSON: what `bpftool btf dump format c -j` of the eunomia-bpf fork prints, and the export types of a
 * package, which are entries of the same shape. Key order is part of the format.
 */
import { type CTypePrinter, makeCTypePrinter } from '../btf/c-type.ts';
import { isComposite, Kind, kindName, type TypeId } from '../btf/kinds.ts';
import type { Btf } from '../btf/table.ts';
import { UsageError } from '../core/errors.ts';

/** Stands for a name where there is none, of a struct or a member. */
const ANONYMOUS = '(anon)';

export interface StructMember {
  readonly name: string;
  /** C type; `composite` for a struct or union and `enum` for a 32-bit enum, where they are not behind a pointer, array or typedef. */
  readonly type: string;
}

/** A struct in the struct JSON. */
export interface StructInfo {
  readonly type_id: number;
  /** **Bytes**. */
  readonly size: number;
  readonly name: string;
  readonly members: readonly StructMember[];
}

export interface Structs {
  readonly structs: readonly StructInfo[];
}

/** A struct in a package's `export_types`. */
export interface ExportType {
  readonly name: string;
  readonly members: readonly StructMember[];
  /** **Bytes**. */
  readonly size: number;
  readonly type_id: number;
}

/**
 * Every struct of a table (of a split BTF, those that are not the base's), by id, anonymous ones included. Linear: the 11,000
 * structs of a kernel take a fifth of a second.
 * @throws those of `CTypePrinter.text()`
 */
export function makeStructs(btf: Btf): Structs {
  const printer = makeCTypePrinter(btf);
  const structs: StructInfo[] = [];
  for (const id of btf.ids(btf.firstOwnId)) {
    if (btf.kind(id) === Kind.struct) structs.push(structInfo(btf, id, printer));
  }
  return { structs };
}

/**
 * {@link makeStructs} as the JSON that the reference tool prints: compact, keys in their order, one line. Made as text at once, for a table
 * can have more structs than there is room for as objects.
 */
export function emitStructs(btf: Btf): string {
  const printer = makeCTypePrinter(btf);
  const quote = cachedQuote();
  const text = new TextBuffer();
  text.add('{"structs":[');
  let separator = '';
  for (const id of btf.ids(btf.firstOwnId)) {
    if (btf.kind(id) !== Kind.struct) continue;
    // as in structInfo()
    printer.reset();
    text.add(
      `${separator}{"type_id":${id},"size":${btf.recordedSize(id)},"name":${quote(btf.name(id) || ANONYMOUS)},"members":[`,
    );
    for (let i = 0; i < btf.vlen(id); i++) {
      const type = quote(memberTypeText(btf, btf.memberType(id, i), printer));
      text.add(`${i === 0 ? '' : ','}{"name":${quote(btf.memberName(id, i) || ANONYMOUS)},"type":${type}}`);
    }
    text.add(']}');
    separator = ',';
  }
  text.add(']}\n');
  return text.toString();
}

/** As `JSON.stringify()`; names and types come up again and again. */
function cachedQuote(): (text: string) => string {
  const known = new Map<string, string>();
  return (text) => {
    let quoted = known.get(text);
    if (quoted === undefined) {
      quoted = JSON.stringify(text);
      if (known.size < MAX_QUOTED) known.set(text, quoted);
    }
    return quoted;
  };
}

const MAX_QUOTED = 65_536;

/** Characters that are put together before they are stored. */
const PIECE = 8192;

/** A long text in the making, stored as bytes: strings would keep the collector busy. */
class TextBuffer {
  #bytes = Buffer.allocUnsafe(1 << 20);
  #length = 0;
  #piece = '';

  add(text: string): void {
    this.#piece += text;
    if (this.#piece.length > PIECE) this.#store();
  }

  #store(): void {
    // a code unit is at most three bytes of UTF-8
    const needed = this.#length + this.#piece.length * 3;
    if (needed > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
      this.#bytes.copy(grown, 0, 0, this.#length);
      this.#bytes = grown;
    }
    this.#length += this.#bytes.write(this.#piece, this.#length);
    this.#piece = '';
  }

  toString(): string {
    this.#store();
    return this.#bytes.toString('utf8', 0, this.#length);
  }
}

/** The first struct of that name as an export type; `undefined` when the table has none (a union or typedef does not count). */
export function findExportType(btf: Btf, name: string): ExportType | undefined {
  const id = btf.find(name, Kind.struct);
  return id === undefined ? undefined : exportType(btf, id, makeCTypePrinter(btf));
}

/**
 * The named structs as export types, in the order of the names. `btf` is that of the object that goes into the package: its
 * type ids are what the loader looks up.
 * @throws {UsageError} `USAGE_EXPORT_NO_STRUCT` for a name that no struct bears
 */
export function exportTypes(btf: Btf, names: readonly string[]): ExportType[] {
  const printer = makeCTypePrinter(btf);
  return names.map((name) => {
    const id = btf.find(name, Kind.struct);
    if (id === undefined) throw noStruct(btf, name);
    return exportType(btf, id, printer);
  });
}

function exportType(btf: Btf, id: TypeId, printer: CTypePrinter): ExportType {
  const { type_id, size, name, members } = structInfo(btf, id, printer);
  return { name, members, size, type_id };
}

function noStruct(btf: Btf, name: string): UsageError {
  const others = btf.named(name).map((id) => kindName(btf.kind(id)));
  const found = others.length === 0 ? 'the object has no type of that name' : `it is a ${others[0]}`;
  return new UsageError('USAGE_EXPORT_NO_STRUCT', `export type ${name}: not a struct in the object: ${found}`, {
    details: { name, kinds: others.slice(0, 10) },
    hint: 'only structs with a tag (struct NAME { … }), defined outside of functions, can be exported',
  });
}

function structInfo(btf: Btf, id: TypeId, printer: CTypePrinter): StructInfo {
  // the reference tool begins each struct anew, so names printed for others do not count
  printer.reset();
  const members: StructMember[] = [];
  for (let i = 0; i < btf.vlen(id); i++) {
    members.push({
      name: btf.memberName(id, i) || ANONYMOUS,
      type: memberTypeText(btf, btf.memberType(id, i), printer),
    });
  }
  return { type_id: id, size: btf.recordedSize(id), name: btf.name(id) || ANONYMOUS, members };
}

function memberTypeText(btf: Btf, id: TypeId, printer: CTypePrinter): string {
  const kind = btf.kind(id);
  if (isComposite(kind)) return 'composite';
  return kind === Kind.enum ? 'enum' : printer.text(id);
}
