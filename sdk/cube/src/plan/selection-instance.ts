/**
 * Which cuboids to keep, as bare numbers: the budgeted facility location problem. Choose candidates whose bytes fit
 * the budget so that the cost of all queries (each on the cheapest of what is kept, or on the source) and the upkeep
 * of what is kept are least. Small enough a value that an exact solver can be given the same one.
 */
export interface SelectionInstance {
  readonly budgetBytes: number;
  /** By query: its weight times its predicted micros on the source. */
  readonly sourceCosts: Float64Array;
  readonly candidates: readonly SelectionCandidate[];
}

export interface SelectionCandidate {
  readonly bytes: number;
  /** What keeping it costs, in weighted micros. */
  readonly upkeep: number;
  /** Kept whatever it costs; its bytes count. */
  readonly pinned: boolean;
  /** The queries that it makes cheaper than the source, ascending, and their weighted micros on it. */
  readonly queries: Int32Array;
  readonly costs: Float64Array;
}

/** Positions of candidates, ascending. */
export type Chosen = readonly number[];

/** How the queries stand when some candidates are kept. */
export interface Assignment {
  /** By query: its least cost, the candidate that gives it (-1: the source), and the least cost without that one. */
  readonly first: Float64Array;
  readonly owner: Int32Array;
  readonly second: Float64Array;
}

export function assign(instance: SelectionInstance, chosen: Chosen): Assignment {
  const first = instance.sourceCosts.slice();
  const second = instance.sourceCosts.slice();
  const owner = new Int32Array(first.length).fill(-1);
  for (const position of chosen) {
    const { queries, costs } = instance.candidates[position]!;
    for (let i = 0; i < queries.length; i++) {
      const query = queries[i]!;
      const cost = costs[i]!;
      if (cost < first[query]!) {
        second[query] = first[query]!;
        first[query] = cost;
        owner[query] = position;
      } else if (cost < second[query]!) {
        second[query] = cost;
      }
    }
  }
  return { first, owner, second };
}

/** What the candidate would save of the queries' costs beyond what is kept. */
export function savedBy({ queries, costs }: SelectionCandidate, first: Float64Array): number {
  let saved = 0;
  for (let i = 0; i < queries.length; i++) {
    const less = first[queries[i]!]! - costs[i]!;
    if (less > 0) saved += less;
  }
  return saved;
}

/** The same, its own upkeep taken off. */
export function gainOf(candidate: SelectionCandidate, first: Float64Array): number {
  return savedBy(candidate, first) - candidate.upkeep;
}

/** The cost of all queries and of all upkeep. */
export function objectiveOf(instance: SelectionInstance, chosen: Chosen): number {
  const { first } = assign(instance, chosen);
  let total = 0;
  for (const cost of first) total += cost;
  for (const position of chosen) total += instance.candidates[position]!.upkeep;
  return total;
}

export function bytesOf(instance: SelectionInstance, chosen: Chosen): number {
  return chosen.reduce((sum, position) => sum + instance.candidates[position]!.bytes, 0);
}
