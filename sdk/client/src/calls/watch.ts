import {
  type Clock,
  Code,
  isTesseraError,
  type Random,
  seededRandom,
  systemClock,
} from '@tessera/base';
import { waitCancelled, watchEnded } from '../errors.ts';
import { Backoff } from './backoff.ts';

/** What a watcher learns, in order. */
export type WatchEvent<Resource> =
  /** Everything there is at `revision`: replaces all that was known. First, and again after a gap. */
  | {
      readonly kind: 'snapshot';
      readonly resources: readonly Resource[];
      readonly revision: bigint;
    }
  | { readonly kind: 'put'; readonly resource: Resource; readonly revision: bigint }
  | { readonly kind: 'deleted'; readonly name: string; readonly revision: bigint }
  /** Nothing up to `revision` is still to come. */
  | { readonly kind: 'progress'; readonly revision: bigint };

/** A response of any of the Watch methods. */
export interface WatchMessage<Resource> {
  readonly event?:
    | { readonly $case: 'put'; readonly value: Resource }
    | { readonly $case: 'deletedName'; readonly value: string }
    | undefined;
  readonly revision: bigint;
}

export interface Watchable<Resource> {
  /** Everything there is, at one revision. */
  list(signal: AbortSignal | undefined): Promise<{
    readonly resources: readonly Resource[];
    readonly revision: bigint;
  }>;
  /** Changes from `startRevision` on. */
  watch(
    startRevision: bigint,
    signal: AbortSignal | undefined,
  ): AsyncIterable<WatchMessage<Resource>>;
}

export interface WatchOptions {
  /** Ends the watch with CANCELLED. */
  readonly signal?: AbortSignal;
  /** Failures in a row that are waited out. */
  readonly maxAttempts?: number;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** A watch that lasted this long worked, even when nothing happened meanwhile. */
const longQuietMs = 10_000;

/**
 * Lists, then watches, for ever. When the daemon is away it is tried again, longer and longer apart; the stream
 * goes on where it broke off, without gap or duplicate. When that revision has been compacted, a new `snapshot` comes.
 */
export async function* watch<Resource extends { readonly name: string }>(
  source: Watchable<Resource>,
  options: WatchOptions = {},
): AsyncGenerator<WatchEvent<Resource>, never, undefined> {
  const { signal } = options;
  const clock = options.clock ?? systemClock;
  const backoff = new Backoff({
    clock,
    random: options.random ?? seededRandom(Date.now()),
    signal,
    ...(options.maxAttempts === undefined ? {} : { maxAttempts: options.maxAttempts }),
  });
  let position: Position | undefined;
  while (true) {
    const startedMs = clock.monotonicMs();
    let failure: unknown;
    try {
      if (signal?.aborted) throw waitCancelled(signal.reason);
      if (position === undefined) {
        const { resources, revision } = await source.list(signal);
        position = new Position(revision);
        yield { kind: 'snapshot', resources, revision };
      }
      for await (const message of source.watch(position.startRevision, signal)) {
        backoff.reset();
        const event = eventOf(message);
        if (position.advance(event)) yield event;
      }
      failure = watchEnded();
    } catch (error) {
      failure = error;
    }
    if (isTesseraError(failure) && failure.code === Code.OUT_OF_RANGE) {
      position = undefined;
      failure = watchEnded();
    }
    if (clock.monotonicMs() - startedMs > longQuietMs) backoff.reset();
    await backoff.afterFailure(failure);
  }
}

/** How far the watch has come: a transaction's changes share a revision, and may be cut in two by a failure. */
class Position {
  #revision: bigint;
  /** Names already seen at `#revision`; empty when all of it was seen. */
  readonly #names = new Set<string>();

  constructor(revision: bigint) {
    this.#revision = revision;
  }

  get startRevision(): bigint {
    return this.#names.size === 0 ? this.#revision + 1n : this.#revision;
  }

  /** False when the event was seen before. */
  advance(event: WatchEvent<{ readonly name: string }>): boolean {
    if (event.revision > this.#revision) {
      this.#revision = event.revision;
      this.#names.clear();
    }
    if (event.kind === 'progress' || event.kind === 'snapshot') {
      this.#names.clear();
      return true;
    }
    const name = event.kind === 'put' ? event.resource.name : event.name;
    if (event.revision < this.#revision || this.#names.has(name)) return false;
    this.#names.add(name);
    return true;
  }
}

function eventOf<Resource>({ event, revision }: WatchMessage<Resource>): WatchEvent<Resource> {
  switch (event?.$case) {
    case 'put':
      return { kind: 'put', resource: event.value, revision };
    case 'deletedName':
      return { kind: 'deleted', name: event.value, revision };
    case undefined:
      return { kind: 'progress', revision };
  }
}
