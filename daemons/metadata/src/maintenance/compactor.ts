import { type Clock, isTesseraError, type KeyValueStore } from '@tessera/base';

export interface CompactionPolicy {
  /** A revision younger than this stays readable, as long as there are not too many. */
  readonly retainMs: number;
  /** However young: more than this many revisions are never kept. */
  readonly retainRevisions: number;
  readonly intervalMs: number;
}

interface Sample {
  readonly atMs: number;
  readonly revision: bigint;
}

/** Keeps the history bounded: forgets what is both old enough and not needed by the policy. */
export class Compactor {
  readonly #store: KeyValueStore;
  readonly #clock: Clock;
  readonly #policy: CompactionPolicy;
  readonly #failed: (error: unknown) => void;
  readonly #ended = new AbortController();
  #samples: Sample[] = [];
  #running: Promise<void> | undefined;

  constructor(
    store: KeyValueStore,
    clock: Clock,
    policy: CompactionPolicy,
    failed: (error: unknown) => void,
  ) {
    this.#store = store;
    this.#clock = clock;
    this.#policy = policy;
    this.#failed = failed;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#ended.abort();
    await this.#running;
  }

  /** One turn: remembers how far the store is, and compacts what the policy lets go. */
  async turn(): Promise<void> {
    const { revision, compactRevision } = await this.#store.status();
    const nowMs = this.#clock.monotonicMs();
    this.#samples.push({ atMs: nowMs, revision });
    const aged = this.#samples.filter(({ atMs }) => atMs <= nowMs - this.#policy.retainMs);
    const target = compactionTarget(revision, aged.at(-1)?.revision, this.#policy.retainRevisions);
    this.#samples = this.#samples.slice(Math.max(0, aged.length - 1));
    if (target > compactRevision) await this.#store.compact(target);
  }

  async #run(): Promise<void> {
    const { signal } = this.#ended;
    while (!signal.aborted) {
      try {
        await this.turn();
      } catch (error) {
        if (isTesseraError(error, 'STORE_CLOSED')) return;
        this.#failed(error);
      }
      await this.#clock.sleep(this.#policy.intervalMs, signal).catch(() => undefined);
    }
  }
}

/** The newest revision that may be compacted up to: aged by time, or pushed out by number. */
export function compactionTarget(
  revision: bigint,
  aged: bigint | undefined,
  retainRevisions: number,
): bigint {
  const byCount = revision - BigInt(retainRevisions);
  const byAge = aged ?? 0n;
  return byCount > byAge ? byCount : byAge;
}
