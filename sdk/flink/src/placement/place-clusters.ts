import { anneal } from './anneal.ts';
import { Attempt, isBetter } from './attempt.ts';
import { leastCost } from './least-cost.ts';
import { ordersOf } from './orders.ts';
import type { PlacementInput, PlacementOutcome } from './placement.ts';

/**
 * Where the processes of all clusters should be. Clusters of higher priority are served first, headroom included; what is placed already stays, unless its host is gone or unfit,
 * its size does not fit there any more, it is not wanted, or it gives its room to the lost JobManager of its cluster. Among all placements that keep these rules a cheap one is chosen: few hosts in use, and racks with no more than an even share (see
 * `placementCost`). The same input gives the same placement, in whatever order it is handed in; placing again with the outcome as `current` moves nothing.
 */
export function placeClusters(input: PlacementInput): PlacementOutcome {
  const [order, ...others] = ordersOf(input);
  let best = new Attempt(input, order!);
  if (isSettled(best, input)) return best.outcome();
  if (input.hosts.length * best.groups.length <= maxWork) {
    for (const other of others) {
      const found = new Attempt(input, other);
      if (isBetter(found, best)) best = found;
    }
  }
  for (let round = 0; round < maxRounds; round++) {
    anneal(best, leastCost(input));
    if (!best.refill()) break;
  }
  return best.outcome();
}

/** There is nothing to choose, or nothing better. */
function isSettled({ newcomers, missing, cost }: Attempt, input: PlacementInput): boolean {
  if (newcomers.length < 2) return true;
  return missing.every((count) => count === 0) && cost <= leastCost(input);
}

/** How often clusters that found no room may try again once others have moved closer together. */
const maxRounds = 3;
/** Up to so many hosts times groups, other orders are tried too: each takes about ten milliseconds then. */
const maxWork = 10_000;
