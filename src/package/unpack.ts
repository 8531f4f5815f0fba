/**
 * Packages back into object and metadata: JSON, YAML, and the tar that holds a package beside a BTF archive. Input is from
 * anybody: sizes are bounded by what the package declares, names never become paths, nothing is executed.
 */
import { inflateSync } from 'node:zlib';
import { MalformedError, UnsupportedError } from '../core/errors.ts';
import { checkPackage } from './check-shape.ts';
import type { Package, PackageFile } from './schema.ts';
import { checkStructure } from './structure.ts';

/** No eBPF object comes near; a package that declares more is not inflated. */
const MAX_OBJECT_SIZE = 256 * 1024 * 1024;

/**
 * Reads a package from its bytes; the format is told by its first bytes.
 * @throws {MalformedError} `PKG_*` naming the key that is wrong.
 * @throws {UnsupportedError} `UNSUP_PACKAGE` for bytes that are something else (an object, WebAssembly, a tar).
 */
export async function readPackage(bytes: Uint8Array): Promise<Package> {
  return openPackage(checkPackage(await parseText(bytes)));
}

async function parseText(bytes: Uint8Array): Promise<unknown> {
  refuseForeign(bytes);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    .toString('utf8')
    .replace(/^\uFEFF/, '');
  if (text.trim() === '') throw new MalformedError('PKG_BAD_SHAPE', 'package: there is nothing in it');
  if (/^\s*\{/.test(text)) {
    checkStructure(bytes, 'JSON');
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new MalformedError('PKG_BAD_JSON', `package: ${(error as Error).message}`, { cause: error });
    }
  }
  checkStructure(bytes, 'YAML');
  const { parse } = await import('./yaml.ts');
  try {
    return parse(text, { maxAliasCount: 0 });
  } catch (error) {
    throw new MalformedError('PKG_BAD_YAML', `package: ${(error as Error).message.split('\n')[0]}`, { cause: error });
  }
}

function refuseForeign(bytes: Uint8Array): void {
  const is = (offset: number, magic: string) =>
    Buffer.from(bytes.subarray(offset, offset + magic.length)).toString('latin1') === magic;
  const foreign = is(0, '\x7fELF')
    ? 'an ELF object'
    : is(0, '\0asm')
      ? 'a WebAssembly module'
      : is(257, 'ustar')
        ? 'a tar archive'
        : undefined;
  if (foreign === undefined) return;
  throw new UnsupportedError('UNSUP_PACKAGE', `this is ${foreign}, not a package`, {
    hint: 'a package.json or package.yaml is expected',
  });
}

/** Inflates and checks the object of a package whose shape has been checked. */
export function openPackage(file: PackageFile): Package {
  const { bpf_object: encoded, bpf_object_size: size } = file;
  if (size > MAX_OBJECT_SIZE)
    throw new MalformedError(
      'PKG_BAD_SIZE',
      `bpf_object_size: ${size} bytes is more than any object has (limit ${MAX_OBJECT_SIZE})`,
    );
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(encoded)) {
    throw new MalformedError('PKG_BAD_BASE64', 'bpf_object: not base64 of the standard alphabet with padding');
  }
  let object: Buffer;
  try {
    object = inflateSync(Buffer.from(encoded, 'base64'), { maxOutputLength: Math.max(size, 1) });
  } catch (error) {
    const tooLong = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    throw tooLong
      ? new MalformedError(
          'PKG_BAD_SIZE',
          `bpf_object: inflates to more than the ${size} bytes that bpf_object_size declares`,
        )
      : new MalformedError('PKG_BAD_ZLIB', `bpf_object: not a zlib stream: ${(error as Error).message}`, {
          cause: error,
        });
  }
  if (object.length !== size) {
    throw new MalformedError(
      'PKG_BAD_SIZE',
      `bpf_object: inflates to ${object.length} bytes, bpf_object_size declares ${size}`,
    );
  }
  return { object, meta: file.meta, buildInfo: file.build_info };
}
