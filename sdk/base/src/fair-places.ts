import { FairQueue } from './fair-queue.ts';

export interface FairPlacesLimits {
  /** How many may be inside at once. */
  readonly places: number;
  /** How many may wait, in all and of one flow. */
  readonly maxWaiting: number;
  readonly maxWaitingPerFlow: number;
}

/** What became of somebody who came: `refused` says which bound would be passed, and how many wait there. */
export type Arrival =
  | { readonly kind: 'entered' }
  | { readonly kind: 'waiting' }
  | {
      readonly kind: 'refused';
      readonly bound: 'all' | 'flow';
      readonly limit: number;
      readonly waiting: number;
    };

/**
 * A bounded number is inside, a bounded number of each flow and in all waits, and whoever leaves hands his place to the one
 * whose turn it is by `FairQueue`. Decides only: who is told, and when, is the caller's.
 */
export class FairPlaces<Item> {
  readonly #limits: FairPlacesLimits;
  readonly #queue = new FairQueue<Item>();
  #inside = 0;

  constructor(limits: FairPlacesLimits) {
    this.#limits = limits;
  }

  get inside(): number {
    return this.#inside;
  }

  get waiting(): number {
    return this.#queue.size;
  }

  arrive(flow: string, cost: number, item: Item): Arrival {
    const { places, maxWaiting, maxWaitingPerFlow } = this.#limits;
    if (this.#inside < places) {
      // Nobody waits while a place is free; what it costs counts all the same.
      this.#queue.add(flow, cost, item);
      this.#queue.take();
      this.#inside++;
      return { kind: 'entered' };
    }
    const own = this.#queue.sizeOf(flow);
    if (own >= maxWaitingPerFlow) {
      return { kind: 'refused', bound: 'flow', limit: maxWaitingPerFlow, waiting: own };
    }
    const all = this.#queue.size;
    if (all >= maxWaiting) {
      return { kind: 'refused', bound: 'all', limit: maxWaiting, waiting: all };
    }
    this.#queue.add(flow, cost, item);
    return { kind: 'waiting' };
  }

  /** Somebody leaves: gives the one who has the place now, if any waited. */
  leave(): Item | undefined {
    const next = this.#queue.take();
    if (next === undefined) this.#inside--;
    return next;
  }

  /** Somebody gives up waiting. False: he has a place by now. */
  withdraw(flow: string, item: Item): boolean {
    return this.#queue.remove(flow, item);
  }

  /** How many turns it takes at most until a newcomer of this flow is inside, were all alike; 0: at once. */
  turnsBefore(flow: string): number {
    if (this.#inside < this.#limits.places) return 0;
    return Math.ceil((this.#queue.before(flow) + 1) / this.#limits.places);
  }
}
