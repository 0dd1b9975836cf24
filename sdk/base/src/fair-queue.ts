/**
 * Who waits, and who is next: a queue that is fair between flows (users, projects), not first come first served. Each
 * flow has a virtual time at which its next item may start; every start moves it on by the item's cost, and the flow
 * that is furthest behind is next (start-time fair queueing). A flow that was away takes up at the present, so it neither
 * saves up turns nor starves who kept waiting. Within a flow the order is that of arrival.
 *
 * No clock, no promises: see `FairPlaces` for how many may be inside.
 */
export class FairQueue<Item> {
  readonly #flows = new Map<string, Flow<Item>>();
  /** Of flows without items: what they have had in advance of the present. */
  readonly #ahead = new Map<string, number>();
  #present = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  sizeOf(flow: string): number {
    return this.#flows.get(flow)?.items.length ?? 0;
  }

  /** @param cost more than 0; what the item uses of whatever is shared. */
  add(flow: string, cost: number, item: Item): void {
    const known = this.#flows.get(flow) ?? { items: [], start: this.#startOf(flow) };
    this.#flows.set(flow, known);
    this.#ahead.delete(flow);
    known.items.push({ item, cost });
    this.#size++;
  }

  /** Takes out the item whose turn it is. */
  take(): Item | undefined {
    let name: string | undefined;
    let next: Flow<Item> | undefined;
    for (const [flow, candidate] of this.#flows) {
      if (next === undefined || candidate.start < next.start) [name, next] = [flow, candidate];
    }
    if (name === undefined || next === undefined) return undefined;
    const { item, cost } = next.items.shift()!;
    this.#size--;
    // Ever new flows start at the present: it has to move, or they would be before the others for ever.
    this.#present = Math.max(this.#present, next.start) + cost / this.#flows.size;
    next.start += cost;
    if (next.items.length === 0) this.#retire(name, next);
    return item;
  }

  /** Takes out an item before its turn. False: it was not waiting. */
  remove(flow: string, item: Item): boolean {
    const known = this.#flows.get(flow);
    const place = known?.items.findIndex((entry) => entry.item === item) ?? -1;
    if (known === undefined || place < 0) return false;
    known.items.splice(place, 1);
    this.#size--;
    if (known.items.length === 0) this.#retire(flow, known);
    return true;
  }

  /** How many would start before a new item of this flow if all cost the same and nobody else came: an upper bound. */
  before(flow: string): number {
    const own = this.sizeOf(flow);
    let count = 0;
    for (const { items } of this.#flows.values()) count += Math.min(items.length, own + 1);
    return count;
  }

  #startOf(flow: string): number {
    return Math.max(this.#present, this.#ahead.get(flow) ?? 0);
  }

  #retire(name: string, { start }: Flow<Item>): void {
    this.#flows.delete(name);
    if (start > this.#present) this.#ahead.set(name, start);
    if (this.#ahead.size <= maxRemembered) return;
    for (const [flow, until] of this.#ahead) {
      if (until <= this.#present) this.#ahead.delete(flow);
    }
    const [oldest] = this.#ahead.keys();
    if (this.#ahead.size > maxRemembered && oldest !== undefined) this.#ahead.delete(oldest);
  }
}

interface Flow<Item> {
  readonly items: { readonly item: Item; readonly cost: number }[];
  /** Virtual time of its next start. */
  start: number;
}

/** Flows without items whose advance is kept; who is forgotten may start a little early. */
const maxRemembered = 1_000;
