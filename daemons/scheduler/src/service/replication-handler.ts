import { type Clock, resourceIdOf } from '@tessera/base';
import { listAll } from '@tessera/client';
import type { scheduler } from '@tessera/proto';
import type { SchedulerClients } from '../clients.ts';
import { aliveNodes } from '../replicas/alive-nodes.ts';
import { storedItems } from '../replicas/items.ts';
import { seenNode } from '../replicas/node-watch.ts';
import { reportReplication } from '../replicas/report.ts';

/** Items that one answer names. */
const maxDegraded = 100;

/** Wire in, wire out: looks at metadata, and changes nothing. */
export class ReplicationHandler implements scheduler.ReplicationServiceImplementation {
  readonly #clients: SchedulerClients;
  readonly #clock: Clock;
  readonly #replication: number;

  constructor(clients: SchedulerClients, clock: Clock, replication: number) {
    this.#clients = clients;
    this.#clock = clock;
    this.#replication = replication;
  }

  async getReplication() {
    const clients = this.#clients;
    const parent = 'projects/-';
    const [nodes, cubes, segments, snapshots, dictionaries] = await Promise.all([
      listAll(clients, 'storageNodes'),
      listAll(clients, 'cubes', { parent }),
      listAll(clients, 'segments', { parent: 'projects/-/cubes/-' }),
      listAll(clients, 'snapshots', { parent }),
      listAll(clients, 'dictionaries', { parent }),
    ]);
    const alive = await aliveNodes(clients, nodes.resources, this.#clock);
    const seen = nodes.resources.map((one) =>
      seenNode(one, alive.has(one.name) ? 'alive' : 'lost'),
    );
    const items = storedItems(
      {
        cubes: cubes.resources,
        segments: segments.resources,
        snapshots: snapshots.resources,
        dictionaries: dictionaries.resources,
      },
      this.#replication,
    );
    // A platform without storage nodes does not replicate, so nothing is missing.
    const report = reportReplication(seen.length === 0 ? [] : items, seen);
    // Retired segments count as well: queries that run may still read them.
    const named = new Set(segments.resources.flatMap(({ replicas }) => replicas));
    const quarantined = new Map(
      nodes.resources.map(({ name, quarantinedFiles }) => [resourceIdOf(name), quarantinedFiles]),
    );
    return {
      replication: this.#replication,
      nodes: report.nodes.map(({ node, ...held }) => ({
        node: `storageNodes/${node.id}`,
        alive: node.state === 'alive',
        draining: node.draining,
        itemCount: BigInt(held.items),
        bytes: BigInt(held.bytes),
        pendingCount: BigInt(held.pendingItems),
        pendingBytes: BigInt(held.pendingBytes),
        quarantinedFiles: quarantined.get(node.id) ?? 0n,
        removable: held.items === 0 && !named.has(node.id),
      })),
      degradedItems: report.degraded.slice(0, maxDegraded).map(({ item, alive: held, reason }) => ({
        item: item.name,
        aliveReplicas: [...held],
        wantedReplicas: item.replication,
        reason,
      })),
      degradedCount: BigInt(report.degraded.length),
      lackingInDeepStorage: BigInt(report.lackingInDeep),
      conditions: report.conditions.map(({ reason, message }) => ({ reason, message })),
    };
  }
}
