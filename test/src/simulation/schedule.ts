import { isTesseraError } from '@tessera/base';
import type { TesseraClient } from '@tessera/client';
import { metadata } from '@tessera/proto';
import { Life, World } from '@tessera/testkit/simulation';
import { Cluster, cube, seedResources } from './cluster.ts';
import { injectFaults } from './faults.ts';
import { Invariants } from './invariants.ts';
import { injectNodeFaults } from './node-faults.ts';
import { ReplicaInvariants } from './replica-invariants.ts';
import { dayOf, months, monthsIn } from './source.ts';

const { OperationState } = metadata;
const microsPerDay = 86_400_000_000n;

/** Once all is well, everything that was begun ends within this. */
const convergenceMs = 180_000;

export interface Run {
  /** A digest of everything that happened: equal for equal seeds. */
  readonly trace: string;
  readonly happened: number;
  readonly virtualMs: number;
  readonly terms: number;
  readonly operations: Readonly<Record<string, number>>;
}

export interface ScheduleOptions {
  /** Storage nodes between which segments are moved; the last one joins later. 0: one daemon that holds everything. */
  readonly storageNodes?: number;
}

/**
 * One schedule: users ask for builds, merges, drops and cancellations while the source changes and everything that can go
 * wrong does; then all is well, and what was asked must end, and a last build must leave the cube whole and right.
 * @throws what was broken, with the seed.
 */
export async function runSchedule(seed: number, options: ScheduleOptions = {}): Promise<Run> {
  const world = new World(seed);
  try {
    return await new Schedule(world).run(options);
  } catch (error) {
    const at = `seed ${seed}, happening ${world.happened}`;
    throw new Error(`${at}: ${(error as Error).message}`, { cause: error });
  }
}

class Schedule {
  readonly #world: World;
  readonly #user: Life;
  /** Operations that a user was told of. */
  readonly #acknowledged: string[] = [];
  #asking = 0;
  #asked = 0;

  constructor(world: World) {
    this.#world = world;
    this.#user = new Life('user', world, 0);
  }

  async run({ storageNodes = 0 }: ScheduleOptions): Promise<Run> {
    const world = this.#world;
    const beganMs = world.nowMs;
    const { random } = world;
    const tokens = new Set<bigint>();
    const shape = {
      schedulers: random.integer(2, 3),
      metadatas: random.integer(1, 3),
      deafness: random.pick([0, 0.5]),
      storageNodes,
    };
    let failure: Error | undefined;
    let afterWrite = () => {};
    const cluster = await Cluster.start(world, shape, (fence, revision) => {
      tokens.add(fence.token);
      afterWrite();
      try {
        invariants.fencedWrite(fence, revision);
      } catch (error) {
        failure ??= error as Error;
      }
    });
    const invariants = new Invariants(cluster.history, cluster.disks);
    const replicas = new ReplicaInvariants(cluster.history, cluster.disks);
    const check = () => {
      invariants.check();
      if (storageNodes > 0) replicas.check();
      if (failure !== undefined) throw failure;
    };
    const clients = cluster.clients(this.#user);
    const isUp = () =>
      cluster.hosts.every(({ life, client }) => life === undefined || client !== undefined);
    await world.run(world.nowMs + convergenceMs, check, isUp);
    await this.#until(seedResources(clients), check);
    const faultyMs = random.integer(8_000, 40_000);
    afterWrite = injectFaults(cluster, {
      everyMs: random.pick([500, 2_000]),
      untilMs: world.nowMs + faultyMs,
    });
    if (storageNodes > 0) {
      const untilMs = world.nowMs + faultyMs;
      injectNodeFaults(cluster, { clients, replicas, everyMs: 2_000, untilMs });
    }
    this.#useUntil(cluster, clients, world.nowMs + faultyMs);
    await world.run(world.nowMs + faultyMs + 1, check);
    const isIdle = () => this.#asking === 0 && this.#allEnded(invariants);
    await world.run(world.nowMs + convergenceMs, check, isIdle);
    if (!isIdle()) throw new Error(`not all that was asked has ended: ${this.#left(invariants)}`);
    await this.#until(
      this.#ask(() => clients.builds.buildSegments({ cube, requestId: 'last' })),
      check,
    );
    const isSettled = () => isIdle() && (storageNodes === 0 || replicas.isWhole());
    await world.run(world.nowMs + convergenceMs, check, isSettled);
    this.#requireWhole(cluster, invariants);
    if (!isSettled()) throw new Error(`replicas are not where they shall be: ${replicas.shown()}`);
    return {
      trace: `${world.trace}-${cluster.history.revision}`,
      happened: world.happened,
      virtualMs: world.nowMs - beganMs,
      terms: tokens.size,
      operations: countsOf(invariants),
    };
  }

