import { type Clock, isTesseraError, messageOf } from '@tessera/base';
import { durationToProto, type TesseraClient } from '@tessera/client';
import { type Logger, withDeadline } from '@tessera/daemon';
import { metadata } from '@tessera/proto';

export interface RegistrationOptions {
  readonly client: Pick<TesseraClient, 'hosts' | 'leases'>;
  /** What is registered: read again now and then. */
  readonly describe: () => Promise<metadata.Host>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly ttlMs: number;
  readonly inventoryIntervalMs: number;
}

/** One call to metadata. */
const callDeadlineMs = 2_000;

/**
 * Makes a host known: writes its resource, and holds its lease for as long as it is alive. While metadata is away
 * nothing but that stops; the host goes on, and registers itself again.
 */
export class Registration implements AsyncDisposable {
  readonly #options: RegistrationOptions;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #written: { readonly host: metadata.Host; readonly atMs: number } | undefined;
  #lease: { readonly name: string; readonly token: bigint } | undefined;

  private constructor(options: RegistrationOptions) {
    this.#options = options;
  }

  /** Does not wait for a metadata daemon that is away. @throws HOST_NAME_TAKEN when another machine has the name. */
  static async start(options: RegistrationOptions): Promise<Registration> {
    const registration = new Registration(options);
    await registration.#beat().catch((error) => {
      if (isTesseraError(error, 'HOST_NAME_TAKEN')) throw error;
      registration.#report(error);
    });
    registration.#running = registration.#keepAlive();
    return registration;
  }

  /** True while the lease is held, as far as is known. */
  get isRegistered(): boolean {
    return this.#lease !== undefined;
  }

  /** Gives the lease back, so that everybody knows at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    const lease = this.#lease;
    if (lease === undefined) return;
    const { leases } = this.#options.client;
    await this.#call('giving the lease back', (signal) =>
      leases.releaseLease({ name: lease.name, fencingToken: lease.token }, { signal }),
    ).catch((error) => this.#report(error));
  }

  async #keepAlive(): Promise<void> {
    const { clock, ttlMs } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await clock.sleep(ttlMs / 3, signal).catch(() => {});
      if (!signal.aborted) await this.#beat().catch((error) => this.#report(error));
    }
  }

  async #beat(): Promise<void> {
    const host = await this.#register();
    if (this.#lease !== undefined && (await this.#renew(this.#lease))) return;
    const { client, ttlMs, log } = this.#options;
    const request = { name: host.lease, holder: host.machineId, ttl: durationToProto(ttlMs) };
    const { name, fencingToken } = await this.#call('acquiring the lease', (signal) =>
      client.leases.acquireLease(request, { signal }),
    );
    this.#lease = { name, token: fencingToken };
    log.info({ host: host.name, token: `${fencingToken}` }, 'host.registered');
  }

  /** False when the lease is lost: it ran out while metadata, or this daemon, was away. */
  async #renew({ name, token }: { name: string; token: bigint }): Promise<boolean> {
    const { leases } = this.#options.client;
    try {
      await this.#call('renewing the lease', (signal) =>
        leases.renewLease({ name, fencingToken: token }, { signal }),
      );
      return true;
    } catch (error) {
      if (!isTesseraError(error, 'LEASE_LOST')) throw error;
      this.#lease = undefined;
      this.#written = undefined;
      return false;
    }
  }

  /** Writes the resource when it is not there as it should be, as far as is known. */
  async #register(): Promise<metadata.Host> {
    const { client, describe, clock, inventoryIntervalMs } = this.#options;
    const [nowMs, written] = [clock.monotonicMs(), this.#written];
    if (written !== undefined && nowMs - written.atMs < inventoryIntervalMs) return written.host;
    const host = await describe();
    if (written === undefined || textOf(written.host) !== textOf(host)) {
      await this.#call('registering the host', (signal) =>
        client.hosts.updateHost({ host, allowMissing: true }, { signal }),
      );
    }
    this.#written = { host, atMs: nowMs };
    return host;
  }

  #call<T>(what: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return withDeadline(callDeadlineMs, work, { what, reason: 'METADATA_SLOW' });
  }

  #report(error: unknown): void {
    this.#options.log.warn({ error: messageOf(error) }, 'host.registration-failed');
  }
}

function textOf(host: metadata.Host): string {
  return JSON.stringify(metadata.Host.toJSON(host));
}
