import { type Connection, clientsOfDaemons, connect, type TesseraClient } from '@tessera/client';
import { type DaemonKind, hostsOf } from './daemon-commands.ts';
import type { TestCluster } from './test-cluster.ts';

/** A connection to each daemon of a cluster, made when it is first used. */
export class ClusterClients implements Disposable {
  readonly #cluster: TestCluster;
  readonly #connections = new Map<string, Connection>();

  constructor(cluster: TestCluster) {
    this.#cluster = cluster;
  }

  on(kind: DaemonKind, host: number): Connection {
    const address = this.#cluster.address(kind, host);
    const known = this.#connections.get(address);
    if (known !== undefined) return known;
    const made = connect(address, { transport: { tls: this.#cluster.tls } });
    this.#connections.set(address, made);
    return made;
  }

  all(kind: DaemonKind): readonly Connection[] {
    return hostsOf[kind].map((host) => this.on(kind, host));
  }

  /** The n-th of a kind, counted around. */
  nth(kind: DaemonKind, n: number): Connection {
    const all = this.all(kind);
    return all[n % all.length]!;
  }

  /** Every service, by the n-th daemon of each kind. */
  whole(n: number): TesseraClient {
    return clientsOfDaemons({
      metadata: this.nth('metadata', n),
      scheduler: this.nth('scheduler', n),
      query: this.nth('query', n),
    });
  }

  [Symbol.dispose](): void {
    for (const connection of this.#connections.values()) connection.close();
  }
}
