import { type Clock, messageOf, resourceIdOf } from '@tessera/base';
import type { Logger } from '@tessera/daemon';
import type { metadata } from '@tessera/proto';
import type { SchedulerClients } from '../clients.ts';
import { aliveNodes } from './alive-nodes.ts';
import { missingOn } from './missing-on.ts';
import type { NodeClient } from './node-clients.ts';
import type { SeenNode, StoredItem } from './stored-item.ts';

export interface NodeWatchOptions {
  readonly clients: Pick<SchedulerClients, 'leases'>;
  readonly clientAt: (address: string) => NodeClient;
  readonly clock: Clock;
  readonly log: Logger;
  /** A node that does not answer for so long is lost. */
  readonly lostAfterMs: number;
  /** Each node is asked this often whether it still has all its files. */
  readonly checkIntervalMs: number;
}

export interface NodesSeen {
  readonly nodes: readonly SeenNode[];
  readonly lacking: ReadonlyMap<string, ReadonlySet<string>>;
  readonly found: ReadonlyMap<string, readonly string[]>;
}

interface Check {
  readonly atMs: number;
  /** What the node said of itself then: new damage is looked at at once. */
  readonly of: string;
  readonly missing: Set<string>;
}

interface Search {
  readonly resources: readonly metadata.StorageNode[];
  readonly nodes: readonly SeenNode[];
  readonly items: readonly StoredItem[];
  readonly lacking: NodesSeen['lacking'];
  readonly signal: AbortSignal;
}

/** What is known of the storage nodes from look to look within a term: since when they are silent, and what they lack. */
export class NodeWatch {
  readonly #options: NodeWatchOptions;
  readonly #silentSinceMs = new Map<string, number>();
  readonly #checks = new Map<string, Check>();

  constructor(options: NodeWatchOptions) {
    this.#options = options;
  }

  async look(
    resources: readonly metadata.StorageNode[],
    items: readonly StoredItem[],
    signal: AbortSignal,
  ): Promise<NodesSeen> {
    const { clients, clock } = this.#options;
    const alive = await aliveNodes(clients, resources, clock, signal);
    let recordedOn: ReturnType<typeof byNode> | undefined; // Mostly no node is asked.
    const recorded = (node: string) => {
      recordedOn ??= byNode(items);
      return recordedOn.get(node) ?? [];
    };
    const nodes = await Promise.all(
      resources.map(async (resource) => {
        const answers = alive.has(resource.name) && (await this.#check(resource, recorded, signal));
        return seenNode(resource, this.#stateOf(resource.name, answers));
      }),
    );
    const lacking = this.#lacking(items);
    const found = await this.#search({ resources, nodes, items, lacking, signal });
    return { nodes, lacking, found };
  }

  /** A node has got files that it lacked. */
  taken(node: string, files: readonly { readonly file: string }[]): void {
    for (const { file } of files) this.#checks.get(node)?.missing.delete(file);
  }

  #stateOf(name: string, answers: boolean): SeenNode['state'] {
    const nowMs = this.#options.clock.monotonicMs();
    if (answers) {
      this.#silentSinceMs.delete(name);
      return 'alive';
    }
    const sinceMs = this.#silentSinceMs.get(name) ?? nowMs;
    this.#silentSinceMs.set(name, sinceMs);
    this.#checks.delete(resourceIdOf(name)); // It is asked at once when it is back.
    return nowMs - sinceMs < this.#options.lostAfterMs ? 'silent' : 'lost';
  }

  /** Asks the node what it lacks when that was not done lately. False when it does not answer. */
  async #check(
    { name, address, quarantinedFiles }: metadata.StorageNode,
    recorded: (node: string) => readonly StoredItem[],
    signal: AbortSignal,
  ): Promise<boolean> {
    const { clientAt, clock, log, checkIntervalMs } = this.#options;
    const node = resourceIdOf(name);
    const of = `${address} ${quarantinedFiles}`;
    const known = this.#checks.get(node);
    const atMs = clock.monotonicMs();
    if (known !== undefined && known.of === of && atMs - known.atMs < checkIntervalMs) return true;
    const files = [
      ...new Set(recorded(node).flatMap((item) => item.files.map(({ file }) => file))),
    ];
    try {
      const missing = new Set(await missingOn(clientAt(address), files, clock, signal));
      this.#checks.set(node, { atMs, of, missing });
      return true;
    } catch (error) {
      signal.throwIfAborted();
      log.warn({ node, error: messageOf(error) }, 'replicas.check-failed');
      return false;
    }
  }

  #lacking(items: readonly StoredItem[]): ReadonlyMap<string, ReadonlySet<string>> {
    const broken = [...this.#checks].filter(([, { missing }]) => missing.size > 0);
    return new Map(
      broken.map(([node, { missing }]) => {
        const lacks = items.filter(
          ({ recorded, files }) =>
            recorded.includes(node) && files.some(({ file }) => missing.has(file)),
        );
        return [node, new Set(lacks.map(({ name }) => name))] as const;
      }),
    );
  }

  /** Asks all nodes for the items of which no node that answers is known to have them: somebody may still have the files. */
  async #search({ resources, nodes, items, lacking, signal }: Search): Promise<NodesSeen['found']> {
    const { clientAt, clock, log } = this.#options;
    const alive = new Set(nodes.filter(({ state }) => state === 'alive').map(({ id }) => id));
    const homeless = items.filter(
      ({ name, recorded }) =>
        !recorded.some((node) => alive.has(node) && lacking.get(node)?.has(name) !== true),
    );
    const found = new Map<string, string[]>();
    if (homeless.length === 0) return found;
    const files = [...new Set(homeless.flatMap((item) => item.files.map(({ file }) => file)))];
    for (const { name, address } of resources) {
      const node = resourceIdOf(name);
      if (!alive.has(node)) continue;
      try {
        const missing = await missingOn(clientAt(address), files, clock, signal);
        for (const item of homeless) {
          if (item.files.some(({ file }) => missing.has(file))) continue;
          found.set(item.name, [...(found.get(item.name) ?? []), node]);
        }
      } catch (error) {
        signal.throwIfAborted();
        log.warn({ node, error: messageOf(error) }, 'replicas.check-failed');
      }
    }
    return found;
  }
}

/** Items by id of each node that they are recorded on. */
function byNode(items: readonly StoredItem[]): ReadonlyMap<string, readonly StoredItem[]> {
  const found = new Map<string, StoredItem[]>();
  for (const item of items) {
    for (const node of item.recorded) {
      const own = found.get(node);
      if (own === undefined) found.set(node, [item]);
      else own.push(item);
    }
  }
  return found;
}

export function seenNode(resource: metadata.StorageNode, state: SeenNode['state']): SeenNode {
  const { name, rack, capacityBytes, draining } = resource;
  return { id: resourceIdOf(name), rack, capacityBytes: Number(capacityBytes), draining, state };
}
