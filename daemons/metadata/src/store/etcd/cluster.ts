import { type Clock, isTesseraError } from '@tessera/base';
import { ClientError, Metadata } from 'nice-grpc-common';
import { storeClosed } from '../../errors.ts';
import type { ResponseHeader } from '../../gen/etcd.ts';
import {
  etcdClusterChanged,
  etcdClustersDiffer,
  etcdNoLeader,
  etcdUnauthenticated,
  etcdUnavailable,
} from './errors.ts';
import { connectEtcd, type EtcdCallOptions, type EtcdClient } from './etcd-client.ts';
import { type Failure, failureOf } from './failure.ts';
import {
  backoff,
  defaultTiming,
  type EtcdOptions,
  type EtcdTiming,
  slowBytesPerMs,
} from './options.ts';

/** An attempt failed in a way that the caller may know how to go on from. */
export class AttemptFailed extends Error {
  readonly failure: Exclude<Failure, { readonly kind: 'refused' }>;

  constructor(failure: Exclude<Failure, { readonly kind: 'refused' }>) {
    super('detail' in failure ? failure.detail : failure.kind);
    this.failure = failure;
  }
}

export interface Answer {
  readonly header: ResponseHeader | undefined;
}

export type Attempt<R extends Answer> = (
  client: EtcdClient,
  options: EtcdCallOptions,
) => Promise<R>;

export interface AttemptOptions {
  /** Of what is sent. */
  readonly sizeBytes?: number;
  /** False: the answer may come from a member that lags behind. */
  readonly linearizable?: boolean;
}

/** The members of one etcd: calls with deadlines, and the next endpoint when one does not answer. */
export class EtcdCluster {
  readonly clock: Clock;
  readonly prefix: string;
  readonly timing: EtcdTiming;
  readonly #clients: readonly EtcdClient[];
  readonly #credentials: EtcdOptions['credentials'];
  readonly #ended = new AbortController();
  #current: number;
  #clusterId: bigint | undefined;
  #newest = 0n;
  #token: Promise<string> | undefined;

  constructor({ endpoints, prefix, tls, credentials, clock, timing }: EtcdOptions) {
    this.clock = clock;
    this.prefix = prefix;
    this.timing = { ...defaultTiming, ...timing };
    this.#clients = endpoints.map((endpoint) => connectEtcd(endpoint, tls));
    this.#credentials = credentials;
    // Daemons that start together do not all turn to the first.
    this.#current = Math.floor(Math.random() * endpoints.length);
  }

  get endpoints(): readonly string[] {
    return this.#clients.map(({ endpoint }) => endpoint);
  }

