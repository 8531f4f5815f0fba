/** What `decode.mjs` generates out of `decode-types.c` before it bundles `decode.ts`. */
declare module 'generated' {
  import type { Codec, View } from 'ebpf-ecc/decode';

  interface Event {
    pid: number;
    tpid: number;
    sig: number;
    ret: number;
    comm: string;
  }
  const Event: Codec<Event>;
  class EventView extends View<Event> implements Event {
    pid: number;
    tpid: number;
    sig: number;
    ret: number;
    comm: string;
    get $codec(): Codec<Event>;
    $set(source: ArrayBufferView | ArrayBufferLike, offset?: number): this;
  }
  const Other1: Codec<unknown>;
  const Other2: Codec<unknown>;
  const Other3: Codec<unknown>;
  const Other4: Codec<unknown>;
}
