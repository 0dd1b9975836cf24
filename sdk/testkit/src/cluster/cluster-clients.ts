import { type Connection, clientsOfDaemons, connect, type TesseraClient } from '@tessera/client';
import { type DaemonKind, hostsOf } from './daemon-commands.ts';
import { adminPassword, type TestCluster } from './test-cluster.ts';

/** A connection to each daemon of a cluster as one user, made when it is first used. */
export class ClusterClients implements Disposable {
  readonly #cluster: TestCluster;
  readonly #connections = new Map<string, Connection>();

  readonly #token: string | undefined;

  private constructor(cluster: TestCluster, token?: string) {
    this.#cluster = cluster;
    this.#token = token;
  }

  /** As the user admin; for as long as an API token is good. */
  static async ofAdmin(cluster: TestCluster): Promise<ClusterClients> {
    using stranger = new ClusterClients(cluster);
    const login = { user: 'admin', password: adminPassword };
    const { token } = await stranger.nth('metadata', 0).authentication.login(login);
    using admin = new ClusterClients(cluster, token);
    return await admin.as('admin'); // Before its connections are closed.
  }

  /** As another user, for whom this one makes an API token. */
  async as(user: string): Promise<ClusterClients> {
    const { authentication } = this.nth('metadata', 0);
    const { token } = await authentication.createApiToken({ user });
    return new ClusterClients(this.#cluster, token);
  }

  on(kind: DaemonKind, host: number): Connection {
    const address = this.#cluster.address(kind, host);
    const known = this.#connections.get(address);
    if (known !== undefined) return known;
    const made = connect(address, {
      transport: { tls: this.#cluster.tls },
      ...(this.#token === undefined ? {} : { token: this.#token }),
    });
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