  /** Ends everything that is under way with STORE_CLOSED. */
  close(): void {
    this.#ended.abort();
    for (const client of this.#clients) client.close();
  }

  checkOpen(): void {
    if (this.#ended.signal.aborted) throw storeClosed();
  }

  /** Repeats until there is an answer or time is up: for what may be done twice without harm. */
  async call<R extends Answer>(attempt: Attempt<R>, options: AttemptOptions = {}): Promise<R> {
    const turns = this.turns();
    for (;;) {
      try {
        return await this.attempt(attempt, options);
      } catch (error) {
        if (!(error instanceof AttemptFailed) || !('detail' in error.failure)) throw error;
        await turns.next(error.failure);
      }
    }
  }

  /** Waits before each further attempt of one call. @throws ETCD_UNAVAILABLE | ETCD_NO_LEADER when time is up. */
  turns() {
    const endMs = this.clock.monotonicMs() + this.timing.budgetMs;
    let waitMs: number = backoff.firstMs;
    return {
      next: async (failure: { readonly kind: string; readonly detail: string }) => {
        if (this.clock.monotonicMs() + waitMs > endMs) {
          if (failure.kind === 'noLeader') throw etcdNoLeader(this.endpoints);
          throw etcdUnavailable(this.endpoints, failure.detail);
        }
        await this.pause(waitMs);
        waitMs = Math.min(2 * waitMs, backoff.lastMs);
      },
    };
  }

  /** Cut short by `close`. */
  async pause(durationMs: number): Promise<void> {
    await this.clock.sleep(durationMs, this.#ended.signal).catch(() => undefined);
    this.checkOpen();
  }

  /**
   * One call to one endpoint; after a failure the next one is turned to.
   * @throws AttemptFailed when it is for the caller to go on, else what etcd refused.
   */
  async attempt<R extends Answer>(attempt: Attempt<R>, options: AttemptOptions = {}): Promise<R> {
    const { sizeBytes = 0, linearizable = true } = options;
    const floor = this.#newest;
    const deadlineMs = this.timing.attemptMs + sizeBytes / slowBytesPerMs;
    const response = await this.#within(deadlineMs, attempt);
    this.#check(response.header, linearizable ? floor : 0n);
    return response;
  }

  /**
   * Runs something long on the endpoint of the moment, until it ends by itself or by the signal.
   * @throws as `attempt`.
   */
  async stream<R>(
    signal: AbortSignal,
    run: (client: EtcdClient, options: EtcdCallOptions) => Promise<R>,
  ): Promise<R> {
    const client = this.#clients[this.#current]!;
    try {
      const metadata = await this.#metadata(client, signal);
      const ended = AbortSignal.any([signal, this.#ended.signal]);
      return await run(client, { signal: ended, metadata });
    } catch (error) {
      if (this.#ended.signal.aborted) throw storeClosed();
      // Whoever gave the signal knows whether the member is to blame.
      if (signal.aborted) throw new AttemptFailed({ kind: 'lost', detail: 'given up' });
      throw this.#explain(error, client);
    }
  }

  /**
   * Looks whether all members that answer soon are of one cluster; later ones are looked at when they first answer.
   * @throws ETCD_CLUSTERS_DIFFER.
   */
  async requireOne(): Promise<void> {
    const late = new AbortController();
    const done = new AbortController();
    void this.clock.sleep(this.timing.attemptMs, done.signal).then(
      () => late.abort(),
      () => undefined,
    );
    const clusterOf = async (client: EtcdClient) => {
      const signal = AbortSignal.any([late.signal, this.#ended.signal]);
      const metadata = await this.#metadata(client, signal);
      return (await client.maintenance.status({}, { signal, metadata })).header?.clusterId;
    };
    const asked = this.#clients.map((client) => clusterOf(client).catch(() => undefined));
    const clusters = await Promise.all(asked);
    done.abort();
    if (new Set(clusters.filter((id) => id !== undefined)).size <= 1) return;
    const of = (id: bigint | undefined) => (id === undefined ? 'no answer' : hex(id));
    throw etcdClustersDiffer(this.endpoints.map((name, i) => `${name}: ${of(clusters[i])}`));
  }

  /** The next endpoint is asked from now on, unless somebody else has turned away from this one already. */
  turnAway(client: EtcdClient): void {
    if (this.#clients[this.#current] !== client) return;
    this.#current = (this.#current + 1) % this.#clients.length;
  }

  /** Every answer is of the cluster that the first one was of, and not of an older state of it. */
  checkHeader(header: ResponseHeader | undefined): void {
    this.#check(header, 0n);
  }

  async #within<R>(
    deadlineMs: number,
    attempt: (client: EtcdClient, options: EtcdCallOptions) => Promise<R>,
  ) {
    this.checkOpen();
    const late = new AbortController();
    const done = new AbortController();
    this.clock.sleep(deadlineMs, done.signal).then(
      () => late.abort(),
      () => undefined,
    );
    let asked: EtcdClient | undefined;
    try {
      return await this.stream(late.signal, (client, options) => {
        asked = client;
        return attempt(client, options);
      });
    } catch (error) {
      if (!late.signal.aborted || isTesseraError(error)) throw error;
      if (asked !== undefined) this.turnAway(asked);
      const detail = `no answer within ${Math.round(deadlineMs)} ms`;
      throw new AttemptFailed({ kind: 'lost', detail });
    } finally {
      done.abort();
    }
  }

  #explain(error: unknown, client: EtcdClient): unknown {
    if (!(error instanceof ClientError)) return error;
    const failure = failureOf(error, this.prefix);
    if (failure.kind === 'refused') return failure.error;
    if (failure.kind === 'tokenExpired') {
      this.#token = undefined;
      if (this.#credentials === undefined) return etcdUnauthenticated('it asks for a user');
      return new AttemptFailed({ kind: 'notSent', detail: 'the token had expired' });
    }
    if ('detail' in failure) this.turnAway(client);
    return new AttemptFailed(failure);
  }

  async #metadata(client: EtcdClient, signal: AbortSignal): Promise<Metadata> {
    // A member that is cut off from the others says so instead of waiting.
    const metadata = Metadata({ hasleader: 'true' });
    if (this.#credentials === undefined) return metadata;
    const { username: name, password } = this.#credentials;
    this.#token ??= client.auth.authenticate({ name, password }, { signal }).then(
      ({ token }) => token,
      (error) => {
        this.#token = undefined;
        throw error;
      },
    );
    return metadata.set('token', await this.#token);
  }

  #check(header: ResponseHeader | undefined, floor: bigint): void {
    if (header === undefined) return;
    this.#clusterId ??= header.clusterId;
    if (header.clusterId !== this.#clusterId) {
      throw etcdClusterChanged(hex(this.#clusterId), hex(header.clusterId));
    }
    if (header.revision < floor) {
      throw etcdClusterChanged(`revision ${floor}`, `revision ${header.revision}`);
    }
    if (header.revision > this.#newest) this.#newest = header.revision;
  }
}

function hex(id: bigint): string {
  return `cluster ${id.toString(16)}`;
}
