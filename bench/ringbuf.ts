/**
 * Events per second through a ring buffer, from a program in the kernel to plain objects in JavaScript, end to end: written by the
 * program, decoded, each checked for its number. None may be missing, doubled or out of order.
 *
 * The program runs in the kernel on a thread, 2,000 events at a time, so reader and writer each have a processor, as they would in
 * use. Needs root and two processors.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Kind } from '../src/btf/kinds.ts';
import { makeCodec } from '../src/codegen/ts/run-time.ts';
import type { Codec } from '../src/decode/index.ts';
import { openObject } from '../src/object/open.ts';
import { load } from '../src/runner/index.ts';
import { GENERATOR, type GeneratedEvent, ObjectBuilder } from '../test/runner/objects.ts';

const TOTAL = Number(process.env.EVENTS ?? 5_000_000);

interface Result {
  readonly way: string;
  readonly events: number;
  readonly perSecond: number;
  readonly wrong: number;
  readonly dropped: string;
}

async function measure(object: Uint8Array, way: 'for await' | 'batches', total: number): Promise<Result> {
  const { btf } = openObject(object);
  const event = makeCodec(btf!, btf!.find('event', Kind.struct)!) as Codec<GeneratedEvent>;
  const types = { maps: { events: { type: 'ringbuf', event } } } as const;
  await using bpf = await load(object, { types });
  bpf.setGlobal('per_run', 2000);
  const program = bpf.programs.burst!;
  const stream = bpf.events.events;
  const writing = { on: true };
  let count = 0;
  let wrong = 0;
  // one call after the other on a thread of koffi's: the event loop is the reader's alone
  const writer = (async () => {
    while (writing.on) {
      // a writer that is faster than the reader waits, so that nothing is dropped and everything has to arrive
      if (Number(bpf.global('seq')) - count > 100_000) await new Promise((resolve) => setImmediate(resolve));
      else await program.run();
    }
  })();
  const check = (event: GeneratedEvent) => {
    if (event.seq !== BigInt(count) || event.triple !== BigInt(count * 3) || event.seven !== 7) wrong++;
    count++;
  };
  const start = performance.now();
  if (way === 'for await') {
    for await (const event of stream) {
      check(event);
      if (count >= total) break;
    }
  } else {
    for await (const batch of stream.batches(1024)) {
      for (const event of batch) check(event);
      if (count >= total) break;
    }
  }
  const seconds = (performance.now() - start) / 1000;
  writing.on = false;
  await writer;
  return { way, events: count, perSecond: Math.round(count / seconds), wrong, dropped: String(bpf.global('dropped')) };
}

const directory = mkdtempSync(path.join(os.tmpdir(), 'ecc-bench-'));
try {
  const object = await new ObjectBuilder(directory).build('generator', GENERATOR);
  for (const way of ['for await', 'batches'] as const) {
    await measure(object, way, TOTAL / 10); // warm-up
    const { events, perSecond, wrong, dropped } = await measure(object, way, TOTAL);
    process.stdout.write(
      `${way.padEnd(10)} ${events} events of 32 bytes, ${perSecond.toLocaleString('en')} per second, ${wrong} wrong, ${dropped} dropped\n`,
    );
    if (wrong > 0 || dropped !== '0') process.exitCode = 1;
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
