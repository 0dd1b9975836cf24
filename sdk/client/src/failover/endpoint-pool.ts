import { setTimeout as sleep } from 'node:timers/promises';
import { HealthDefinition } from 'nice-grpc-server-health';
import type { Link } from '../transport/link.ts';

/** One of several daemons that serve the same. */
export interface Endpoint {
  readonly address: string;
  readonly link: Link;
}

interface Entry extends Endpoint {
  link: Link;
  isTrusted: boolean;
}

/** How often a daemon that is not trusted is asked how it is, and how long it may take to say so. */
const probing = { firstMs: 100, longestMs: 1_000, timeoutMs: 1_000 } as const;
/** grpc.health.v1.HealthCheckResponse.SERVING. */
const serving = 1;

/**
 * Several daemons that serve the same: each call goes to the next one in turn. A daemon that failed a call is left out
 * until it has said over a new connection that it is well; it is asked in the background, so that no call waits for it.
 */
export class EndpointPool implements Disposable {
  readonly #entries: readonly Entry[];
  readonly #dial: (address: string) => Link;
  readonly #ended = new AbortController();
  #turn: number;

  /** @param first of the addresses that the first call goes to: not the same for all who start together. */
  constructor(addresses: readonly string[], dial: (address: string) => Link, first: number) {
    this.#dial = dial;
    this.#turn = first;
    this.#entries = addresses.map((address) => ({ address, link: dial(address), isTrusted: true }));
  }

  get size(): number {
    return this.#entries.length;
  }

  /** The next one that has not been tried: of those that are trusted, or of all when none of them is left. */
  pick(tried: ReadonlySet<string>): Endpoint | undefined {
    const inTurn = this.#entries.map(
      (_, i) => this.#entries[(this.#turn + i) % this.#entries.length]!,
    );
    const left = inTurn.filter(({ address }) => !tried.has(address));
    const picked = left.find(({ isTrusted }) => isTrusted) ?? left[0];
    if (picked !== undefined) this.#turn = this.#entries.indexOf(picked) + 1;
    return picked;
  }

  /** It failed a call over this link: others are asked until it is known to be well. */
  distrust({ address, link }: Endpoint): void {
    const entry = this.#entries.find((one) => one.address === address)!;
    if (!entry.isTrusted || entry.link !== link) return;
    entry.isTrusted = false;
    void this.#awaitRecovery(entry);
  }

  [Symbol.dispose](): void {
    this.#ended.abort();
    for (const { link } of this.#entries) link[Symbol.dispose]();
  }

  async #awaitRecovery(entry: Entry): Promise<void> {
    const { signal } = this.#ended;
    for (let waitMs: number = probing.firstMs; ; waitMs = Math.min(2 * waitMs, probing.longestMs)) {
      // The process may end meanwhile.
      await sleep(waitMs, undefined, { ref: false, signal }).catch(() => undefined);
      if (signal.aborted) return;
      // A new connection each time: the old one may be one that nobody answers on, for minutes.
      const link = this.#dial(entry.address);
      const isWell = await this.#isWell(link);
      if (!isWell || signal.aborted) {
        link[Symbol.dispose]();
        continue;
      }
      entry.link[Symbol.dispose]();
      entry.link = link;
      entry.isTrusted = true;
      return;
    }
  }

  async #isWell(link: Link): Promise<boolean> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), probing.timeoutMs).unref();
    const signal = AbortSignal.any([late.signal, this.#ended.signal]);
    try {
      const { status } = await link.client(HealthDefinition).check({ service: '' }, { signal });
      return Number(status) === serving;
    } catch {
      return false;
    } finally {
      clearTimeout(timer);
    }
  }
}
