import { fairWeather } from '@tessera/testkit/simulation';
import type { Cluster } from './cluster.ts';

export interface FaultOptions {
  /** Mean time between two faults. */
  readonly everyMs: number;
  readonly untilMs: number;
}

/** How often, and how many times at most, every scheduler dies right after a write of a leader, before it hears of it. */
const deathsPerWrite = 0.1;
const maxDeaths = 5;

/**
 * Crashes, pauses, partitions and weather, by chance, until a time; then all is well again but for the deaths that are left.
 * Returns what must hear of each write of a leader.
 */
export function injectFaults(cluster: Cluster, { everyMs, untilMs }: FaultOptions): () => void {
  const { world, network } = cluster;
  const { random } = world;
  network.weather = {
    loss: random.pick([0, 0.01, 0.05]),
    duplication: random.pick([0, 0.02, 0.1]),
    late: random.pick([0, 0.01, 0.05]),
    delayMs: random.pick([5, 20, 80]),
    lateMs: 4_000,
  };
  const next = () => {
    if (world.nowMs >= untilMs) return;
    strike(cluster);
    world.after(random.integer(1, 2 * everyMs), next);
  };
  world.after(random.integer(1, 2 * everyMs), next);
  world.after(untilMs - world.nowMs, () => heal(cluster));
  let deaths = random.integer(0, maxDeaths);
  return () => {
    if (deaths === 0 || random.next() >= deathsPerWrite) return;
    deaths--;
    for (const host of cluster.schedulers) {
      cluster.crash(host);
      world.after(random.integer(50, 2_000), () => cluster.boot(host));
    }
  };
}

function strike(cluster: Cluster): void {
  const { world, network } = cluster;
  const { random } = world;
  // Mostly those who act.
  const host = random.pick(random.next() < 0.7 ? cluster.schedulers : cluster.hosts);
  const lastsMs = random.integer(50, random.pick([500, 5_000, 15_000]));
  switch (random.pick(['crash', 'pause', 'pause', 'cut', 'isolate'] as const)) {
    case 'crash':
      cluster.crash(host);
      world.after(lastsMs, () => cluster.boot(host));
      return;
    case 'pause':
      // Storage is not paused for longer than its grace allows for.
      host.life?.pause(cluster.storages.includes(host) ? Math.min(lastsMs, 5_000) : lastsMs);
      return;
    case 'cut': {
      const other = random.pick(cluster.names.filter((name) => name !== host.name));
      network.cut(host.name, other);
      world.after(lastsMs, () => network.mend(host.name, other));
      return;
    }
    case 'isolate':
      for (const other of cluster.names) if (other !== host.name) network.cut(host.name, other);
      world.after(lastsMs, () => {
        for (const other of cluster.names) network.mend(host.name, other);
      });
  }
}

function heal(cluster: Cluster): void {
  cluster.network.mendAll();
  cluster.network.weather = fairWeather;
  for (const host of cluster.hosts) {
    host.life?.resume();
    cluster.boot(host);
  }
}