  async #until(work: Promise<unknown>, check: () => void): Promise<void> {
    let done = false;
    let failure: unknown;
    work.then(
      () => {
        done = true;
      },
      (error) => {
        done = true;
        failure = error;
      },
    );
    await this.#world.run(this.#world.nowMs + convergenceMs, check, () => done);
    if (failure !== undefined) throw failure;
    if (!done) throw new Error('a user waits for an answer that does not come');
  }

  #useUntil(cluster: Cluster, clients: TesseraClient, untilMs: number): void {
    const world = this.#world;
    const next = () => {
      if (world.nowMs >= untilMs) return;
      this.#use(cluster, clients);
      world.after(world.random.integer(200, 6_000), next);
    };
    next();
  }

  #use(cluster: Cluster, { builds, operations }: TesseraClient): void {
    const { random } = this.#world;
    const requestId = `request-${this.#asked++}`;
    const request = { cube, requestId };
    const what = random.pick([
      'build',
      'build',
      'build',
      'refresh',
      'merge',
      'drop',
      'cancel',
      'change',
    ] as const);
    switch (what) {
      case 'build': {
        const force = random.next() < 0.3;
        void this.#ask(() => builds.buildSegments({ ...request, force }));
        return;
      }
      case 'refresh':
        void this.#ask(() => builds.refreshSegments(request));
        return;
      case 'merge':
        void this.#ask(() => builds.mergeSegments({ ...request, ...this.#someMonths() }));
        return;
      case 'drop':
        void this.#ask(() => builds.dropSegments({ ...request, ...this.#someMonths() }));
        return;
      case 'cancel': {
        if (this.#acknowledged.length === 0) return;
        const name = random.pick(this.#acknowledged);
        operations.cancelOperation({ name }).catch(() => {});
        return;
      }
      case 'change':
        cluster.source.version++;
    }
  }

  #someMonths(): { readonly startMicros: bigint; readonly endMicros: bigint } {
    const { random } = this.#world;
    const first = random.pick(months);
    const start = dayOf(first) - 1;
    const end = dayOf(random.integer(first + 1, months.at(-1)! + 1)) - 1;
    return { startMicros: BigInt(start) * microsPerDay, endMicros: BigInt(end) * microsPerDay };
  }

  /** A user asks with the same request id until it is answered. */
  async #ask(ask: () => Promise<{ readonly name: string }>): Promise<void> {
    this.#asking++;
    for (;;) {
      try {
        const { name } = await ask();
        if (!this.#acknowledged.includes(name)) this.#acknowledged.push(name);
        break;
      } catch (error) {
        if (!isTesseraError(error, 'UNAVAILABLE')) throw error;
        await this.#user.clock.sleep(100);
      }
    }
    this.#asking--;
  }

  #allEnded(invariants: Invariants): boolean {
    const records = invariants.operations();
    return (
      this.#acknowledged.every((name) => records.has(name)) &&
      [...records.values()].every(({ endTime }) => endTime !== undefined)
    );
  }

  #left(invariants: Invariants): string {
    const records = invariants.operations();
    const lost = this.#acknowledged.filter((name) => !records.has(name));
    const open = [...records.values()].filter(({ endTime }) => endTime === undefined);
    const names = open.map(
      ({ name, state, attempt }) => `${name} (${stateName(state)}, ${attempt})`,
    );
    return [...lost.map((name) => `${name} is lost`), ...names].join(', ');
  }

  /** The last build has succeeded, and every month is answered from its newest version, once. */
  #requireWhole({ source, disks }: Cluster, invariants: Invariants): void {
    const last = invariants.operations().get('operations/build-last');
    if (last?.state !== OperationState.OPERATION_STATE_SUCCEEDED) {
      throw new Error(`the last build ended as ${JSON.stringify(last?.result ?? last?.state)}`);
    }
    const segments = invariants.readySegments();
    const covered = segments.flatMap(({ range }) => monthsIn(range)).sort();
    if (covered.join() !== months.join()) throw new Error(`months ${covered} are covered`);
    for (const { id, layouts } of segments) {
      const reads = layouts.flatMap(({ file }) => disks.read(file)!);
      const stale = reads.filter(({ version }) => version !== source.version);
      if (stale.length > 0) throw new Error(`${id} is stale: ${JSON.stringify(stale)}`);
    }
  }
}

function countsOf(invariants: Invariants): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind, state } of invariants.operations().values()) {
    const outcome = `${kind} ${stateName(state)}`;
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  return counts;
}

function stateName(state: metadata.OperationState): string {
  const found = Object.entries(OperationState).find(([, value]) => value === state);
  return found![0].replace('OPERATION_STATE_', '');
}
