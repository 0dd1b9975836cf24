import { type Clock, isTesseraError, resourceIdOf } from '@tessera/base';
import {
  type Connection,
  type ConnectOptions,
  connect,
  RemoteSnapshotReader,
  type SnapshotReader,
  type TesseraClient,
  watchAll,
} from '@tessera/client';
import type { Logger } from '@tessera/daemon';
import type { metadata } from '@tessera/proto';
import { RemoteStorageNode, type StorageNode } from './storage-node.ts';

export interface KnownNodesOptions {
  readonly client: TesseraClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly nodeConnections?: ConnectOptions;
}

interface Known {
  readonly address: string;
  readonly connection: Connection;
  readonly node: RemoteStorageNode;
  readonly snapshots: SnapshotReader;
}

/** After a watch has broken off for good. */
const pauseMs = 1_000;

/** The storage nodes that metadata names, each with a connection: those that join are there, and those that are deleted gone, by a watch. */
export class KnownNodes implements AsyncDisposable {
  readonly #options: KnownNodesOptions;
  readonly #known = new Map<string, Known>();
  readonly #stop = new AbortController();
  readonly #following: Promise<void>;
  #nodes: ReadonlyMap<string, StorageNode> = new Map();

  constructor(options: KnownNodesOptions) {
    this.#options = options;
    this.#following = this.#follow();
  }

  /** By id. */
  get nodes(): ReadonlyMap<string, StorageNode> {
    return this.#nodes;
  }

  /** Of these nodes first, and then of the others: they may have it as well. */
  snapshotReaders(recorded: readonly string[]): readonly SnapshotReader[] {
    const first = recorded.flatMap((id) => this.#known.get(id) ?? []);
    const others = [...this.#known.values()].filter((known) => !first.includes(known));
    return [...first, ...others].map(({ snapshots }) => snapshots);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#following;
    for (const id of [...this.#known.keys()]) this.#leave(id);
  }

  async #follow(): Promise<void> {
    const { client, clock, log } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        for await (const event of watchAll(client, 'storageNodes', { signal, clock })) {
          if (event.kind === 'snapshot') this.#replace(event.resources);
          if (event.kind === 'put') this.#join(event.resource);
          if (event.kind === 'deleted') this.#leave(resourceIdOf(event.name));
          this.#nodes = new Map([...this.#known].map(([id, { node }]) => [id, node]));
        }
      } catch (error) {
        if (signal.aborted) return;
        const reason = isTesseraError(error) ? error.reason : String(error);
        log.warn({ reason }, 'storage-nodes.watch-failed');
        await clock.sleep(pauseMs, signal).catch(() => {});
      }
    }
  }

  #replace(resources: readonly metadata.StorageNode[]): void {
    const names = new Set(resources.map(({ name }) => resourceIdOf(name)));
    for (const id of [...this.#known.keys()]) if (!names.has(id)) this.#leave(id);
    for (const resource of resources) this.#join(resource);
  }

  #join({ name, address }: metadata.StorageNode): void {
    const id = resourceIdOf(name);
    if (this.#known.get(id)?.address === address) return;
    this.#leave(id);
    const { nodeConnections = {}, log } = this.#options;
    try {
      const connection = connect(address, { ...nodeConnections, oneOfSeveral: true });
      const node = new RemoteStorageNode(id, connection.storage);
      const snapshots = new RemoteSnapshotReader(connection.storage);
      this.#known.set(id, { address, connection, node, snapshots });
      log.info({ node: id, address }, 'storage-nodes.joined');
    } catch (error) {
      // Such as an address beyond this machine without TLS: its replicas cannot be read from here.
      const reason = isTesseraError(error) ? error.reason : String(error);
      log.error({ node: id, address, reason }, 'storage-nodes.refused');
    }
  }

  #leave(id: string): void {
    const known = this.#known.get(id);
    known?.node[Symbol.dispose]();
    known?.connection.close();
    this.#known.delete(id);
  }
}
