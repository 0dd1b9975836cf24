import { type Clock, Code, isTesseraError, messageOf } from '@tessera/base';
import { durationToProto, type TesseraClient } from '@tessera/client';
import { withDeadline } from '../deadline.ts';
import type { InstallationNote } from '../installation/installation-note.ts';
import type { Logger } from '../logger.ts';
import type { Registered, Registrant } from './registrant.ts';

export interface RegistrationOptions<Resource extends Registered> {
  readonly client: Pick<TesseraClient, 'leases' | 'maintenance'>;
  readonly registrant: Registrant<Resource>;
  /** Which installation the daemon's folder belongs to: it registers itself with no other. */
  readonly note: InstallationNote;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long it counts as alive after its last heartbeat; there are three in that time. */
  readonly ttlMs: number;
  /** How often it is described again, and written when that has changed. */
  readonly refreshIntervalMs: number;
  /** Told of each heartbeat. */
  readonly witness?: HeartbeatWitness;
}

export interface HeartbeatWitness {
  /** Before one is sent; gives the time by a clock of its own. */
  sending(): number;
  /** Metadata has confirmed the one that was sent at that time. */
  confirmed(sentMs: number): void;
}

/** One call to metadata. */
const callDeadlineMs = 2_000;

/**
 * Makes a daemon known: writes its resource, and holds its lease for as long as it is alive. While metadata is away
 * nothing but that stops; the daemon goes on, and registers itself again.
 */
export class Registration<Resource extends Registered> implements AsyncDisposable {
  readonly #options: RegistrationOptions<Resource>;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #written: { readonly resource: Resource; readonly atMs: number } | undefined;
  #refreshing: Promise<void> | undefined;
  #lease: { readonly name: string; readonly token: bigint } | undefined;

  private constructor(options: RegistrationOptions<Resource>) {
    this.#options = options;
  }

  /**
   * Does not wait for a metadata daemon that is away.
   * @throws one of the registrant's `takenReasons` when another has the name; INSTALLATION_MISMATCH, INSTALLATION_NOTE_UNUSABLE.
   */
  static async start<Resource extends Registered>(
    options: RegistrationOptions<Resource>,
  ): Promise<Registration<Resource>> {
    const registration = new Registration(options);
    await registration.#beat().catch((error) => {
      const { takenReasons } = options.registrant;
      const hopeless = [...takenReasons, 'INSTALLATION_MISMATCH', 'INSTALLATION_NOTE_UNUSABLE'];
      if (isTesseraError(error) && hopeless.includes(error.reason)) throw error;
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
    await this.#refreshing;
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
    this.#refreshWhenDue();
    if (this.#lease !== undefined && (await this.#renew(this.#lease))) return;
    if (this.#written === undefined) await this.#requireInstallation();
    const { client, registrant, ttlMs, log } = this.#options;
    registrant.beginSession?.();
    await this.#refreshing; // What it writes may say that it is another session.
    const resource = await this.#register();
    const holder = registrant.holderOf(resource);
    const request = { name: resource.lease, holder, ttl: durationToProto(ttlMs) };
    const { name, fencingToken } = await this.#confirmed('acquiring the lease', (signal) =>
      client.leases.acquireLease(request, { signal }),
    );
    this.#lease = { name, token: fencingToken };
    const { kind } = registrant;
    log.info({ [kind]: resource.name, token: `${fencingToken}` }, `${kind}.registered`);
  }

  /** False when the lease is lost: it ran out while metadata, or this daemon, was away. */
  async #renew({ name, token }: { name: string; token: bigint }): Promise<boolean> {
    const { leases } = this.#options.client;
    try {
      await this.#confirmed('renewing the lease', (signal) =>
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

  /** Before anything is written. A metadata daemon of an older version knows no installations. */
  async #requireInstallation(): Promise<void> {
    const { client, note } = this.#options;
    try {
      const { id } = await this.#call('asking for the installation', (signal) =>
        client.maintenance.getInstallation({}, { signal }),
      );
      note.require(id);
    } catch (error) {
      if (!isTesseraError(error) || error.code !== Code.UNIMPLEMENTED) throw error;
    }
  }

  /** Describes the resource, and writes it when it is not there as it should be, as far as is known. */
  async #register(): Promise<Resource> {
    const { registrant, clock } = this.#options;
    const resource = await registrant.describe();
    const written = this.#written?.resource;
    if (written === undefined || registrant.textOf(written) !== registrant.textOf(resource)) {
      await this.#call(`registering the ${registrant.kind}`, (signal) =>
        registrant.write(resource, signal),
      );
    }
    this.#written = { resource, atMs: clock.monotonicMs() };
    return resource;
  }

  /** Beside the heartbeats: what takes long to describe must not cost the lease. */
  #refreshWhenDue(): void {
    const { clock, refreshIntervalMs } = this.#options;
    const written = this.#written;
    if (written === undefined || this.#refreshing !== undefined) return;
    if (clock.monotonicMs() - written.atMs < refreshIntervalMs) return;
    this.#refreshing = this.#register()
      .then(() => {})
      .catch((error) => this.#report(error))
      .finally(() => {
        this.#refreshing = undefined;
      });
  }

  /** What shows that metadata is in touch with this daemon. */
  async #confirmed<T>(what: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { witness } = this.#options;
    const sentMs = witness?.sending();
    const answer = await this.#call(what, work);
    if (sentMs !== undefined) witness?.confirmed(sentMs);
    return answer;
  }

  #call<T>(what: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return withDeadline(callDeadlineMs, work, { what, reason: 'METADATA_SLOW' });
  }

  #report(error: unknown): void {
    const { log, registrant } = this.#options;
    log.warn({ error: messageOf(error) }, `${registrant.kind}.registration-failed`);
  }
}
