/**
 * Changing the initial value of global variables in an object file: what libbpf's skeletons do with `skel->rodata->x = …` between
 * opening and loading. Reads just enough of ELF64 to find a section by name.
 */
import type { Codec } from './codec.ts';
import { describe } from './text.ts';

const HEADER_SIZE = 64;
const NOBITS = 8;

/** Where a variable lies in its section, in bytes. */
export interface VariablePlace {
  readonly offset: number;
  readonly size: number;
}

/** A section of global variables, as a generated module describes it. */
export interface DataSection<T, In = T> {
  /** The section's name in the object: `.rodata`. */
  readonly section: string;
  /** Its variables as one struct. */
  readonly codec: Codec<T, In>;
  readonly variables: { readonly [K in keyof T]: VariablePlace };
  /** What the object starts with. */
  readonly defaults: T;
}

/**
 * A copy of an object with some variables of one section changed.
 * @throws {RangeError} when the object is not an ELF file with that section, or a value does not fit its variable
 * @throws {TypeError} for a variable that the section does not have, or a value of the wrong type
 */
export function patchSection<T, In>(object: Uint8Array, target: DataSection<T, In>, values: In): Uint8Array {
  if (typeof values !== 'object' || values === null) {
    throw new TypeError(`${target.section}: expected an object, got ${describe(values)}`);
  }
  const places = new Map(Object.entries<VariablePlace>(target.variables));
  for (const name of Object.keys(values)) {
    if (!places.has(name)) {
      throw new TypeError(`${target.section} has no variable ${name}; it has ${[...places.keys()].join(', ')}`);
    }
  }
  const patched = new Uint8Array(object);
  const view = new DataView(patched.buffer);
  const { offset, size } = findSection(patched, view, target.section);
  if (size < target.codec.size) {
    throw new RangeError(`${target.section} has ${size} bytes in this object, expected ${target.codec.size}`);
  }
  for (const [name, place] of places) {
    if (!Object.hasOwn(values, name)) continue;
    if ((values as Record<string, unknown>)[name] === undefined) continue;
    patched.fill(0, offset + place.offset, offset + place.offset + place.size);
  }
  target.codec.write(view, offset, values);
  return patched;
}

function findSection(bytes: Uint8Array, view: DataView, wanted: string): { offset: number; size: number } {
  if (bytes.length < HEADER_SIZE || view.getUint32(0) !== 0x7f454c46 || bytes[4] !== 2) {
    throw new RangeError('not a 64-bit ELF object');
  }
  const little = bytes[5] !== 2;
  const u64 = (at: number): number => Number(view.getBigUint64(at, little));
  const table = u64(0x28);
  const entrySize = view.getUint16(0x3a, little);
  const count = view.getUint16(0x3c, little);
  const within = (offset: number, size: number): boolean => offset + size <= bytes.length;
  if (entrySize < 64 || !within(table, entrySize * count))
    throw new RangeError('the section headers lie outside the object');
  const names = table + view.getUint16(0x3e, little) * entrySize;
  if (!within(names, 64)) throw new RangeError('the section names lie outside the object');
  const namesAt = u64(names + 24);
  const wantedBytes = new TextEncoder().encode(`${wanted}\0`);
  for (let i = 0; i < count; i++) {
    const header = table + i * entrySize;
    const name = namesAt + view.getUint32(header, little);
    if (!wantedBytes.every((byte, k) => bytes[name + k] === byte)) continue;
    const offset = u64(header + 24);
    const size = u64(header + 32);
    if (view.getUint32(header + 4, little) === NOBITS) {
      throw new RangeError(`${wanted} has no bytes in the object: its variables start as zero`);
    }
    if (!within(offset, size)) throw new RangeError(`${wanted} lies outside the object`);
    return { offset, size };
  }
  throw new RangeError(`the object has no section ${wanted}`);
}
