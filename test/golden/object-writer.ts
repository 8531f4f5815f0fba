/** Objects and BTF made of numbers, for tests: nothing is checked, so that anything can be written. */

export interface WrittenSection {
  readonly name: string;
  readonly type: number;
  readonly flags?: number;
  readonly data: Uint8Array;
  readonly link?: number;
  readonly info?: number;
  readonly entrySize?: number;
}

const HEADER = 64;

/** A little-endian relocatable eBPF object; section 1 is the first of `sections`, the last one holds the names. */
export function writeElf(sections: readonly WrittenSection[]): Uint8Array {
  const names: string[] = ['', ...sections.map(({ name }) => name), '.shstrtab'];
  const nameOffsets: number[] = [];
  let length = 0;
  for (const name of names) {
    nameOffsets.push(length);
    length += Buffer.byteLength(name) + 1;
  }
  const all: WrittenSection[] = [
    { name: '', type: 0, data: new Uint8Array(0) },
    ...sections,
    { name: '.shstrtab', type: 3, data: Buffer.from(`${names.join('\0')}\0`) },
  ];
  const chunks: Uint8Array[] = [new Uint8Array(HEADER)];
  const table = Buffer.alloc(all.length * HEADER);
  let offset = HEADER;
  all.forEach((section, i) => {
    const at = i * HEADER;
    table.writeUInt32LE(nameOffsets[i]!, at);
    table.writeUInt32LE(section.type, at + 4);
    table.writeBigUInt64LE(BigInt(section.flags ?? 0), at + 8);
    table.writeBigUInt64LE(BigInt(offset), at + 24);
    table.writeBigUInt64LE(BigInt(section.data.length), at + 32);
    table.writeUInt32LE(section.link ?? 0, at + 40);
    table.writeUInt32LE(section.info ?? 0, at + 44);
    table.writeBigUInt64LE(BigInt(section.entrySize ?? 0), at + 56);
    const padding = (8 - (section.data.length % 8)) % 8;
    chunks.push(section.data, new Uint8Array(padding));
    offset += section.data.length + padding;
  });
  const header = Buffer.from(chunks[0]!.buffer);
  header.write('\x7fELF\x02\x01\x01', 'latin1');
  header.writeUInt16LE(1, 16);
  header.writeUInt16LE(247, 18);
  header.writeBigUInt64LE(BigInt(offset), 0x28);
  header.writeUInt16LE(HEADER, 0x3a);
  header.writeUInt16LE(all.length, 0x3c);
  header.writeUInt16LE(all.length - 1, 0x3e);
  return Buffer.concat([...chunks, table]);
}

/** A section of symbols: name offset, info byte, section index, value, size of each; entry 0 is added. */
export function writeSymbols(symbols: readonly (readonly [number, number, number, number, number])[]): Uint8Array {
  const bytes = Buffer.alloc(24 * (symbols.length + 1));
  symbols.forEach(([name, info, section, value, size], i) => {
    const at = 24 * (i + 1);
    bytes.writeUInt32LE(name, at);
    bytes.writeUInt8(info, at + 4);
    bytes.writeUInt16LE(section, at + 6);
    bytes.writeBigUInt64LE(BigInt(value), at + 8);
    bytes.writeBigUInt64LE(BigInt(size), at + 16);
  });
  return bytes;
}

/** The info word of a BTF type. */
export function btfInfo(kind: number, vlen = 0, kindFlag = 0): number {
  return ((kindFlag << 31) | (kind << 24) | vlen) >>> 0;
}

/** BTF of the words of its types, in order, and its strings. */
export function writeBtf(words: Uint32Array | readonly number[], strings: Uint8Array): Uint8Array {
  const types = Uint32Array.from(words);
  const header = Buffer.alloc(24);
  header.writeUInt16LE(0xeb9f, 0);
  header.writeUInt8(1, 2);
  header.writeUInt32LE(24, 4);
  header.writeUInt32LE(types.byteLength, 12);
  header.writeUInt32LE(types.byteLength, 16);
  header.writeUInt32LE(strings.length, 20);
  return Buffer.concat([header, new Uint8Array(types.buffer), strings]);
}
