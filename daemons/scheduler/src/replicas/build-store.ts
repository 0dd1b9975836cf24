import { type Clock, isTesseraError, messageOf, resourceIdOf } from '@tessera/base';
import { listAll } from '@tessera/client';
import { type Logger, withDeadline } from '@tessera/daemon';
import type { metadata, storage } from '@tessera/proto';
import type { SchedulerClients } from '../clients.ts';
import type { SchedulerConfig } from '../config.ts';
import { noReplica } from '../errors.ts';
import type { Authority } from '../leader/authority.ts';
import { aliveNodes } from './alive-nodes.ts';
import { chooseBuildNode } from './build-node.ts';
import { allDigests, allFiles, type KeptResources, keptOn } from './kept.ts';
import { missingOn } from './missing-on.ts';
import type { NodeClient } from './node-clients.ts';
import { seenNode } from './node-watch.ts';
import { pullFiles } from './pull.ts';
import { routeStorage } from './route-storage.ts';
import type { StoredItem } from './stored-item.ts';
import type { UnderWay } from './under-way.ts';
import { wantedPlacement } from './wanted.ts';

export interface BuildStoreOptions {
  readonly clients: SchedulerClients;
  readonly authority: Authority;
  readonly clientAt: (address: string) => NodeClient;
  readonly underWay: UnderWay;
  readonly clock: Clock;
  readonly log: Logger;
  readonly hostname: string;
  readonly config: Pick<SchedulerConfig, 'buildNode' | 'publishReplicasMs' | 'replication'>;
}

/** A storage node, and whether its lease is held. */
export interface LiveNode {
  readonly resource: metadata.StorageNode;
  readonly isAlive: boolean;
}

/** What was just built and is to be copied before it is published. */
export interface NewItem extends Omit<StoredItem, 'inDeepStorage' | 'usedOn'> {
  /** What its nodes load into memory. */
  readonly toWarm: readonly Partial<storage.StoredFile>[];
}

/** What a collection of garbage goes by. */
export interface Unreferenced {
  readonly resources: KeptResources;
  readonly busyCubes: readonly string[];
  readonly graceMicros: bigint;
}

/** Files, and the nodes that are recorded as having them. */
export interface Holder {
  readonly files: readonly string[];
  readonly replicas: readonly string[];
}

/**
 * Where an operation's files are made, fetched to and spread from. Without storage nodes in metadata that is the one storage daemon
 * that the scheduler knows, and nothing is copied.
 */
export class BuildStore {
  /** By these a build acts: `storage` is the daemon that takes its files in. */
  readonly clients: SchedulerClients;
  readonly #options: BuildStoreOptions;
  #building: Promise<LiveNode | undefined> | undefined;

  constructor(options: BuildStoreOptions) {
    this.#options = options;
    this.clients = routeStorage(options.clients, async () => {
      const building = await this.#buildNode();
      return building === undefined ? options.clients.storage : this.#at(building).storage;
    });
  }

  /** The replicas that an item shall have when its cube does not say. */
  get replication(): number {
    return this.#options.config.replication;
  }

  /** Id of the node that the operation builds on; absent when the platform does not replicate. */
  async nodeId(): Promise<string | undefined> {
    const building = await this.#buildNode();
    return building && resourceIdOf(building.resource.name);
  }

