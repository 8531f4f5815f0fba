/**
 * Small headers that were made before, in the cache directory: between two saves of a source its names seldom change, and then neither does
 * its header, and the kernel's types need not even be read.
 *
 * A header is found by the request that it was made for, word by word, and not by a digest: `node:crypto` takes longer to load than all of
 * this takes. Whether what is found is whole, {@link FoundHeader.isWhole} tells when there is time: while the compiler is at work.
 */
import { readFileSync, renameSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { namesIn, removeFile } from '../core/directory.ts';
import { sha256 } from '../core/hash.ts';
import { makeDirectory } from '../core/make-directory.ts';
import { BUILD_ID, VERSION } from '../core/version.ts';
import type { HeaderRequest } from './make-header.ts';

export interface FoundHeader {
  readonly text: string;
  /** False when the file is not as it was written. */
  isWhole(): boolean;
}

/** Some 40 KB each. */
const MOST_KEPT = 100;
/** Those that the next removal takes beyond, so that it need not be done every time. */
const ROOM = 20;
const DIGEST_LENGTH = 64;
const SAMPLES = 64;

export class KeptHeaders {
  readonly #directory: string;
  readonly #kernel: string;

  /** @param kernel  what tells its types from those of others */
  constructor(directory: string, kernel: string) {
    this.#directory = directory;
    this.#kernel = kernel;
  }

  find(request: HeaderRequest): FoundHeader | undefined {
    const wanted = this.#spell(request);
    const file = this.#file(wanted);
    const content = contentOf(file);
    if (content === undefined || !content.startsWith(wanted, DIGEST_LENGTH)) return undefined;
    return {
      text: content.slice(DIGEST_LENGTH + wanted.length),
      isWhole: () => sha256(content.slice(DIGEST_LENGTH)) === content.slice(0, DIGEST_LENGTH) && touch(file),
    };
  }

  /** A cache that cannot be written costs time, nothing else. */
  keep(request: HeaderRequest, text: string): void {
    const wanted = this.#spell(request);
    const content = wanted + text;
    const file = this.#file(wanted);
    const temporary = `${file}.${process.pid}`;
    try {
      makeDirectory(this.#directory);
      writeFileSync(temporary, sha256(content) + content);
      renameSync(temporary, file);
      this.#removeOldest();
    } catch {
      removeFile(temporary);
    }
  }

  /** All that the header's text follows from, with an end that no other request has. */
  #spell({ identifiers, declaredFunctions = new Set(), own, origin = '' }: HeaderRequest): string {
    const tags = [...(own?.tags ?? [])].map(([tag, use]) => `${tag}=${use}`);
    const parts = [
      [BUILD_ID ?? VERSION, this.#kernel, origin],
      identifiers,
      declaredFunctions,
      tags,
      own?.ordinary ?? [],
    ];
    return `${parts.map((words) => [...words].join(' ')).join('\n')}\n\n`;
  }

  /** Two requests rarely have one name; then the later one's header is kept. */
  #file(wanted: string): string {
    let sum = 0;
    for (let sample = 0; sample < SAMPLES; sample++)
      sum = (Math.imul(sum, 31) + wanted.charCodeAt(Math.floor((sample * wanted.length) / SAMPLES))) >>> 0;
    return path.join(this.#directory, `${wanted.length.toString(36)}-${sum.toString(36)}.h`);
  }

  #removeOldest(): void {
    const names = namesIn(this.#directory);
    if (names.length <= MOST_KEPT + ROOM) return;
    const files = names.map((name) => {
      const file = path.join(this.#directory, name);
      return { file, usedMs: statSync(file).mtimeMs };
    });
    for (const { file } of files.sort((a, b) => b.usedMs - a.usedMs).slice(MOST_KEPT)) removeFile(file);
  }
}

function contentOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** Notes that a file is of use. */
function touch(file: string): true {
  try {
    const now = Date.now() / 1000;
    utimesSync(file, now, now);
  } catch {
    // it will be removed a little earlier
  }
  return true;
}
