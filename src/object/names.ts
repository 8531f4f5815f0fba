/**
 * The names that libbpf and skeletons make out of others: of the object from its file, of the maps of global variables from
 * object and section, identifiers from those.
 *
 * @see libbpf `internal_map_name()`; bpftool `get_obj_name()`, `get_map_ident()`
 */
const MAX_OBJECT_NAME = 63;
/** `BPF_OBJ_NAME_LEN` without the NUL. */
const MAX_MAP_NAME = 15;
/** What libbpf always leaves room for: `.rodata`. */
const MIN_SUFFIX = 7;

/** Section prefixes in the order in which an identifier is looked for. */
const INTERNAL_PREFIXES = ['.data', '.rodata', '.bss', '.kconfig'] as const;

/**
 * The object's name: `dir/client.bpf.o` gives `client_bpf`. Counts in bytes of UTF-8 as bpftool does, so a long name may lose
 * its `.o` before that is removed.
 */
export function objName(fileName: string): string {
  const bytes = Buffer.from(fileName.slice(fileName.lastIndexOf('/') + 1));
  const cut = bytes.toString('latin1', 0, MAX_OBJECT_NAME);
  return identifier(cut.endsWith('.o') ? cut.slice(0, -2) : cut);
}

/** Every byte that an identifier cannot have becomes `_`. */
function identifier(latin1Text: string): string {
  return latin1Text.replace(/[^A-Za-z0-9_]/g, '_');
}

/**
 * The name that libbpf and the kernel give a map of global variables: `.rodata` of `client_bpf` is `client_b.rodata`. Custom
 * data sections keep their whole name, which the kernel then cuts.
 * @param objectName  from {@link objName}
 */
export function internalMapName(objectName: string, section: string): string {
  const keepsName =
    (section.startsWith('.data') && section !== '.data') || (section.startsWith('.rodata') && section !== '.rodata');
  if (keepsName) return section;
  const bytes = bytesOf(section);
  const suffix = Math.min(MAX_MAP_NAME, Math.max(MIN_SUFFIX, bytes.length));
  const prefix = bytes.indexOf('.', 1) >= 0 ? 0 : Math.min(MAX_MAP_NAME - suffix, objectName.length);
  return (objectName.slice(0, prefix) + bytes.slice(0, suffix)).replace(/[^A-Za-z0-9_.]/g, '_');
}

/** The identifier of a map of global variables: `.rodata` → `rodata`, `.data.read-mostly` → `data_read_mostly`. */
export function internalMapIdent(section: string): string {
  const name = internalMapName('', section);
  for (const prefix of INTERNAL_PREFIXES) {
    const at = name.indexOf(prefix);
    if (at >= 0) return identifier(bytesOf(name.slice(at + 1)));
  }
  return identifier(bytesOf(name));
}

/** The identifier that bpftool computes for a `datasec`; `undefined` for one that is no section of variables. */
export function datasecIdent(name: string): string | undefined {
  if (name === '.addr_space.1') return 'arena';
  if (!INTERNAL_PREFIXES.some((prefix) => name.startsWith(prefix))) return undefined;
  return identifier(bytesOf(name.slice(1)));
}

function bytesOf(text: string): string {
  return Buffer.from(text).toString('latin1');
}
