import { type Random, seededRandom } from '@tessera/base';
import type { Life } from './life.ts';

/** Takes back what was going to happen. */
export type Cancel = () => void;

interface Planned {
  readonly atMs: number;
  /** In this order when several are due at the same time. */
  readonly order: number;
  readonly life: Life | undefined;
  run: (() => void) | undefined;
}

/**
 * Time and chance of a simulation: one queue of everything that is going to happen. Nothing in it is real: what waits for
 * the network or a clock waits in this queue, and between two happenings all promises settle. So a seed gives the
 * same run, happening by happening; `trace` is a digest of it.
 */
export class World {
  readonly random: Random;
  #nowMs = 1_700_000_000_000;
  #happened = 0;
  #planned = 0;
  #trace = 0x811c9dc5;
  readonly #queue: Planned[] = [];

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** How much has happened. */
  get happened(): number {
    return this.#happened;
  }

  get trace(): string {
    return this.#trace.toString(16);
  }

  /** Without a life: it happens whoever has died. */
  after(delayMs: number, run: () => void, life?: Life): Cancel {
    const atMs = this.#nowMs + Math.max(0, delayMs);
    const planned: Planned = { atMs, order: this.#planned++, life, run };
    this.#insert(planned);
    return () => {
      planned.run = undefined;
    };
  }

  /** Lets things happen until the time has come or `isOver` holds; `check` sees the world after each. */
  async run(
    untilMs: number,
    check: () => void,
    isOver: () => boolean = () => false,
  ): Promise<void> {
    while (!isOver()) {
      const next = this.#queue[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.#take();
      const { run } = next;
      if (run === undefined) continue;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      if (next.life !== undefined && !next.life.admit(run)) continue;
      this.#note(`${this.#nowMs} ${next.life?.name ?? ''}`);
      this.#happened++;
      run();
      await settled();
      check();
    }
    if (!isOver()) this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  #note(text: string): void {
    for (let i = 0; i < text.length; i++) {
      this.#trace = Math.imul(this.#trace ^ text.charCodeAt(i), 0x01000193) >>> 0;
    }
  }

  #insert(item: Planned): void {
    const queue = this.#queue;
    let at = queue.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(item, queue[parent]!)) break;
      queue[at] = queue[parent]!;
      at = parent;
    }
    queue[at] = item;
  }

  #take(): void {
    const queue = this.#queue;
    const last = queue.pop()!;
    if (queue.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= queue.length) break;
      if (child + 1 < queue.length && isBefore(queue[child + 1]!, queue[child]!)) child++;
      if (!isBefore(queue[child]!, last)) break;
      queue[at] = queue[child]!;
      at = child;
    }
    queue[at] = last;
  }
}

function isBefore(a: Planned, b: Planned): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** All promises that can settle have settled when the event loop turns. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
