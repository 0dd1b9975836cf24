import { type Connection, type ConnectOptions, connect, type TesseraClient } from '@tessera/client';
import { actingClients } from '../leader/acting-clients.ts';
import type { Authority } from '../leader/authority.ts';

/** What is asked of a storage node. */
export type NodeClient = Pick<TesseraClient, 'storage' | 'transfers'>;

/** Opens a connection to a storage daemon at `host:port`. */
export type ConnectNode = (address: string) => TesseraClient & Partial<Pick<Connection, 'close'>>;

export function connectNodes(options: ConnectOptions = {}): ConnectNode {
  return (address) => connect(address, options);
}

/** One connection to each storage daemon, for as long as a term lasts; whoever acts does so by his own authority. */
export class NodeClients implements Disposable {
  readonly #connect: ConnectNode;
  readonly #connections = new Map<string, ReturnType<ConnectNode>>();

  constructor(connect: ConnectNode) {
    this.#connect = connect;
  }

  at(address: string, authority: Authority): NodeClient {
    let connection = this.#connections.get(address);
    if (connection === undefined) {
      connection = this.#connect(address);
      this.#connections.set(address, connection);
    }
    return actingClients(connection, authority);
  }

  [Symbol.dispose](): void {
    for (const connection of this.#connections.values()) connection.close?.();
  }
}
