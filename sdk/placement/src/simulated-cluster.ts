import { type Random, seededRandom } from '@tessera/base';
import { decide } from './decide.ts';
import { randomHosts, randomSegments, totalBytes } from './fixture.ts';
import type { CopyStep } from './moves.ts';
import { place } from './place.ts';
import type { PlacedSegment, Placement, PlacementHost } from './placement.ts';
import type { CopyLimits, Replica, ReplicaDecision, ReplicaStep } from './replicas.ts';

export const replication = 2;
export const limits: CopyLimits = { inboundBytes: 4_000, outboundBytes: 4_000, deepBytes: 3_000 };

/** A replica as it is. One that rots is damaged, and nobody has noticed yet. */
type Truth =
  | { state: 'good' | 'rotten' | 'damaged' }
  | { state: 'copying'; from?: string; turns: number };

/**
 * Storage daemons in turns, with everything that fails drawn from a seed: hosts that do not answer, lose their disk or are drained, replicas that rot,
 * copies that break off, steps that are never taken. It spares the last good copy of what is not in deep storage.
 */
export class SimulatedCluster {
  readonly random: Random;
  readonly segments: readonly PlacedSegment[];
  readonly deep: ReadonlySet<string>;
  wanted: Placement;
  readonly #hosts: readonly PlacementHost[];
  readonly #sizes: ReadonlyMap<string, number>;
  readonly #truth: Map<string, Map<string, Truth>>;
  readonly #down = new Set<string>();
  #drained: string | undefined;

