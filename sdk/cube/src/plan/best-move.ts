import {
  assign,
  bytesOf,
  type Chosen,
  gainOf,
  type SelectionInstance,
} from './selection-instance.ts';

/** One step of the local search: candidates to add and to drop (-1: none), and what the step saves. */
export interface Move {
  readonly add: number;
  readonly drop: number;
  readonly gain: number;
}

/**
 * The step that saves the most among all that add one candidate, drop one, or swap two, and keep to the budget. What a swap saves is
 * the gain of the one, less the loss of the other, plus what both have to do with each other (Resende and
 * Werneck), so all swaps together cost one pass over the candidates' queries.
 */
export function bestMove(instance: SelectionInstance, chosen: Chosen): Move | undefined {
  const { candidates, budgetBytes } = instance;
  const { first, owner, second } = assign(instance, chosen);
  const losses = lossesOf(instance, chosen);
  const bytesLeft = budgetBytes - bytesOf(instance, chosen);
  const slotOf = new Int32Array(candidates.length).fill(-1);
  chosen.forEach((position, slot) => {
    slotOf[position] = slot;
  });
  let best: Move = { add: -1, drop: -1, gain: 0 };
  const offer = (add: number, drop: number, gain: number): void => {
    if (gain > best.gain) best = { add, drop, gain };
  };
  chosen.forEach((position, slot) => {
    if (!candidates[position]!.pinned) offer(-1, position, -losses[slot]!);
  });
  const shared = new Float64Array(chosen.length);
  candidates.forEach((candidate, position) => {
    if (slotOf[position] !== -1 || candidate.bytes > budgetBytes) return;
    const gain = gainOf(candidate, first);
    if (candidate.bytes <= bytesLeft) offer(position, -1, gain);
    shared.fill(0);
    const { queries, costs } = candidate;
    for (let i = 0; i < queries.length; i++) {
      const query = queries[i]!;
      const from = owner[query]!;
      if (from === -1 || costs[i]! >= second[query]!) continue;
      const slot = slotOf[from]!;
      shared[slot]! += second[query]! - Math.max(costs[i]!, first[query]!);
    }
    for (let slot = 0; slot < chosen.length; slot++) {
      const dropped = candidates[chosen[slot]!]!;
      if (dropped.pinned || candidate.bytes > bytesLeft + dropped.bytes) continue;
      offer(position, chosen[slot]!, gain - losses[slot]! + shared[slot]!);
    }
  });
  return best.add === -1 && best.drop === -1 ? undefined : best;
}

/** By slot of `chosen`: what the queries would cost more without it, less its upkeep. */
export function lossesOf(instance: SelectionInstance, chosen: Chosen): Float64Array {
  const { first, owner, second } = assign(instance, chosen);
  const slots = new Map(chosen.map((position, slot) => [position, slot]));
  const losses = Float64Array.from(chosen, (position) => -instance.candidates[position]!.upkeep);
  for (let query = 0; query < first.length; query++) {
    const slot = slots.get(owner[query]!);
    if (slot !== undefined) losses[slot]! += second[query]! - first[query]!;
  }
  return losses;
}
