import { bestMove, lossesOf } from './best-move.ts';
import { type GreedyRule, greedy } from './greedy.ts';
import {
  assign,
  bytesOf,
  type Chosen,
  gainOf,
  objectiveOf,
  type SelectionInstance,
} from './selection-instance.ts';

/** A local search ends after so many steps, and ruins after so many numbers were looked at: the same on any machine. */
const maxMoves = 1_000;
const maxRuinWork = 300_000_000;
/** So many of the candidates that were left out are forced in, the most promising first. */
const maxForced = 200;
/** Steps that save less than this part of the whole cost are not taken. */
const leastGain = 1e-9;

/**
 * The candidates to keep: greedily chosen, then improved by adding, dropping and swapping, and by taking one out
 * (or forcing one in) and filling up again. What is pinned is kept, even where it is more than the budget.
 */
export function selectCuboids(instance: SelectionInstance): Chosen {
  return new LocalSearch(instance).run();
}

const rules: readonly GreedyRule[] = ['perByte', 'total'];

class LocalSearch {
  readonly #instance: SelectionInstance;
  readonly #pinned: Chosen;
  readonly #entries: number;
  #work = 0;

  constructor(instance: SelectionInstance) {
    this.#instance = instance;
    this.#pinned = instance.candidates.flatMap(({ pinned }, i) => (pinned ? [i] : []));
    this.#entries = instance.candidates.reduce((sum, { queries }) => sum + queries.length, 0);
  }

  run(): Chosen {
    let best = this.#filled(this.#pinned);
    for (let improved = this.#ruined(best); improved !== undefined; ) {
      best = improved;
      improved = this.#ruined(best);
    }
    return best;
  }

  /** The better of what both greedy rules give, each improved. */
  #filled(start: Chosen, banned?: number): Chosen {
    const filled = rules.map((rule) => {
      this.#work += this.#entries;
      return this.#improved(greedy(this.#instance, start, rule, banned));
    });
    return filled.reduce((a, b) => (this.#cost(b) < this.#cost(a) ? b : a));
  }

  #improved(start: Chosen): Chosen {
    let chosen = start;
    for (let moves = 0; moves < maxMoves; moves++) {
      this.#work += this.#entries + chosen.length * this.#instance.candidates.length;
      const move = bestMove(this.#instance, chosen);
      if (move === undefined || move.gain <= leastGain * this.#cost(chosen)) return chosen;
      const kept = chosen.filter((position) => position !== move.drop);
      chosen = (move.add === -1 ? kept : [...kept, move.add]).sort((a, b) => a - b);
    }
    return chosen;
  }

  /** The first better choice that is found by starting from a part of this one. */
  #ruined(chosen: Chosen): Chosen | undefined {
    const cost = this.#cost(chosen);
    const limit = cost - leastGain * cost;
    for (const { start, banned } of this.#starts(chosen)) {
      if (this.#work > maxRuinWork) return undefined;
      const other = this.#filled(start, banned);
      if (this.#cost(other) < limit) return other;
    }
    return undefined;
  }

  *#starts(chosen: Chosen): Iterable<{ readonly start: Chosen; readonly banned?: number }> {
    const { candidates } = this.#instance;
    for (const position of chosen) {
      if (candidates[position]!.pinned) continue;
      yield { start: chosen.filter((other) => other !== position), banned: position };
    }
    for (const position of this.#promising(chosen)) yield { start: this.#forced(chosen, position) };
  }

  #promising(chosen: Chosen): number[] {
    const { candidates, budgetBytes } = this.#instance;
    const { first } = assign(this.#instance, chosen);
    const kept = new Set(chosen);
    const gains = candidates.flatMap((candidate, position) => {
      const gain = gainOf(candidate, first);
      const fits = candidate.bytes <= budgetBytes && !kept.has(position);
      return fits && gain > 0 ? [{ position, gain }] : [];
    });
    gains.sort((a, b) => b.gain - a.gain || a.position - b.position);
    return gains.slice(0, maxForced).map(({ position }) => position);
  }

  /** With one more, and without those that give the least for their bytes, until all fit. */
  #forced(chosen: Chosen, position: number): Chosen {
    const { candidates, budgetBytes } = this.#instance;
    let kept = [...chosen, position].sort((a, b) => a - b);
    while (bytesOf(this.#instance, kept) > budgetBytes) {
      const losses = lossesOf(this.#instance, kept);
      const worth = kept.map((other, slot) =>
        other === position || candidates[other]!.pinned
          ? Number.POSITIVE_INFINITY
          : losses[slot]! / Math.max(1, candidates[other]!.bytes),
      );
      const least = Math.min(...worth);
      if (least === Number.POSITIVE_INFINITY) return chosen;
      kept = kept.filter((_, slot) => slot !== worth.indexOf(least));
    }
    return kept;
  }

  #cost(chosen: Chosen): number {
    return objectiveOf(this.#instance, chosen);
  }
}
