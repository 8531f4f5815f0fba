/** Kernel addresses to names, from `/proc/kallsyms`. About 200,000 symbols: read once, when the first address is asked for. */
import { readFile } from 'node:fs/promises';
import { findPlace } from './places.ts';

/** Kernel addresses are in the upper half; what is left of them below 2^48 is exact in a double. */
const BASE = 0xffff_0000_0000_0000n;

export interface KernelSymbols {
  /** `do_unlinkat+0x10`; `undefined` for an address below the first symbol, and where the kernel hides addresses. */
  find(address: bigint): string | undefined;
}

export async function readKernelSymbols(path = '/proc/kallsyms'): Promise<KernelSymbols> {
  return parseKallsyms(await readFile(path, 'utf8').catch(() => ''));
}

export function parseKallsyms(text: string): KernelSymbols {
  const symbols: { readonly at: number; readonly name: string }[] = [];
  for (const [, address, name] of text.matchAll(/^([0-9a-f]+) [tTwW] (\S+)/gm)) {
    const value = BigInt(`0x${address}`);
    if (value >= BASE) symbols.push({ at: Number(value - BASE), name: name! });
  }
  symbols.sort((a, b) => a.at - b.at);
  const places = Float64Array.from(symbols, ({ at }) => at);
  return {
    find(address) {
      if (address < BASE) return undefined;
      const wanted = Number(address - BASE);
      // of several names of one address the first
      const index = findPlace(places, wanted);
      if (index < 0) return undefined;
      const offset = wanted - places[index]!;
      return offset === 0 ? symbols[index]!.name : `${symbols[index]!.name}+0x${offset.toString(16)}`;
    },
  };
}
