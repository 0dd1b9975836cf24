import { isTesseraError } from '@tessera/base';
import { type Connection, type ConnectOptions, connect } from '@tessera/client';
import { actingClients } from '../leader/acting-clients.ts';
import type { Authority } from '../leader/authority.ts';
import type { HostAccess, HostClient } from './observe-hosts.ts';

/** How long a daemon may take to say that it serves; less than the look at its host may take. */
const healthTimeoutMs = 1_000;

interface Opened {
  readonly connection: Connection;
  readonly host: HostClient;
}

/** One connection to each address that is in use. */
export class HostConnections implements HostAccess, Disposable {
  readonly #authority: Authority;
  readonly #options: ConnectOptions;
  /** By what it is for and its address. */
  readonly #opened = new Map<string, Opened>();
  /** What was asked for since the last look through them. */
  #used = new Set<string>();

  constructor(authority: Authority, options: ConnectOptions = {}) {
    this.#authority = authority;
    this.#options = options;
  }

  host(address: string): HostClient {
    return this.#to(`host ${address}`, address, this.#options).host;
  }

  /** Asked once, and without a token: everybody may ask. False of an address that cannot be connected to at all. */
  async isServing(address: string, over: AbortSignal): Promise<boolean> {
    const { transport = {} } = this.#options;
    const signal = AbortSignal.any([over, AbortSignal.timeout(healthTimeoutMs)]);
    try {
      const once = { transport, maxAttempts: 1 };
      return await this.#to(`health ${address}`, address, once).connection.isServing({ signal });
    } catch (error) {
      if (isTesseraError(error)) return false;
      throw error;
    }
  }

  /** Closes what was not asked for since it was called last. */
  closeUnused(): void {
    for (const [key, { connection }] of this.#opened) {
      if (this.#used.has(key)) continue;
      connection.close();
      this.#opened.delete(key);
    }
    this.#used = new Set();
  }

  [Symbol.dispose](): void {
    for (const { connection } of this.#opened.values()) connection.close();
  }

  #to(key: string, address: string, options: ConnectOptions): Opened {
    this.#used.add(key);
    const known = this.#opened.get(key);
    if (known !== undefined) return known;
    const connection = connect(address, options);
    const opened = { connection, host: actingClients(connection, this.#authority).host };
    this.#opened.set(key, opened);
    return opened;
  }
}