  /** Brings files to the building node that it lacks. Returns those that cannot be had from any node that is alive. */
  async fetch(
    files: readonly storage.PulledFile[],
    signal: AbortSignal,
  ): Promise<ReadonlySet<string>> {
    const building = await this.#buildNode();
    if (files.length === 0) return new Set();
    if (building === undefined) return this.missingEverywhere([holderOf(files)]);
    const { clock } = this.#options;
    const node = this.#at(building);
    const missingNow = () =>
      missingOn(
        node,
        files.map(({ file }) => file),
        clock,
        signal,
      );
    const missing = await missingNow();
    if (missing.size === 0) return missing;
    const wanted = files.filter(({ file }) => missing.has(file));
    const sources = addressesOf(await this.#nodes());
    try {
      await pullFiles(node, { files: wanted, sources, toWarm: [], clock, signal });
      return new Set();
    } catch (error) {
      if (!isTesseraError(error, 'FILE_IN_NO_SOURCE')) throw error;
      return missingNow();
    }
  }

  /** Absolute paths on the building node, where the files are brought first. @throws FILE_NOT_STORED */
  async locate(
    files: readonly storage.PulledFile[],
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    if (files.length === 0) return [];
    if ((await this.#buildNode()) !== undefined) await this.fetch(files, signal);
    const names = files.map(({ file }) => file);
    return (await this.clients.storage.locateFiles({ files: names })).paths;
  }

  /**
   * Which of these files are nowhere any more. A node that does not answer may still have those that are recorded on it.
   */
  async missingEverywhere(holders: readonly Holder[]): Promise<ReadonlySet<string>> {
    const nodes = await this.#nodes();
    const all = [...new Set(holders.flatMap(({ files }) => files))];
    if (all.length === 0) return new Set();
    if (nodes.length === 0) {
      const { missingFiles } = await this.clients.storage.findMissingFiles({ files: all });
      return new Set(missingFiles);
    }
    const missing = new Set(all);
    for (const node of nodes) {
      const id = resourceIdOf(node.resource.name);
      if (missing.size === 0) break;
      const lacks = await this.#missingOf(node, [...missing]);
      for (const { files, replicas } of holders) {
        for (const file of files) {
          const mayHave = lacks === undefined ? replicas.includes(id) : !lacks.has(file);
          if (mayHave) missing.delete(file);
        }
      }
    }
    return missing;
  }

  /**
   * Copies new items to the nodes that shall have them, and loads them there. A node that fails is replaced by another. When
   * there are fewer nodes than replicas are wanted, it makes do with what there is: at least the building node has
   * everything. Returns who holds each item, by name; nothing when the platform does not replicate.
   */
  async spread(
    items: readonly NewItem[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, readonly string[]>> {
    const building = await this.#buildNode();
    if (building === undefined) {
      const files = items.flatMap(({ toWarm }) => toWarm);
      if (files.length > 0) await this.clients.storage.warmUp({ files });
      return new Map();
    }
    const nodes = (await this.#nodes()).filter(({ isAlive }) => isAlive);
    const sources = addressesOf([building, ...nodes.filter((node) => node !== building)]);
    const failed = new Set<string>();
    const held = new Map(items.map(({ name }) => [name, new Set<string>()]));
    for (;;) {
      const usable = nodes.filter(({ resource }) => !failed.has(resourceIdOf(resource.name)));
      const lacks = lacksOf(items, usable, held);
      if (lacks.size === 0) break;
      const pulls = [...lacks].map(async ([node, lacking]) => {
        const isDone = await this.#copyTo(node, lacking, sources, signal);
        if (isDone) for (const { name } of lacking) held.get(name)!.add(node.id);
        else failed.add(node.id);
      });
      await Promise.all(pulls);
    }
    for (const item of items) await this.#makeDo(item, held.get(item.name)!, building, signal);
    return new Map([...held].map(([name, nodes]) => [name, [...nodes].sort()]));
  }

  /** The building node holds what too few others could take. @throws NO_REPLICA when not even it has all files. */
  async #makeDo(
    { name, files, replication }: NewItem,
    nodes: Set<string>,
    building: LiveNode,
    signal: AbortSignal,
  ): Promise<void> {
    if (nodes.size >= replication) return;
    const missing = await this.fetch(files, signal);
    if (missing.size === 0) nodes.add(resourceIdOf(building.resource.name));
    if (nodes.size === 0) throw noReplica(name);
  }

  /**
   * Has every storage daemon that is alive delete what it shall not keep any more: see `DeleteUnreferenced`. Those that are away do
   * so when they are back.
   */
  async deleteUnreferenced({
    resources,
    busyCubes,
    graceMicros,
  }: Unreferenced): Promise<{ readonly deletedFiles: bigint; readonly deletedBytes: bigint }> {
    const { clients, underWay } = this.#options;
    const nodes = await this.#nodes();
    if (nodes.length === 0) {
      const referencedFiles = allFiles(resources);
      const request = { referencedFiles, busyCubes: [...busyCubes], graceMicros };
      return clients.storage.deleteUnreferenced(request);
    }
    const alive = nodes.filter(({ isAlive }) => isAlive);
    const ids = new Set(alive.map(({ resource }) => resourceIdOf(resource.name)));
    const view = { ...resources, replication: this.replication, alive: ids };
    let [deletedFiles, deletedBytes] = [0n, 0n];
    for (const node of alive) {
      const id = resourceIdOf(node.resource.name);
      const referencedFiles = [...keptOn(id, view), ...underWay.filesTo(id)];
      const request = { referencedFiles, busyCubes: [...busyCubes], graceMicros };
      const deleted = await this.#orAway(node, () =>
        this.#at(node).storage.deleteUnreferenced(request),
      );
      deletedFiles += deleted?.deletedFiles ?? 0n;
      deletedBytes += deleted?.deletedBytes ?? 0n;
    }
    await this.#sweepDeep(alive[0], resources, graceMicros);
    return { deletedFiles, deletedBytes };
  }

  /** Always the same node asks deep storage, as it remembers since when nobody has named what. */
  async #sweepDeep(
    node: LiveNode | undefined,
    resources: KeptResources,
    graceMicros: bigint,
  ): Promise<void> {
    if (node === undefined) return;
    const request = { referencedDigests: allDigests(resources), graceMicros };
    await this.#orAway(node, async () => {
      try {
        await this.#at(node).transfers.deleteUnreferencedDeep(request);
      } catch (error) {
        if (!isTesseraError(error, 'DEEP_STORAGE_NOT_CONFIGURED')) throw error;
      }
    });
  }

  async #orAway<T>({ resource }: LiveNode, ask: () => Promise<T>): Promise<T | undefined> {
    const { authority, log } = this.#options;
    try {
      return await ask();
    } catch (error) {
      authority.fence();
      const node = resourceIdOf(resource.name);
      log.warn({ node, error: messageOf(error) }, 'garbage.node-failed');
      return undefined;
    }
  }

