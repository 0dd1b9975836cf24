import { greedy } from './greedy.ts';
import { afterMove, bestMove, exchangesFrom, type Move } from './moves.ts';
import { type Chosen, objectiveOf, type SelectionInstance } from './selection-instance.ts';

/** How much bytes count in the greedy choices that are tried: see `greedy`. */
const rules = [1, 0.5, 0] as const;
/** A local search ends after so many steps, and starts no more after so much was looked at: the same on any machine. */
const maxMoves = 1_000;
const maxWork = 60_000_000;
/** How much more than a look it is to sort. */
const sortWork = 8;
/** So many of the most promising exchanges are looked at closely. */
const closelyExamined = 12;
/** Steps that save less than this part of the whole cost are not taken. */
const leastGain = 1e-9;

/**
 * The candidates to keep: greedily chosen, then improved by adding, dropping and exchanging, and by starting again from a
 * part of the choice: without one that was kept, or around one that was not. What is pinned is kept, even where it
 * is more than the budget.
 */
export function selectCuboids(instance: SelectionInstance): Chosen {
  return new LocalSearch(instance).run();
}

class LocalSearch {
  readonly #instance: SelectionInstance;
  readonly #entries: number;
  #work = 0;

  constructor(instance: SelectionInstance) {
    this.#instance = instance;
    this.#entries = instance.candidates.reduce((sum, { queries }) => sum + queries.length, 0);
  }

  run(): Chosen {
    const pinned = this.#instance.candidates.flatMap(({ pinned }, i) => (pinned ? [i] : []));
    let best = this.#cheapest(rules.map((rule) => this.#improved(this.#filled(pinned, rule))));
    for (let better = this.#restarted(best); better !== undefined; ) {
      best = better;
      better = this.#restarted(best);
    }
    return best;
  }

  #filled(start: Chosen, rule: number, banned?: number): Chosen {
    this.#work += this.#entries;
    return greedy(this.#instance, start, rule, banned);
  }

  #improved(start: Chosen): Chosen {
    let chosen = start;
    for (let moves = 0; moves < maxMoves && this.#work < maxWork; moves++) {
      const next = this.#moved(chosen) ?? this.#exchanged(chosen);
      if (next === undefined) return chosen;
      chosen = next;
    }
    return chosen;
  }

  #moved(chosen: Chosen): Chosen | undefined {
    this.#work += this.#entries + chosen.length * this.#instance.candidates.length;
    const best = bestMove(this.#instance, chosen);
    const worthIt = best !== undefined && best.gain > leastGain * this.#cost(chosen);
    return worthIt ? afterMove(chosen, best) : undefined;
  }

  #exchanged(chosen: Chosen): Chosen | undefined {
    const cost = this.#cost(chosen);
    return this.#exchanges(chosen)
      .slice(0, closelyExamined)
      .filter(({ gain }) => gain > leastGain * cost)
      .map((move) => afterMove(chosen, move))
      .find((next) => this.#cost(next) < cost - leastGain * cost);
  }

  #exchanges(chosen: Chosen): Move[] {
    this.#work += this.#entries + sortWork * chosen.length * this.#instance.candidates.length;
    return exchangesFrom(this.#instance, chosen);
  }

  /** The first better choice that comes of starting from a part of this one. */
  #restarted(chosen: Chosen): Chosen | undefined {
    const cost = this.#cost(chosen);
    const limit = cost - leastGain * cost;
    for (const { start, banned } of this.#starts(chosen)) {
      if (this.#work >= maxWork) return undefined;
      const filled = this.#cheapest(rules.map((rule) => this.#filled(start, rule, banned)));
      const improved = this.#improved(filled);
      if (this.#cost(improved) < limit) return improved;
    }
    return undefined;
  }

  *#starts(chosen: Chosen): Iterable<{ readonly start: Chosen; readonly banned?: number }> {
    for (const banned of chosen) {
      if (this.#instance.candidates[banned]!.pinned) continue;
      yield { start: chosen.filter((other) => other !== banned), banned };
    }
    for (const move of this.#exchanges(chosen)) yield { start: afterMove(chosen, move) };
  }

  #cheapest(choices: readonly Chosen[]): Chosen {
    return choices.reduce((a, b) => (this.#cost(b) < this.#cost(a) ? b : a));
  }

  #cost(chosen: Chosen): number {
    return objectiveOf(this.#instance, chosen);
  }
}
