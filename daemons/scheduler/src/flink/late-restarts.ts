import { AskedFor } from './asked-for.ts';

/** What was counted of one attempt at one time. */
interface Counted {
  readonly atMs: number;
  readonly restarts: number;
}

/** Older restarts say nothing about now. */
const lateMs = 5 * 60_000;

/** How often Flink has restarted jobs lately, since each one's newest checkpoint. What was before this process looked is not known, but of attempts that have had no checkpoint yet. */
export class LateRestarts {
  readonly #nowMs: () => number;
  /** The oldest first; with the checkpoints that there were. */
  readonly #counts = new AskedFor<{
    readonly checkpoints: number;
    readonly all: readonly Counted[];
  }>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /**
   * @param key of one attempt on one run of a JobManager
   * @param seen restarts are absent where Flink does not say
   */
  late(
    key: string,
    {
      restarts,
      checkpoints,
    }: { readonly restarts?: number | undefined; readonly checkpoints: number },
  ): number {
    const before = this.#counts.get(key);
    const atMs = this.#nowMs();
    if (restarts === undefined) return lateOf(before?.all ?? []);
    const now = { atMs, restarts };
    const first = checkpoints === 0 ? { atMs, restarts: 0 } : now;
    const isProgress = before !== undefined && checkpoints > before.checkpoints;
    const earlier = isProgress ? [now] : (before?.all ?? [first]);
    // One from before the window says where it began.
    const begin = earlier.findLastIndex((count) => atMs - count.atMs >= lateMs);
    const isSame = earlier.at(-1)!.restarts === restarts;
    const all = [...earlier.slice(Math.max(0, begin)), ...(isSame ? [] : [now])];
    this.#counts.set(key, { checkpoints, all });
    return lateOf(all);
  }

  /** Forgets what was not asked for since this was called last. */
  forgetUnasked(): void {
    this.#counts.forgetUnasked();
  }
}

function lateOf(all: readonly Counted[]): number {
  return all.length === 0 ? 0 : Math.max(0, all.at(-1)!.restarts - all[0]!.restarts);
}
