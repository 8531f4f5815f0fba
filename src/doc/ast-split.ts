/**
 * Cuts the output of `clang -fsyntax-only -Xclang -ast-dump=json` into its top-level nodes and keeps those of the user's files.
 * The dump is 4–17 MB, nearly all of it declarations from headers; nothing of that is parsed, copied or kept.
 *
 * A node's file is not always printed: clang leaves `file` out where it is that of the location printed before, whichever
 * node that was in. So every printed file counts, and finding them is the only work done on the bytes between two nodes.
 * `includedFrom` has a `file` too, which does not count; it is told apart by the `line` that always follows a real one.
 */
import { ToolError } from '../core/errors.ts';
import { AstNode, splitNodes } from './ast-node.ts';

const TOP_INDENT = 4;
const RANGE = Buffer.from(`\n${' '.repeat(TOP_INDENT + 2)}"range": {`);
const NO_LOCATION = Buffer.from('"loc": {}');
const LINE = Buffer.from('"line": ');
/** Chunks are joined up to this size before they are looked at: a pipe's are small. */
const MIN_BATCH = 1 << 18;
const NEWLINE = 0x0a;
const QUOTE = 0x22;
const BLANK = 0x20;

/** Takes the dump piece by piece, while clang still prints it. */
export class AstSplitter {
  readonly #wanted: (file: string) => boolean;
  readonly #verdicts = new Map<string, boolean>();
  readonly #nodes: AstNode[] = [];
  /** Bytes behind the last complete node. */
  #pending: Buffer[] = [];
  #pendingSize = 0;
  #batchSize = MIN_BATCH;
  #file = '';
  #seen = 0;
  #finished = false;

  /**
   * @param wanted  whether a file, named as clang names it, is one of the user's; asked once for each file. A `vmlinux.h` is not
   *   one, whoever wrote it: it has a hundred thousand nodes
   */
  constructor(wanted: (file: string) => boolean) {
    this.#wanted = wanted;
  }

  push(chunk: Uint8Array): void {
    this.#pending.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    this.#pendingSize += chunk.byteLength;
    if (this.#pendingSize >= this.#batchSize) this.#consume();
  }

  /**
   * The nodes of the wanted files, in source order.
   * @throws {ToolError} the dump is not whole, or is not laid out as clang 14 to 19 do it
   */
  finish(): AstNode[] {
    if (!this.#finished) {
      this.#consume();
      this.#finished = true;
      const tail = this.#pending.map((bytes) => bytes.toString('latin1')).join('');
      if (this.#seen === 0 || !/^[\s\]}]*\}\s*$/.test(tail)) {
        throw new ToolError(
          'TOOL_AST',
          this.#seen === 0 ? "clang's syntax tree has an unknown layout" : "clang's syntax tree ends too early",
          {
            details: { nodes: this.#seen },
            hint: 'if clang is a wrapper that changes its output, name the real one with --clang-bin',
          },
        );
      }
    }
    return this.#nodes;
  }

  #consume(): void {
    const bytes = this.#pending.length === 1 ? this.#pending[0]! : Buffer.concat(this.#pending);
    let done = 0;
    let scanned = 0;
    for (const { start, end } of splitNodes(bytes, 0, TOP_INDENT)) {
      this.#seen++;
      // `loc` comes before `range`, and what it prints last is the place of the macro's use.
      const locationEnd = bytes.indexOf(RANGE, start);
      this.#trackFile(bytes, scanned, locationEnd);
      if (!bytes.subarray(start, locationEnd).includes(NO_LOCATION) && this.#wants(this.#file)) {
        // A copy: a view would keep the whole dump alive.
        this.#nodes.push(new AstNode(Buffer.from(bytes.subarray(start, end)), TOP_INDENT, this.#file));
      }
      scanned = locationEnd;
      done = end;
    }
    this.#trackFile(bytes, scanned, done);
    this.#pending = [bytes.subarray(done)];
    this.#pendingSize = bytes.length - done;
    // What is left is the beginning of a node. Twice that next time, so that a huge one is not copied over and over.
    this.#batchSize = Math.max(MIN_BATCH, 2 * this.#pendingSize);
  }

  /** Moves on to the file that was printed last between two positions, if one was. */
  #trackFile(bytes: Buffer, from: number, to: number): void {
    const region = bytes.subarray(from, to);
    let last = -1;
    for (let at = region.indexOf(LINE); at >= 0; at = region.indexOf(LINE, at + LINE.length)) {
      // The line before is `"file": "…",` or `"offset": N,`.
      let end = at - 1;
      while (region[end] === BLANK) end--;
      if (region[end] === NEWLINE && region[end - 2] === QUOTE) last = end - 1;
    }
    if (last < 0) return;
    const lineStart = region.lastIndexOf(NEWLINE, last);
    const file = /^\s*"file": (".*")$/.exec(region.toString('utf8', lineStart + 1, last));
    if (file !== null) this.#file = JSON.parse(file[1]!) as string;
  }

  #wants(file: string): boolean {
    let verdict = this.#verdicts.get(file);
    if (verdict === undefined) {
      verdict = this.#wanted(file);
      this.#verdicts.set(file, verdict);
    }
    return verdict;
  }
}

/** {@link AstSplitter} for a dump that is there as a whole. */
export function splitAst(dump: Uint8Array, wanted: (file: string) => boolean): AstNode[] {
  const splitter = new AstSplitter(wanted);
  splitter.push(dump);
  return splitter.finish();
}
