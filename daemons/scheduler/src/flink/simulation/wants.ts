import type { ScalingDecision, ScalingInput } from '@tessera/scaling';
import type { World } from '@tessera/testkit/simulation';
import type { Strategies } from '../../scaling/strategy-pool.ts';

/** The strategy of a job, by its name. */
export function strategyOf(job: string): string {
  return `@acme/${job}`;
}

/** Strategies that want what a user wants of each job, and fail now and then. */
export class Wants implements Strategies {
  /** Subtasks, by strategy. */
  readonly subtasks = new Map<string, number>();
  isUnlucky = true;
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  async describe() {
    return { version: '1', options: '{}' };
  }

  async ask({ use }: { readonly use: string }, { parallelism }: ScalingInput) {
    if (this.isUnlucky && this.#world.random.next() < 0.1) {
      return { kind: 'failed', code: 'STRATEGY_FAILED', message: 'It has bad luck.' } as const;
    }
    const wanted = this.subtasks.get(use) ?? parallelism['v']!;
    const isThere = wanted === parallelism['v'];
    const decision: ScalingDecision = {
      action: isThere ? { kind: 'hold' } : { kind: 'rescale', parallelism: { v: wanted } },
      reasons: [{ code: 'WANTED', message: 'A user wants it.' }],
      options: [],
      learned: {},
    };
    return { kind: 'decided', decision } as const;
  }

  async review({ use: veto }: { readonly use: string }) {
    return { veto, answer: { allowed: true } } as const;
  }

  async keep() {}
}
