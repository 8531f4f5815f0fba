/**
 * ns per event: generated views and decoders against what one would write by hand, in the same process and in turns. The event is that of
 * sigsnoop: four integers and a `comm`, 32 bytes. Run by `decode.mjs`, which generates `generated.ts` first.
 */
import { type Codec, readString } from 'ebpf-ecc/decode';
import * as generated from 'generated';

interface Event {
  pid: number;
  tpid: number;
  sig: number;
  ret: number;
  comm: string;
}

const EVENTS = 4096;
const SIZE = 32;
const ROUNDS = 401;
const PASSES = 4;

const ring = new Uint8Array(EVENTS * SIZE);
const view = new DataView(ring.buffer);
for (let i = 0; i < EVENTS; i++) {
  const value = { pid: i, tpid: i * 7, sig: i % 64, ret: -(i % 3), comm: `worker-${i % 1000}/${i % 7}` };
  generated.Event.encodeInto(value, ring, i * SIZE);
}
const separate = Array.from({ length: EVENTS }, (_, i) => ring.slice(i * SIZE, (i + 1) * SIZE));
const decoder = new TextDecoder();

// Other types go through the same runtime first, as in a real program: what is measured is not tuned to one type.
const others: readonly Codec<unknown>[] = [generated.Other1, generated.Other2, generated.Other3, generated.Other4];
for (let i = 0; i < 20_000; i++) for (const codec of others) codec.decode(separate[i % EVENTS]!);
for (let i = 0; i < 20_000; i++) for (const codec of others) codec.decode(view, (i % EVENTS) * SIZE);

/** The usual way to read a C string. */
function plainText(source: DataView, at: number, size: number): string {
  const bytes = new Uint8Array(source.buffer, source.byteOffset + at, size);
  const nul = bytes.indexOf(0);
  return decoder.decode(nul < 0 ? bytes : bytes.subarray(0, nul));
}

function byHand(source: DataView, at: number): Event {
  return {
    pid: source.getInt32(at, true),
    tpid: source.getInt32(at + 4, true),
    sig: source.getInt32(at + 8, true),
    ret: source.getInt32(at + 12, true),
    comm: plainText(source, at + 16, 16),
  };
}

/** The same with the string reader of `ebpf-ecc/decode`: what is left is the cost of generated code. */
function byHandFastText(source: DataView, at: number): Event {
  return {
    pid: source.getInt32(at, true),
    tpid: source.getInt32(at + 4, true),
    sig: source.getInt32(at + 8, true),
    ret: source.getInt32(at + 12, true),
    comm: readString(source, at + 16, 16),
  };
}

/** Is handed a ring, as a program is; returns something that depends on the event, so that nothing is optimised away. */
type Pass = (source: DataView, index: number) => number;

interface Comparison {
  readonly name: string;
  readonly hand: Pass;
  readonly ours: Pass;
}

/**
 * A view belongs to the function that reads events, as the DataView of code by hand is handed to it. At the top of a module it would not be the
 * same thing: bundling makes `var` of such a `const`, which is read, and looked at for what it is, again at every use.
 */
type Reader = (eventView: generated.EventView) => Pass;

const unchecked: Reader = (eventView) => {
  eventView.$set(view);
  return (_, i) => {
    eventView.$at = i * SIZE;
    return eventView.pid + eventView.sig;
  };
};

const checked: Reader = (eventView) => (source, i) => {
  eventView.$set(source, i * SIZE);
  return eventView.pid + eventView.sig;
};

const allMembers: Reader = (eventView) => (source, i) => {
  eventView.$set(source, i * SIZE);
  return eventView.pid + eventView.tpid + eventView.sig + eventView.ret + eventView.comm.length;
};

const weigh = (event: Event): number => event.pid + event.tpid + event.sig + event.ret + event.comm.length;

