/**
 * tar archives in memory: what is packed comes out the same everywhere, and what is read can name nothing outside of the
 * archive. Compression is not handled here.
 */
import { MalformedError } from '../core/errors.ts';

export interface ArchiveEntry {
  /** Relative, with `/`, without `.` and `..`. */
  readonly path: string;
  readonly content: Uint8Array;
}

const BLOCK = 512;
/** Longer names need a header of their own, which not every reader knows. */
const MAX_NAME = 100;

/** Regular files in the order of their names, of nobody and of no time. */
export async function packTar(entries: readonly ArchiveEntry[]): Promise<Buffer> {
  const { Header, Pax } = await import('tar');
  const blocks: Uint8Array[] = [];
  for (const { path, content } of [...entries].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))) {
    const header = {
      path,
      mode: 0o644,
      uid: 0,
      gid: 0,
      size: content.length,
      mtime: new Date(0),
      type: 'File',
    } as const;
    if (Buffer.byteLength(path) > MAX_NAME) blocks.push(new Pax({ path }).encode());
    const block = Buffer.alloc(BLOCK);
    new Header(header).encode(block);
    blocks.push(block, content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK));
  }
  // two empty blocks end an archive
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
}

/** First bytes of gzip and zstd: the library would unpack them, and nobody knows beforehand to how much. */
const COMPRESSED = ['\x1f\x8b', '\x28\xb5\x2f\xfd'];

/** Plain tar only; a compressed stream may well have the letters of a tar in the right place. */
export function isTar(bytes: Uint8Array): boolean {
  const at = (offset: number, length: number) =>
    Buffer.from(bytes.subarray(offset, offset + length)).toString('latin1');
  return bytes.length >= BLOCK && at(257, 5) === 'ustar' && !COMPRESSED.some((magic) => at(0, magic.length) === magic);
}

/**
 * The regular files of an archive; directories are passed over.
 * @throws {MalformedError} `PKG_TAR` for bytes that are no whole archive, `PKG_TAR_ENTRY` for links, devices, absolute names and names
 *   with `..`: nobody makes packages with these, and a later step might follow them
 */
export async function readTar(bytes: Uint8Array): Promise<ArchiveEntry[]> {
  const { Parser } = await import('tar');
  if (!isTar(bytes))
    throw new MalformedError('PKG_TAR', 'is not a tar archive', {
      hint: 'compressed archives are to be unpacked first',
    });
  if (bytes.length % BLOCK !== 0 || bytes.subarray(-BLOCK).some((byte) => byte !== 0)) {
    throw new MalformedError('PKG_TAR', 'is not a whole tar archive: its end is missing', { hint: 'copy it again' });
  }
  return new Promise((resolve, reject) => {
    const entries: ArchiveEntry[] = [];
    const parser = new Parser({
      strict: true,
      onReadEntry: (entry) => {
        try {
          checkEntry(entry.type, entry.path);
        } catch (error) {
          reject(error);
          entry.resume();
          return;
        }
        const chunks: Buffer[] = [];
        entry.on('data', (chunk) => chunks.push(chunk));
        entry.on('end', () => {
          if (entry.type !== 'Directory') entries.push({ path: plainPath(entry.path), content: Buffer.concat(chunks) });
        });
      },
    });
    parser.on('error', (error: Error) => {
      reject(new MalformedError('PKG_TAR', `is not a whole tar archive: ${error.message}`, { cause: error }));
    });
    parser.on('end', () => resolve(entries));
    parser.end(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  });
}

const FILE_TYPES = ['File', 'OldFile', 'ContiguousFile', 'Directory'];

function checkEntry(type: string, path: string): void {
  const refuse = (why: string): never => {
    throw new MalformedError('PKG_TAR_ENTRY', `entry ${JSON.stringify(path)}: ${why}`, { details: { path, type } });
  };
  if (!FILE_TYPES.includes(type)) refuse(`is of type ${type}; only files and directories are expected`);
  if (path.startsWith('/') || path.split('/').includes('..') || path.includes('\0')) {
    refuse('its name leads out of the archive');
  }
}

function plainPath(path: string): string {
  return path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}
