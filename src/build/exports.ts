/**
 * Which structs become export types, and how they get into the object. clang drops structs that nothing refers to, so a header that
 * is read before the source declares a pointer to each in a section of its own, which libbpf ignores. The pointers are static and
 * incomplete there; the source completes the types later.
 */

export const EXPORT_SECTION = '.ecc.export';

/** The text of that header. More tags than needed are harmless. */
export function emitExportMarkers(tags: Iterable<string>): string {
  const lines = ['/* made by ecc: keeps these structs in BTF */'];
  let count = 0;
  for (const tag of tags) {
    lines.push(`struct ${tag};`);
    lines.push(`static const volatile struct ${tag} *ecc_export_${count++} __attribute__((section("${EXPORT_SECTION}"), used));`);
  }
  return `${lines.join('\n')}\n`;
}

export interface ExportCandidates {
  /** Structs with `@export` in their doc comment. */
  readonly tagged: readonly string[];
  /** Structs that the export header defines. */
  readonly header: readonly string[];
  /** Structs that the code sends, with the map that they go through. */
  readonly events: readonly { readonly map: string | undefined; readonly struct: string }[];
  /** The map that the loader will print: the last that qualifies. */
  readonly printedMap: string | undefined;
  /** Struct of that map's values, when it is sampled. */
  readonly sampledStruct: string | undefined;
}

/**
 * Names of the structs to export. What is tagged wins over what the header defines; what the code sends comes with either.
 * The loader uses only the first, for the map that it prints, so that map's struct comes first.
 */
export function exportOrder({ tagged, header, events, printedMap, sampledStruct }: ExportCandidates): string[] {
  const said = tagged.length > 0 ? tagged : header;
  const sent = events.map(({ struct }) => struct);
  const first = sampledStruct ?? events.find(({ map }) => map !== undefined && map === printedMap)?.struct;
  return [...new Set([...(first === undefined ? [] : [first]), ...said, ...sent])];
}