  constructor(seed: number) {
    this.random = seededRandom(seed);
    this.segments = randomSegments(this.random, 120);
    this.#hosts = randomHosts(this.random, 8, 4);
    this.#sizes = new Map(this.segments.map(({ id, bytes }) => [id, bytes]));
    this.deep = new Set(this.segments.filter((_, i) => i % 2 === 0).map(({ id }) => id));
    this.wanted = place(this.segments, this.#hosts, { replication }).placement;
    this.#truth = new Map(this.#hosts.map(({ id }) => [id, new Map()]));
    for (const [segment, hosts] of this.wanted) {
      for (const host of hosts) this.#truth.get(host)!.set(segment, { state: 'good' });
    }
  }

  bytesOf = (segment: string): number => this.#sizes.get(segment)!;

  observe(): ReadonlyMap<string, ReadonlyMap<string, Replica>> {
    const up = [...this.#truth].filter(([host]) => !this.#down.has(host));
    return new Map(
      up.map(([host, replicas]) => [
        host,
        new Map([...replicas].map(([segment, truth]) => [segment, reportOf(truth)])),
      ]),
    );
  }

  decide(): ReplicaDecision {
    const { wanted, deep, bytesOf } = this;
    return decide({ wanted, observed: this.observe(), deep, bytesOf, limits });
  }

  /** Takes steps, each with a chance to be lost on the way. */
  act(steps: readonly ReplicaStep[], lossRate: number): void {
    for (const step of steps) {
      if (this.random.next() < lossRate) continue;
      const host = step.kind === 'copy' ? step.to : step.host;
      const replicas = this.#truth.get(host)!;
      if (step.kind === 'copy') this.#begin(step, replicas);
      else replicas.delete(step.segment);
    }
  }

  #begin({ segment, from }: CopyStep, replicas: Map<string, Truth>): void {
    const turns = this.random.integer(1, 3);
    replicas.set(segment, { state: 'copying', turns, ...(from === undefined ? {} : { from }) });
  }

  /** Lets copies go on. One ends well only when its source is there and good; a rotten one is found out by being read. */
  advance(failureRate: number): void {
    for (const [host, replicas] of this.#truth) {
      if (this.#down.has(host)) continue;
      for (const [segment, truth] of replicas) {
        if (truth.state !== 'copying' || --truth.turns > 0) continue;
        const source = truth.from === undefined ? 'good' : this.#sourceState(truth.from, segment);
        if (source === 'good' && this.random.next() >= failureRate) {
          replicas.set(segment, { state: 'good' });
        } else replicas.delete(segment);
      }
    }
  }

  #sourceState(host: string, segment: string): Truth['state'] | undefined {
    if (this.#down.has(host)) return undefined;
    const replicas = this.#truth.get(host)!;
    if (replicas.get(segment)?.state === 'rotten') replicas.set(segment, { state: 'damaged' });
    return replicas.get(segment)?.state;
  }

  breakSomething(): void {
    const host = this.random.pick(this.#hosts).id;
    const kind = this.random.integer(0, 6);
    if (kind === 0 && this.#down.size < 2) this.#down.add(host);
    if (kind === 1) this.#down.delete(host);
    if (kind === 2) this.#loseDisk(host);
    if (kind === 3 || kind === 4) this.#rot(host);
    if (kind === 5) this.#drained = this.#drained === undefined ? host : undefined;
    if (kind > 4) this.placeAgain();
  }

  /** Decides anew where segments should be, without hosts that do not answer or are drained. */
  placeAgain(): void {
    const usable = this.#hosts
      .filter(({ id }) => !this.#down.has(id))
      .map((host) => ({ ...host, draining: host.id === this.#drained }));
    const { placement } = place(this.segments, usable, { replication, current: this.wanted });
    this.wanted = placement;
  }

  /** Reads replicas and finds what has rotted: a few of them, or all. */
  scrub(share: number): void {
    for (const replicas of this.#truth.values()) {
      for (const [segment, truth] of replicas) {
        if (truth.state !== 'rotten' || this.random.next() >= share) continue;
        replicas.set(segment, { state: 'damaged' });
      }
    }
  }

  /** Ends all that is wrong from outside. */
  calm(): void {
    this.#down.clear();
    this.#drained = undefined;
    this.placeAgain();
    this.scrub(1);
  }

  /** Hosts that truly have a good replica. */
  goodHosts(segment: string): string[] {
    return [...this.#truth]
      .filter(([, replicas]) => replicas.get(segment)?.state === 'good')
      .map(([host]) => host)
      .sort();
  }

  /** Segments with anything on a host, whatever its state. */
  holders(segment: string): string[] {
    return [...this.#truth]
      .filter(([, held]) => held.has(segment))
      .map(([host]) => host)
      .sort();
  }

  #loseDisk(host: string): void {
    const replicas = this.#truth.get(host)!;
    const isSafe = [...replicas.keys()].every(
      (segment) =>
        this.deep.has(segment) || this.goodHosts(segment).some((holder) => holder !== host),
    );
    if (isSafe) replicas.clear();
  }

  #rot(host: string): void {
    const replicas = this.#truth.get(host)!;
    const good = [...replicas].filter(([, { state }]) => state === 'good').map(([id]) => id);
    if (good.length === 0) return;
    const segment = this.random.pick(good);
    const others = [...this.#truth.values()].map((held) => held.get(segment)?.state);
    const isSafe = !others.includes('rotten') && this.goodHosts(segment).length > 1;
    if (this.deep.has(segment) || isSafe) replicas.set(segment, { state: 'rotten' });
  }
}

function reportOf(truth: Truth): Replica {
  if (truth.state === 'copying') return { kind: 'copying', from: truth.from };
  return { kind: truth.state === 'damaged' ? 'damaged' : 'good' };
}

/** Bytes on their way, with what a decision adds: to hosts, from hosts, and (as `undefined`) from deep storage. */
export function bytesOnTheWay(
  cluster: SimulatedCluster,
  steps: readonly ReplicaStep[],
): { readonly to: Map<string, number[]>; readonly from: Map<string | undefined, number[]> } {
  const to = new Map<string, number[]>();
  const from = new Map<string | undefined, number[]>();
  const add = (source: string | undefined, target: string, bytes: number) => {
    to.set(target, [...(to.get(target) ?? []), bytes]);
    from.set(source, [...(from.get(source) ?? []), bytes]);
  };
  for (const [host, replicas] of cluster.observe()) {
    for (const [segment, replica] of replicas) {
      if (replica.kind === 'copying') add(replica.from, host, cluster.bytesOf(segment));
    }
  }
  for (const step of steps) if (step.kind === 'copy') add(step.from, step.to, step.bytes);
  return { to, from };
}

export function isWithin(bytes: readonly number[], limit: number): boolean {
  return bytes.length <= 1 || totalBytes(bytes.map((each) => ({ bytes: each }))) <= limit;
}
