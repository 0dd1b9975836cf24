import type { CopyStep, DropStep } from './moves.ts';
import type { QuarantineStep, Replica, ReplicaDecision, ReplicaView } from './replicas.ts';
import { Traffic } from './traffic.ts';

/**
 * What to do next so that the hosts come to hold what is wanted: set damaged replicas aside, copy those that lack from a peer or else from
 * deep storage, drop those that are not wanted. To be asked again whenever something has changed; it remembers nothing.
 *
 * A good replica is dropped only when every wanted one is good. Segments with the fewest good replicas are copied first. Replicas of
 * segments that nobody wants are left alone: who retires a segment deletes them.
 */
export function decide(view: ReplicaView): ReplicaDecision {
  const held = replicasToMend(view);
  const { copies, withoutSource } = copiesOf(view, held);
  return { steps: [...quarantinesOf(held), ...copies, ...dropsOf(view, held)], withoutSource };
}

/** Replicas by segment and host, of the segments that are not as wanted: in a large cluster those are few. */
type Held = ReadonlyMap<string, ReadonlyMap<string, Replica>>;

function replicasToMend({ wanted, observed }: ReplicaView): Held {
  const held = new Map<string, Map<string, Replica>>();
  for (const [segment, hosts] of wanted) {
    const isGood = (host: string) => observed.get(host)?.get(segment)?.kind === 'good';
    if (!hosts.every(isGood)) held.set(segment, new Map());
  }
  for (const [host, replicas] of observed) {
    for (const segment of replicas.keys()) {
      if (wanted.get(segment)?.includes(host) === false) held.set(segment, new Map());
    }
  }
  for (const [host, replicas] of observed) {
    for (const [segment, replica] of replicas) held.get(segment)?.set(host, replica);
  }
  return held;
}

function quarantinesOf(held: Held): QuarantineStep[] {
  return [...held].flatMap(([segment, replicas]) =>
    hostsWith(replicas, 'damaged').map((host) => ({ kind: 'quarantine', segment, host }) as const),
  );
}

function copiesOf(
  view: ReplicaView,
  held: Held,
): { readonly copies: readonly CopyStep[]; readonly withoutSource: readonly string[] } {
  const traffic = trafficOf(view, held);
  const copies: CopyStep[] = [];
  const withoutSource: string[] = [];
  for (const { segment, hosts, good, bytes } of lacksOf(view, held)) {
    const isDeep = view.deep.has(segment);
    if (good.length === 0 && !isDeep) withoutSource.push(segment);
    for (const to of hosts) {
      if (!traffic.mayReceive(to, bytes)) continue;
      const from = traffic.senderOf(good, bytes);
      const fromDeep = good.length === 0 && isDeep && traffic.deepMaySend(bytes);
      if (from === undefined && !fromDeep) continue;
      traffic.add(from, to, bytes);
      copies.push({ kind: 'copy', segment, from, to, bytes });
    }
  }
  return { copies, withoutSource };
}

interface Lack {
  readonly segment: string;
  readonly bytes: number;
  /** That answer, should have a replica and have nothing of it. */
  readonly hosts: readonly string[];
  readonly good: readonly string[];
}

/** The most urgent first: few good replicas, then few bytes. */
function lacksOf({ wanted, observed, bytesOf }: ReplicaView, held: Held): Lack[] {
  const lacks: Lack[] = [];
  for (const [segment, replicas] of held) {
    const hosts = wanted.get(segment)!.filter((host) => observed.has(host) && !replicas.has(host));
    if (hosts.length === 0) continue;
    lacks.push({ segment, bytes: bytesOf(segment), hosts, good: hostsWith(replicas, 'good') });
  }
  return lacks.sort(
    (a, b) =>
      a.good.length - b.good.length || a.bytes - b.bytes || (a.segment < b.segment ? -1 : 1),
  );
}

function trafficOf({ limits, bytesOf }: ReplicaView, held: Held): Traffic {
  const traffic = new Traffic(limits);
  for (const [segment, replicas] of held) {
    for (const [host, replica] of replicas) {
      if (replica.kind === 'copying') traffic.add(replica.from, host, bytesOf(segment));
    }
  }
  return traffic;
}

/** Copies that go where they are not wanted any more are dropped at once; good replicas when all that are wanted are there. */
function dropsOf({ wanted, bytesOf }: ReplicaView, held: Held): DropStep[] {
  const drops: DropStep[] = [];
  for (const [segment, replicas] of held) {
    const hosts = wanted.get(segment)!;
    const isWhole = hosts.length > 0 && hosts.every((host) => replicas.get(host)?.kind === 'good');
    const surplus = [
      ...hostsWith(replicas, 'copying'),
      ...(isWhole ? hostsWith(replicas, 'good') : []),
    ].filter((host) => !hosts.includes(host));
    for (const host of surplus) {
      drops.push({ kind: 'drop', segment, host, bytes: bytesOf(segment) });
    }
  }
  return drops;
}

function hostsWith(replicas: ReadonlyMap<string, Replica>, kind: Replica['kind']): string[] {
  return [...replicas]
    .filter(([, replica]) => replica.kind === kind)
    .map(([host]) => host)
    .sort();
}
