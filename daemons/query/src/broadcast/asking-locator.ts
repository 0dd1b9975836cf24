import { type Clock, isTesseraError, LruCache } from '@tessera/base';
import { type LayoutFile, layoutPath } from '@tessera/cube';
import { until } from '../execute/until.ts';
import type { Replicas, SegmentLocator } from './segment-locator.ts';
import type { NodesNow, StorageNode } from './storage-node.ts';

export interface AskingOptions {
  /** How long one daemon may take to say what it has. */
  readonly askTimeoutMs: number;
  /** For so long an answer counts, when all have answered; new replicas are found no later. */
  readonly rememberMs: number;
  /** The same when some have not. */
  readonly rememberPartMs: number;
  /** Files remembered at most. */
  readonly maxFiles: number;
}

export const askingDefaults: AskingOptions = {
  askTimeoutMs: 1_000,
  rememberMs: 60_000,
  rememberPartMs: 2_000,
  maxFiles: 200_000,
};

interface Known extends Replicas {
  readonly untilMs: number;
}

/**
 * Asks the daemons themselves and remembers. Only what nobody is known to have makes a scan wait; other answers are
 * renewed while scans go on with the old ones.
 */
export class AskingLocator implements SegmentLocator {
  readonly #nodes: NodesNow;
  readonly #clock: Clock;
  readonly #options: AskingOptions;
  readonly #known: LruCache<Known>;
  /** By path: the questions that are under way. */
  readonly #asking = new Map<string, Promise<void>>();

  constructor(nodes: NodesNow, clock: Clock, options = askingDefaults) {
    this.#nodes = nodes;
    this.#clock = clock;
    this.#options = options;
    this.#known = new LruCache({ maxEntries: options.maxFiles, maxWeight: options.maxFiles });
  }

  async locate(files: readonly LayoutFile[], signal: AbortSignal): Promise<readonly Replicas[]> {
    const nowMs = this.#clock.monotonicMs();
    const old = files.filter((file) => !this.#isFresh(file, nowMs));
    if (old.length > 0) {
      const asking = this.#ask(old);
      const unknown = old.some((file) => !this.#known.get(layoutPath(file))?.daemons.length);
      if (unknown) await until(asking, signal);
    }
    return files.map((file) => this.#known.get(layoutPath(file)) ?? { daemons: [], unasked: [] });
  }

  forget(daemon: string, files: readonly LayoutFile[]): void {
    for (const file of files) {
      const path = layoutPath(file);
      const known = this.#known.get(path);
      if (known === undefined) continue;
      const daemons = known.daemons.filter((name) => name !== daemon);
      this.#known.set(path, { ...known, daemons }, 1);
    }
  }

  #isFresh(file: LayoutFile, nowMs: number): boolean {
    const known = this.#known.get(layoutPath(file));
    return known !== undefined && known.daemons.length > 0 && known.untilMs > nowMs;
  }

  /** Joins questions that are under way; never fails. */
  async #ask(files: readonly LayoutFile[]): Promise<void> {
    const fresh = files.filter((file) => !this.#asking.has(layoutPath(file)));
    if (fresh.length > 0) {
      const asked = this.#askAll(fresh).finally(() => {
        for (const file of fresh) this.#asking.delete(layoutPath(file));
      });
      for (const file of fresh) this.#asking.set(layoutPath(file), asked);
    }
    await Promise.all(new Set(files.map((file) => this.#asking.get(layoutPath(file)))));
  }

  async #askAll(files: readonly LayoutFile[]): Promise<void> {
    const answers = await Promise.all(
      [...this.#nodes().values()].map((node) => this.#askOne(node, files)),
    );
    const silent = answers.flatMap(({ daemon, holds }) =>
      typeof holds === 'string' ? [{ daemon, reason: holds }] : [],
    );
    const { rememberMs, rememberPartMs } = this.#options;
    const forMs = silent.length > 0 ? rememberPartMs : rememberMs;
    const untilMs = this.#clock.monotonicMs() + forMs;
    files.forEach((file, i) => {
      const path = layoutPath(file);
      const holding = answers.filter(({ holds }) => typeof holds !== 'string' && holds[i]);
      const daemons = holding.map(({ daemon }) => daemon);
      const before = this.#known.get(path)?.daemons ?? [];
      // A daemon that does not answer still has what it had.
      const kept = silent.map(({ daemon }) => daemon).filter((name) => before.includes(name));
      const unasked = silent.filter(({ daemon }) => !kept.includes(daemon));
      this.#known.set(path, { daemons: [...daemons, ...kept], unasked, untilMs }, 1);
    });
  }

  /** What the daemon has, or the reason why it does not say. */
  async #askOne(
    node: StorageNode,
    files: readonly LayoutFile[],
  ): Promise<{ readonly daemon: string; readonly holds: readonly boolean[] | string }> {
    const stop = new AbortController();
    const late = this.#clock.sleep(this.#options.askTimeoutMs, stop.signal).then(
      () => 'NO_ANSWER',
      () => 'NO_ANSWER',
    );
    const answer = node.holds(files, stop.signal).catch((error: unknown) => reasonOf(error));
    const holds = await Promise.race([answer, late]);
    stop.abort();
    return { daemon: node.name, holds };
  }
}

function reasonOf(error: unknown): string {
  return isTesseraError(error) ? error.reason : 'INTERNAL';
}