  /** False when the node could not take them; whoever must not act any more fails. */
  async #copyTo(
    { id, address }: Target,
    items: readonly NewItem[],
    sources: readonly string[],
    parent: AbortSignal,
  ): Promise<boolean> {
    const { clientAt, clock, log, config, authority } = this.#options;
    const files = items.flatMap((item) => item.files);
    const toWarm = items.flatMap((item) => item.toWarm);
    const on = { what: `copying to ${id}`, reason: 'REPLICA_SLOW', parent, clock };
    const pull = (signal: AbortSignal) =>
      pullFiles(clientAt(address), { files, sources, toWarm, clock, signal });
    try {
      await withDeadline(config.publishReplicasMs, pull, on);
      return true;
    } catch (error) {
      parent.throwIfAborted();
      authority.fence();
      log.warn({ node: id, error: messageOf(error) }, 'build.replica-failed');
      return false;
    }
  }

  /** Absent when the node does not answer. */
  async #missingOf(node: LiveNode, files: readonly string[]) {
    if (!node.isAlive) return undefined;
    return missingOn(this.#at(node), files, this.#options.clock).catch(() => undefined);
  }

  #buildNode(): Promise<LiveNode | undefined> {
    this.#building ??= this.#chooseBuildNode().catch((error) => {
      this.#building = undefined;
      throw error;
    });
    return this.#building;
  }

  async #chooseBuildNode(): Promise<LiveNode | undefined> {
    const nodes = await this.#nodes();
    if (nodes.length === 0) return undefined;
    const { config, hostname } = this.#options;
    const rule = config.buildNode === undefined ? {} : { buildNode: config.buildNode };
    return chooseBuildNode(nodes, { ...rule, hostname });
  }

  async #nodes(): Promise<readonly LiveNode[]> {
    const { clients, clock } = this.#options;
    const { resources } = await listAll(clients, 'storageNodes');
    const alive = await aliveNodes(clients, resources, clock);
    return resources.map((resource) => ({ resource, isAlive: alive.has(resource.name) }));
  }

  #at({ resource }: LiveNode): NodeClient {
    return this.#options.clientAt(resource.address);
  }
}

interface Target {
  readonly id: string;
  readonly address: string;
}

/** What is still to be copied to which node. */
function lacksOf(
  items: readonly NewItem[],
  nodes: readonly LiveNode[],
  held: ReadonlyMap<string, ReadonlySet<string>>,
): ReadonlyMap<Target, readonly NewItem[]> {
  const seen = nodes.map(({ resource }) => seenNode(resource, 'alive'));
  const now = items.map((item) => ({
    ...item,
    inDeepStorage: false,
    recorded: [...item.recorded, ...held.get(item.name)!],
  }));
  const { placement } = wantedPlacement(now, seen);
  const lacks = new Map<Target, readonly NewItem[]>();
  for (const { resource } of nodes) {
    const id = resourceIdOf(resource.name);
    const lacking = items.filter(
      ({ name }) => placement.get(name)!.includes(id) && !held.get(name)!.has(id),
    );
    if (lacking.length > 0) lacks.set({ id, address: resource.address }, lacking);
  }
  return lacks;
}

function addressesOf(nodes: readonly LiveNode[]): string[] {
  return nodes.filter(({ isAlive }) => isAlive).map(({ resource }) => resource.address);
}

function holderOf(files: readonly storage.PulledFile[]): Holder {
  return { files: files.map(({ file }) => file), replicas: [] };
}