const comparisons: readonly Comparison[] = [
  {
    name: 'view, two members, unchecked ($at)',
    hand: (source, i) => {
      const at = i * SIZE;
      return source.getInt32(at, true) + source.getInt32(at + 8, true);
    },
    ours: unchecked(new generated.EventView()),
  },
  {
    name: 'view, two members, length checked ($set)',
    hand: (source, i) => {
      const at = i * SIZE;
      if (at + SIZE > source.byteLength) throw new RangeError('too short');
      return source.getInt32(at, true) + source.getInt32(at + 8, true);
    },
    ours: checked(new generated.EventView()),
  },
  {
    name: 'view, all members',
    hand: (source, i) => {
      const at = i * SIZE;
      const numbers = source.getInt32(at, true) + source.getInt32(at + 4, true) + source.getInt32(at + 8, true);
      return numbers + source.getInt32(at + 12, true) + readString(source, at + 16, 16).length;
    },
    ours: allMembers(new generated.EventView()),
  },
  {
    name: 'object out of a ring, TextDecoder by hand',
    hand: (source, i) => weigh(byHand(source, i * SIZE)),
    ours: (source, i) => weigh(generated.Event.decode(source, i * SIZE)),
  },
  {
    name: 'object out of a ring, our strings by hand',
    hand: (source, i) => weigh(byHandFastText(source, i * SIZE)),
    ours: (source, i) => weigh(generated.Event.decode(source, i * SIZE)),
  },
  {
    name: 'object out of a Uint8Array, TextDecoder by hand',
    hand: (_, i) => {
      const bytes = separate[i]!;
      return weigh(byHand(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0));
    },
    ours: (_, i) => weigh(generated.Event.decode(separate[i]!)),
  },
  {
    name: 'object out of a Uint8Array, our strings by hand',
    hand: (_, i) => {
      const bytes = separate[i]!;
      return weigh(byHandFastText(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0));
    },
    ours: (_, i) => weigh(generated.Event.decode(separate[i]!)),
  },
];

function nsPerEvent(pass: Pass): number {
  let sum = 0;
  const start = process.hrtime.bigint();
  for (let p = 0; p < PASSES; p++) for (let i = 0; i < EVENTS; i++) sum += pass(view, i);
  const took = Number(process.hrtime.bigint() - start);
  if (Number.isNaN(sum)) throw new Error('the sum is no number');
  return took / (PASSES * EVENTS);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] as number;
}

function best(values: readonly number[]): number {
  return Math.min(...values);
}

// All of them first, so that none is inlined into the loop that measures: a handler of events is called, too.
for (let i = 0; i < 20; i++) {
  for (const { hand, ours } of comparisons) {
    nsPerEvent(hand);
    nsPerEvent(ours);
  }
}

const results = comparisons.map(({ name, hand, ours }) => {
  for (let i = 0; i < EVENTS; i++) if (hand(view, i) !== ours(view, i)) throw new Error(`${name}: event ${i} differs`);
  const rounds = Array.from({ length: ROUNDS }, (_, round) => {
    // In turns, so that what slows the machine down slows both down.
    const first = nsPerEvent(round % 2 === 0 ? hand : ours);
    const second = nsPerEvent(round % 2 === 0 ? ours : hand);
    return round % 2 === 0 ? { hand: first, ours: second } : { hand: second, ours: first };
  });
  return {
    name,
    handNs: median(rounds.map((round) => round.hand)),
    oursNs: median(rounds.map((round) => round.ours)),
    ratio: median(rounds.map((round) => round.ours / round.hand)),
    // On a busy machine only the best rounds were undisturbed.
    bestRatio: best(rounds.map((round) => round.ours)) / best(rounds.map((round) => round.hand)),
  };
});

if (process.argv.includes('--json')) process.stdout.write(`${JSON.stringify(results)}\n`);
else {
  process.stdout.write(`${'ns per event of 32 bytes, medians'.padEnd(48)} by hand     ours    ratio  of the best\n`);
  for (const { name, handNs, oursNs, ratio, bestRatio } of results) {
    const numbers = [handNs.toFixed(1), oursNs.toFixed(1), ratio.toFixed(2), bestRatio.toFixed(2)];
    process.stdout.write(`${name.padEnd(48)}${numbers.map((text) => text.padStart(8)).join(' ')}\n`);
  }
}
