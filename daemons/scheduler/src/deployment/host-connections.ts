import { type Connection, type ConnectOptions, connect } from '@tessera/client';
import { actingClients } from '../leader/acting-clients.ts';
import type { Authority } from '../leader/authority.ts';
import type { HostAccess, HostClient } from './observe.ts';

/** One connection to each address that is in use. */
export class HostConnections implements HostAccess, Disposable {
  readonly #authority: Authority;
  readonly #connections = new Map<string, Connection>();
  readonly #clients = new Map<string, HostClient>();
  /** Addresses that were asked for since the last look through them. */
  #used = new Set<string>();
  readonly #options: ConnectOptions;

  constructor(authority: Authority, options: ConnectOptions = {}) {
    this.#authority = authority;
    this.#options = options;
  }

  host(address: string): HostClient {
    const connection = this.#connectionTo(address);
    const client = this.#clients.get(address) ?? actingClients(connection, this.#authority).host;
    this.#clients.set(address, client);
    return client;
  }

  /** Closes what was not asked for since it was called last. */
  closeUnused(): void {
    for (const [address, connection] of this.#connections) {
      if (this.#used.has(address)) continue;
      connection.close();
      this.#connections.delete(address);
      this.#clients.delete(address);
    }
    this.#used = new Set();
  }

  async isServing(address: string, signal: AbortSignal): Promise<boolean> {
    return this.#connectionTo(address).isServing({ signal });
  }

  [Symbol.dispose](): void {
    for (const connection of this.#connections.values()) connection.close();
  }

  #connectionTo(address: string): Connection {
    this.#used.add(address);
    const known = this.#connections.get(address);
    if (known !== undefined) return known;
    const connection = connect(address, this.#options);
    this.#connections.set(address, connection);
    return connection;
  }
}
