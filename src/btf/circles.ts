/**
 * Which of the types that refer to each other in circles, or lead to a circle, are the same: the minimization of a finite automaton, whose
 * states are the types and whose letters are the places of the references. Takes m log n for m references and n types.
 *
 * @see Hopcroft, "An n log n algorithm for minimizing states in a finite automaton" (1971); the way with two partitions is that of
 *   Valmari, "Fast brief practical DFA minimization" (2012)
 */
import { MalformedError } from '../core/errors.ts';
import { Partition } from './partition.ts';
import type { TypeGraph } from './words.ts';

/** Looks at types and at references, for each one in the table; merging nine kernels takes 0.15. */
const MAX_VISITS = 0.3;
/** Small tables may have more. */
const ALWAYS_ALLOWED_VISITS = 600_000;

/**
 * For each of `open` the id of one that is the same; references to other types do not count.
 * @param first  which are the same at first, in the same way
 * @throws {MalformedError} `BTF_TOO_DEEP` when that takes far longer than with the types of any compiler
 */
export function refineCircles(graph: TypeGraph, open: Uint32Array, first: Uint32Array): Uint32Array {
  const places = new Uint32Array(graph.starts.length);
  for (let i = 0; i < open.length; i++) places[open[i]!] = i + 1;
  const labels = new Uint32Array(open.length);
  for (let i = 0; i < open.length; i++) labels[i] = places[first[i]!]! - 1;
  const blocks = new Partition(labels, open.length);
  // all of a block have a reference at each place, so of each kind one set may be left out: what leads to no other leads there
  const leftOut = largest(blocks);
  const maxVisits = Math.max(ALWAYS_ALLOWED_VISITS, MAX_VISITS * (graph.starts.length + graph.refs.length));
  // all others are looked at once at least
  let visits = open.length - (blocks.endOf(leftOut) - blocks.startOf(leftOut));
  if (visits > maxVisits) throw tooDeep(open, blocks);
  const edges = edgesBetween(graph, open, places, blocks);
  /** References at the same place that lead into the same block. */
  const bundles = new Partition(edges.positions, edges.bound);

  let block = 0;
  let bundle = bundles.count;
  while (block < blocks.count || bundle < bundles.count) {
    if (block < blocks.count) {
      if (block !== leftOut) {
        const end = blocks.endOf(block);
        for (let at = blocks.startOf(block); at < end; at++) {
          const node = blocks.memberAt(at);
          const last = edges.into[node + 1]!;
          for (let edge = edges.into[node]!; edge < last; edge++) bundles.mark(edge);
          visits += last - edges.into[node]!;
        }
        bundles.split();
      }
      block++;
    } else {
      const end = bundles.endOf(bundle);
      for (let at = bundles.startOf(bundle); at < end; at++) blocks.mark(edges.froms[bundles.memberAt(at)]!);
      visits += end - bundles.startOf(bundle);
      blocks.split();
      bundle++;
    }
    if (visits > maxVisits) throw tooDeep(open, blocks);
  }

  const refined = new Uint32Array(open.length);
  for (let i = 0; i < open.length; i++) refined[i] = open[blocks.memberAt(blocks.startOf(blocks.setOf(i)))]!;
  return refined;
}

function tooDeep(open: Uint32Array, blocks: Partition): MalformedError {
  return new MalformedError('BTF_TOO_DEEP', 'types in circles differ only beyond very many references in a row', {
    details: { types: open.length, classes: blocks.count },
  });
}

/** References among `open`, by the type that they lead to; types are numbered by their place in `open`. */
interface Edges {
  /** Where the references to each type begin; one entry more than there are types. */
  readonly into: Uint32Array;
  /** Which type the reference is of. */
  readonly froms: Uint32Array;
  /** Which of the references of that type it is: below `bound`. */
  readonly positions: Uint32Array;
  readonly bound: number;
}

/** @param places  by id: the place in `open` + 1, 0 for those that are not in it */
function edgesBetween({ starts, refs }: TypeGraph, open: Uint32Array, places: Uint32Array, blocks: Partition): Edges {
  // one place ahead, so that filling moves each start to where it belongs
  const into = new Uint32Array(open.length + 2);
  const targets = new Uint32Array(refs.length);
  let found = 0;
  for (let i = 0; i < open.length; i++) {
    // nothing splits what is alone
    if (blocks.isAlone(i)) continue;
    for (let at = starts[open[i]!]!, end = starts[open[i]! + 1]!; at < end; at++) {
      const place = places[refs[at]!]!;
      targets[found++] = place;
      if (place !== 0) into[place + 1]!++;
    }
  }
  for (let i = 2; i < into.length; i++) into[i]! += into[i - 1]!;
  const froms = new Uint32Array(into[open.length + 1]!);
  const positions = new Uint32Array(froms.length);
  let bound = 0;
  found = 0;
  for (let i = 0; i < open.length; i++) {
    if (blocks.isAlone(i)) continue;
    const count = starts[open[i]! + 1]! - starts[open[i]!]!;
    if (count > bound) bound = count;
    for (let position = 0; position < count; position++) {
      const place = targets[found++]!;
      if (place === 0) continue;
      const edge = into[place]!++;
      froms[edge] = i;
      positions[edge] = position;
    }
  }
  return { into, froms, positions, bound };
}

function largest(blocks: Partition): number {
  let found = 0;
  let most = 0;
  for (let block = 0; block < blocks.count; block++) {
    const size = blocks.endOf(block) - blocks.startOf(block);
    if (size > most) [found, most] = [block, size];
  }
  return found;
}
