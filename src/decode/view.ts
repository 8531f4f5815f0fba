/**
 * Views: lazy reading. A generated view class has one getter a member, which reads the bytes when it is asked; pointing a
 * view at the next event allocates nothing. A view is valid as long as its bytes are: one over ring-buffer memory dies when the callback
 * returns; `$decode()` makes a copy that stays.
 *
 * Everything that is not a member of the C type starts with `$`.
 */
import { flexibleLength } from './arrays.ts';
import type { Codec } from './codec.ts';
import { type ByteSource, checkLength, viewOf } from './source.ts';

const NOTHING = /* @__PURE__ */ new DataView(new ArrayBuffer(0));

/** What {@link ViewArray} can point at something. */
export interface Movable {
  /** Points at other bytes without looking at their length. */
  $move(view: DataView, at: number, end?: number): this;
}

export abstract class View<T> implements Movable {
  /** The bytes. */
  $view: DataView = NOTHING;
  /**
   * Where in {@link $view} the value starts. Setting it moves the view within its source without a check: a member that then lies
   * beyond the end is a plain `RangeError` when it is read.
   */
  $at = 0;
  /** Where the bytes of a flexible array end. */
  $end: number | undefined = 0;
  /** What {@link $set} was last given, and the last offset in it that has room for a value. */
  $source: ByteSource | undefined = undefined;
  $last = -1;

  /** The codec of the type. */
  abstract get $codec(): Codec<T, never>;

  /**
   * Points the view at the value at `offset`. For the same source as the last time nothing is allocated.
   * @throws {ShortBufferError} (a `RangeError`) naming type, need and have
   */
  abstract $set(source: ByteSource, offset?: number): this;

  /** Takes a source that is new, after a look at its length; what {@link $set} does when it has to. */
  $attach(source: ByteSource, offset: number): void {
    const { name, need } = this.$codec;
    checkLength(name, need, source.byteLength, offset);
    this.$view = source instanceof DataView ? source : viewOf(source);
    this.$source = source;
    this.$last = source.byteLength - need;
    this.$end = source.byteLength;
  }

  /** Like {@link $set} for bytes that may end early: what is missing reads as zero. Such a value is copied. */
  $setPartial(source: ByteSource, offset = 0): this {
    const { need } = this.$codec;
    if (offset + need <= source.byteLength) return this.$set(source, offset);
    const padded = new Uint8Array(need);
    const have = Math.max(0, source.byteLength - offset);
    if (have > 0) {
      const rest = viewOf(source, offset, have);
      padded.set(new Uint8Array(rest.buffer, rest.byteOffset, have));
    }
    return this.$set(padded);
  }

  $move(view: DataView, at: number, end?: number): this {
    this.$source = undefined;
    this.$view = view;
    this.$at = at;
    this.$end = end;
    return this;
  }

  /** A copy as plain data. */
  $decode(): T {
    return this.$codec.read(this.$view, this.$at, this.$end);
  }
}

/** An array of structs: one view that moves from element to element. */
export class ViewArray<V extends Movable> implements Movable {
  readonly #item: V;
  readonly #stride: number;
  readonly #fixed: number | undefined;
  #length = 0;
  #view: DataView = NOTHING;
  #at = 0;

  /**
   * @param length  `undefined` for a flexible array, which has as many elements as there are bytes
   * @param stride  bytes from one element to the next
   */
  constructor(item: V, length: number | undefined, stride: number) {
    this.#item = item;
    this.#fixed = length;
    this.#stride = stride;
  }

  /** Number of elements. */
  get length(): number {
    return this.#length;
  }

  $move(view: DataView, at: number, end?: number): this {
    this.#view = view;
    this.#at = at;
    this.#length = this.#fixed ?? flexibleLength(at, end, this.#stride);
    return this;
  }

  /** The view, pointed at element `index`; the next call moves it on. @throws {RangeError} beyond the end */
  at(index: number): V {
    if (!(index >= 0 && index < this.#length)) throw new RangeError(`element ${index} of ${this.#length}`);
    return this.#item.$move(this.#view, this.#at + index * this.#stride);
  }

  /** The same view again and again, moved on: copy what has to stay. */
  *[Symbol.iterator](): Generator<V, void, undefined> {
    for (let i = 0; i < this.#length; i++) yield this.at(i);
  }
}
