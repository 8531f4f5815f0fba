/** The texts of the user's files, each read into marks once, when first needed. */
import { SourceText } from './source-text.ts';

export class SourceTexts {
  readonly #readBytes: (file: string) => Uint8Array | undefined;
  readonly #texts = new Map<string, SourceText | undefined>();

  /** @param readBytes  a file's bytes by the name that declarations have it by; a file that is missing has no comments */
  constructor(readBytes: (file: string) => Uint8Array | undefined) {
    this.#readBytes = readBytes;
  }

  get(file: string): SourceText | undefined {
    if (!this.#texts.has(file)) {
      const bytes = this.#readBytes(file);
      this.#texts.set(file, bytes === undefined ? undefined : new SourceText(bytes));
    }
    return this.#texts.get(file);
  }
}
