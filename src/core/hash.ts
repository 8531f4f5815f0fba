/** SHA-256 of bytes and of lists of parts, as hex: the only digest that the project uses. */
import { createHash } from 'node:crypto';

export function sha256(...parts: (Uint8Array | string)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

/** Digest of a list in which no two different lists can run together: each part goes in with its length. */
export function sha256List(parts: readonly (Uint8Array | string)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest('hex');
}
