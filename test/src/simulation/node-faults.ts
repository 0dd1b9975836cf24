import type { TesseraClient } from '@tessera/client';
import type { Cluster } from './cluster.ts';
import type { ReplicaInvariants } from './replica-invariants.ts';

export interface NodeFaultOptions {
  readonly clients: TesseraClient;
  readonly replicas: ReplicaInvariants;
  /** Mean time between two faults. */
  readonly everyMs: number;
  readonly untilMs: number;
}

/** Storage nodes join, die, are drained and taken back, and lose files, until a time; then none is drained any more. */
export function injectNodeFaults(cluster: Cluster, options: NodeFaultOptions): void {
  const { world, storages } = cluster;
  const { random } = world;
  const { everyMs, untilMs } = options;
  const draining = new Set<string>();
  const drain = (name: string, isDraining: boolean) => {
    draining.add(name);
    const storageNode = { name: `storageNodes/${name}`, draining: isDraining };
    const asked = options.clients.storageNodes.updateStorageNode({
      storageNode,
      updateMask: ['draining'],
    });
    return asked.catch(() => {});
  };
  world.after(random.integer(1_000, 10_000), () => cluster.boot(storages.at(-1)!));
  const next = () => {
    if (world.nowMs >= untilMs) return;
    const host = random.pick(storages);
    switch (random.pick(['crash', 'drain', 'undrain', 'spoil'] as const)) {
      case 'crash':
        cluster.crash(host);
        world.after(random.integer(50, 15_000), () => cluster.boot(host));
        break;
      case 'drain':
        void drain(host.name, true);
        break;
      case 'undrain':
        void drain(host.name, false);
        break;
      case 'spoil':
        options.replicas.spoil((choices) => random.pick(choices));
    }
    world.after(random.integer(1, 2 * everyMs), next);
  };
  world.after(random.integer(1, 2 * everyMs), next);
  const undrainAll = async () => {
    for (const name of draining) await drain(name, false);
  };
  // Once more, as the first may have been lost, or overtaken by what was asked before.
  for (const laterMs of [1_000, 6_000]) {
    world.after(untilMs - world.nowMs + laterMs, () => void undrainAll());
  }
}
