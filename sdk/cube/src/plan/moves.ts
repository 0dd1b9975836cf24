import {
  type Assignment,
  assign,
  bytesOf,
  type Chosen,
  gainOf,
  type SelectionCandidate,
  type SelectionInstance,
} from './selection-instance.ts';

/** One step of the local search: a candidate to add (-1: none), others to drop, and what the step saves. */
export interface Move {
  readonly add: number;
  readonly drop: readonly number[];
  readonly gain: number;
}

/**
 * The step that saves the most among all that add one candidate, drop one or swap two, and keep to the budget. What a swap
 * saves is the gain of the one, less the loss of the other, plus what both have to do with each other (Resende
 * and Werneck), so all steps together cost one pass over the candidates' queries.
 */
export function bestMove(instance: SelectionInstance, chosen: Chosen): Move | undefined {
  const { candidates } = instance;
  const position = new Position(instance, chosen);
  let best: Move | undefined;
  const offer = (add: number, drop: number, gain: number): void => {
    if (gain > (best?.gain ?? 0)) best = { add, drop: drop === -1 ? [] : [drop], gain };
  };
  for (const [slot, drop] of chosen.entries()) {
    if (!candidates[drop]!.pinned) offer(-1, drop, -position.losses[slot]!);
  }
  for (const add of position.outside) {
    const candidate = candidates[add]!;
    const gain = gainOf(candidate, position.standing.first);
    const needed = candidate.bytes - position.bytesLeft;
    if (needed <= 0) offer(add, -1, gain);
    const alone = position.lossesBeside(candidate);
    for (let slot = 0; slot < chosen.length; slot++) {
      const { pinned, bytes } = candidates[chosen[slot]!]!;
      const net = gain - alone[slot]!;
      if (net > (best?.gain ?? 0) && !pinned && bytes >= needed) offer(add, chosen[slot]!, net);
    }
  }
  return best;
}

/**
 * Steps that add one candidate and drop as many as it needs room, the most promising first: one for each that would gain if
 * there were room. Their gain is what they would save if those dropped had nothing to do with each other.
 */
export function exchangesFrom(instance: SelectionInstance, chosen: Chosen): Move[] {
  const { candidates } = instance;
  const position = new Position(instance, chosen);
  const exchanges: Move[] = [];
  for (const add of position.outside) {
    const candidate = candidates[add]!;
    const gain = gainOf(candidate, position.standing.first);
    if (gain <= 0 || candidate.bytes <= position.bytesLeft) continue;
    const alone = position.lossesBeside(candidate);
    const slots = cheapestRoom(instance, chosen, alone, candidate.bytes - position.bytesLeft);
    if (slots.length === 0) continue;
    const lost = slots.reduce((sum, slot) => sum + alone[slot]!, 0);
    exchanges.push({ add, drop: slots.map((slot) => chosen[slot]!), gain: gain - lost });
  }
  return exchanges.sort((a, b) => b.gain - a.gain || a.add - b.add);
}

export function afterMove(chosen: Chosen, { add, drop }: Move): Chosen {
  const kept = chosen.filter((position) => !drop.includes(position));
  return (add === -1 ? kept : [...kept, add]).sort((a, b) => a - b);
}

/** A choice with what its members are worth. Slots are positions in `chosen`. */
class Position {
  readonly standing: Assignment;
  readonly losses: Float64Array;
  readonly bytesLeft: number;
  /** Candidates that are not chosen and are not more than the budget by themselves. */
  readonly outside: readonly number[];
  readonly #slotOf: Int32Array;
  readonly #alone: Float64Array;

  constructor(instance: SelectionInstance, chosen: Chosen) {
    const { candidates, budgetBytes } = instance;
    this.standing = assign(instance, chosen);
    this.bytesLeft = budgetBytes - bytesOf(instance, chosen);
    this.#slotOf = new Int32Array(candidates.length).fill(-1);
    for (const [slot, each] of chosen.entries()) this.#slotOf[each] = slot;
    this.losses = lossesOf(instance, chosen, this.standing, this.#slotOf);
    this.outside = candidates.flatMap(({ bytes }, i) =>
      this.#slotOf[i] === -1 && bytes <= budgetBytes ? [i] : [],
    );
    this.#alone = new Float64Array(chosen.length);
  }

  /** By slot: what dropping it loses when the candidate is there to take over its queries. Overwritten by the next call. */
  lossesBeside({ queries, costs }: SelectionCandidate): Float64Array {
    const { first, owner, second } = this.standing;
    const alone = this.#alone;
    alone.set(this.losses);
    for (let i = 0; i < queries.length; i++) {
      const query = queries[i]!;
      const from = owner[query]!;
      if (from === -1 || costs[i]! >= second[query]!) continue;
      alone[this.#slotOf[from]!]! -= second[query]! - Math.max(costs[i]!, first[query]!);
    }
    return alone;
  }
}

/** By slot: what the queries would cost more without it, less its upkeep. */
function lossesOf(
  { candidates }: SelectionInstance,
  chosen: Chosen,
  { first, owner, second }: Assignment,
  slotOf: Int32Array,
): Float64Array {
  const losses = Float64Array.from(chosen, (each) => -candidates[each]!.upkeep);
  for (let query = 0; query < first.length; query++) {
    if (owner[query] !== -1) losses[slotOf[owner[query]!]!]! += second[query]! - first[query]!;
  }
  return losses;
}

/** Slots that together have so many bytes and lose little: the least for each byte, without those that turn out not to be needed. */
function cheapestRoom(
  { candidates }: SelectionInstance,
  chosen: Chosen,
  losses: Float64Array,
  needed: number,
): number[] {
  const bytesAt = (slot: number) => candidates[chosen[slot]!]!.bytes;
  const perByte = losses.map((loss, slot) => loss / Math.max(1, bytesAt(slot)));
  const slots = [...chosen.keys()]
    .filter((slot) => !candidates[chosen[slot]!]!.pinned)
    .sort((a, b) => perByte[a]! - perByte[b]! || a - b);
  const taken: number[] = [];
  let freed = 0;
  for (const slot of slots) {
    if (freed >= needed) break;
    taken.push(slot);
    freed += bytesAt(slot);
  }
  if (freed < needed) return [];
  return taken
    .sort((a, b) => losses[b]! - losses[a]! || a - b)
    .filter((slot) => {
      const spare = losses[slot]! > 0 && freed - bytesAt(slot) >= needed;
      if (spare) freed -= bytesAt(slot);
      return !spare;
    });
}
