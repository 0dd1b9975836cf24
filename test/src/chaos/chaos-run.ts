import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { seededRandom, systemClock } from '@tessera/base';
import { listAll } from '@tessera/client';
import { metadata } from '@tessera/proto';
import {
  ClusterClients,
  hostCount,
  hostsOf,
  replication,
  slowSyncUnusable,
  TestCluster,
} from '@tessera/testkit/cluster';
import fc from 'fast-check';
import { Tally } from '../differential/check.ts';
import { Oracle, randomWorld, World, type WorldSpec } from '../differential/world.ts';
import { BuildLoad } from './build-load.ts';
import { DataVersions } from './data-versions.ts';
import { failureName } from './failures.ts';
import { chooseRounds, type FaultKind, formatFault, type Round } from './fault.ts';
import { inject } from './inject.ts';
import { QueryLoad, statements } from './query-load.ts';
import { Questions } from './questions.ts';
import { loadRestrictedView, makeRestrictedUser, restrictedView } from './restricted-user.ts';
import { SourceData } from './source-data.ts';
import { WriteLoad } from './write-load.ts';

interface Users {
  readonly clients: ClusterClients;
  readonly restricted: ClusterClients;
}

export interface ChaosOptions {
  readonly seed: number;
  /** At least so many. */
  readonly faults: number;
  /** Is given a line for each round. */
  readonly print: (line: string) => void;
}

export interface ChaosOutcome {
  readonly faults: number;
  /** Answers that no version of the data gives, failures that are not retryable, and what did not come back. */
  readonly wrong: readonly string[];
  /** Acknowledged writes that are not there at the end. */
  readonly lost: readonly string[];
  readonly acknowledged: number;
  readonly builds: number;
  readonly tally: Tally;
}

const world = 'chaos';
const cube = `projects/${world}/cubes/world`;
const users = 2;
/** What a cluster may take at most until it is well again; generous, because machines that test are busy. */
const recoveryBoundMs = 120_000;
const retryMs = 100;
const finalQuestions = 40;

/** A cluster under load from all sides, to which one round of faults after the other happens. */
export async function runChaos(options: ChaosOptions): Promise<ChaosOutcome> {
  await using stack = new AsyncDisposableStack();
  const cluster = stack.use(await TestCluster.start());
  const oracle = stack.use(await Oracle.start());
  const clients = stack.use(await ClusterClients.ofAdmin(cluster));
  const restricted = stack.use(await makeRestrictedUser(clients, world));
  const users = { clients, restricted };
  return await new ChaosRun(cluster, users, oracle, options).run(); // Before all of it ends.
}

class ChaosRun {
  readonly #cluster: TestCluster;
  readonly #clients: ClusterClients;
  readonly #oracle: Oracle;
  readonly #options: ChaosOptions;
  readonly #tally = new Tally();
  readonly #wrong: string[] = [];
  readonly #versions = new DataVersions();
  readonly #spec: WorldSpec;
  readonly #questions: Questions;
  readonly #queries: QueryLoad;
  /** Of somebody who sees some of the rows only. */
  readonly #restricted: QueryLoad;
  readonly #writes: WriteLoad;
  readonly #builds: BuildLoad;
  readonly #probes: Iterator<string>;

  constructor(
    cluster: TestCluster,
    { clients, restricted }: Users,
    oracle: Oracle,
    options: ChaosOptions,
  ) {
    const { seed } = options;
    const clock = systemClock;
    this.#cluster = cluster;
    this.#clients = clients;
    this.#oracle = oracle;
    this.#options = options;
    this.#spec = worldSpec(seed);
    const { model } = this.#spec;
    const versions = this.#versions;
    const asked = { project: world, oracle, versions, tally: this.#tally, clock };
    this.#questions = new Questions(asked);
    this.#queries = new QueryLoad({ questions: this.#questions, clients, clock, model });
    this.#restricted = new QueryLoad({
      questions: new Questions({ ...asked, viewOf: restrictedView }),
      ...{ clients: restricted, clock, model },
    });
    this.#writes = new WriteLoad(clients, clock);
    this.#builds = new BuildLoad({
      clients,
      source: new SourceData({
        ...{ versions, oracle, world, spec: this.#spec, seed, clock },
        folder: join(this.#sources, world),
      }),
      cube,
      random: seededRandom(seed + 1),
      clock,
    });
    this.#probes = statements(model, seed - 1);
  }

  async run(): Promise<ChaosOutcome> {
    await this.#makeWorld();
    const rounds = this.#rounds();
    const stop = new AbortController();
    const load = this.#load(stop.signal);
    let faults = 0;
    try {
      for (const [i, round] of rounds.entries()) {
        if (this.#allWrong().length > 0) break;
        await this.#runRound(i, round);
        faults += round.faults.length;
      }
    } finally {
      stop.abort();
      await Promise.all(load);
    }
    const lost = await this.#atTheEnd();
    this.#options.print(this.#summary());
    return {
      ...{ faults, lost, wrong: this.#allWrong(), tally: this.#tally, builds: this.#builds.done },
      acknowledged: this.#writes.acknowledged.length,
    };
  }

  /** What sources are read from: all hosts see it, as they would a shared file system. */
  get #sources(): string {
    return join(this.#cluster.folder, 'sources');
  }

  async #makeWorld(): Promise<void> {
    mkdirSync(this.#sources);
    const platform = { client: this.#clients.whole(0), directory: this.#sources };
    await World.create(world, this.#spec, { platform, oracle: this.#oracle });
    await loadRestrictedView(this.#oracle, world);
    this.#versions.begin(world, Number.NEGATIVE_INFINITY);
  }

  #rounds(): readonly Round[] {
    const { seed, faults, print } = this.#options;
    const why = slowSyncUnusable();
    if (why !== undefined) print(`without slow-sync: ${why}`);
    const without = new Set<FaultKind>(why === undefined ? [] : ['slow-sync']);
    const daemons = this.#cluster.daemons.map(({ name }) => name);
    return chooseRounds(seededRandom(seed), faults, { daemons, hosts: hostCount, without });
  }

  #load(stop: AbortSignal): Promise<void>[] {
    const { seed } = this.#options;
    const asking = Array.from({ length: users }, (_, user) =>
      this.#queries.run(seed + 10_000 * (user + 1), stop),
    );
    const restricted = this.#restricted.run(seed + 5_000, stop);
    return [...asking, restricted, this.#builds.run(stop), this.#writes.run(stop)];
  }

  async #runRound(index: number, { faults, holdMs }: Round): Promise<void> {
    const before = { right: this.#queries.right, failed: this.#queries.failures.total };
    await using healing = new AsyncDisposableStack();
    for (const fault of faults) healing.defer(await inject(this.#cluster, fault));
    await systemClock.sleep(holdMs);
    await healing.disposeAsync();
    const healedMs = systemClock.monotonicMs();
    await Promise.all(this.#cluster.daemons.map((daemon) => daemon.untilReady()));
    await this.#recover();
    const seconds = ((systemClock.monotonicMs() - healedMs) / 1000).toFixed(1);
    const right = this.#queries.right - before.right;
    const failed = this.#queries.failures.total - before.failed;
    const what = faults.map(formatFault).join('; ');
    this.#options.print(
      `${index + 1}. ${what} (${holdMs} ms): well again after ${seconds} s; ${right} right answers, ${failed} failures`,
    );
  }

  /** Every query daemon answers, and every metadata daemon takes a write. */
  async #recover(): Promise<void> {
    const deadline = AbortSignal.timeout(recoveryBoundMs);
    const all = [
      ...hostsOf.query.map((_, n) => this.#untilAnswered(n, deadline)),
      ...hostsOf.metadata.map((_, n) => this.#untilWritten(n, deadline)),
    ];
    await Promise.all(all);
  }

  async #untilAnswered(n: number, deadline: AbortSignal): Promise<void> {
    const sql = this.#probes.next().value as string;
    for (;;) {
      const verdict = await this.#questions.ask(this.#clients.nth('query', n).queries, sql);
      if (verdict.kind === 'right') return;
      if (verdict.kind === 'wrong') return this.#note(sql, verdict.why);
      if (deadline.aborted) return this.#note(sql, `still fails: ${failureName(verdict.error)}`);
      await systemClock.sleep(retryMs);
    }
  }

  async #untilWritten(n: number, deadline: AbortSignal): Promise<void> {
    for (;;) {
      const error = await this.#writes.write(n).then(
        () => undefined,
        (failure: unknown) => failure,
      );
      if (error === undefined) return;
      if (deadline.aborted) {
        return this.#note(`a write by metadata daemon ${n}`, `still fails: ${failureName(error)}`);
      }
      await systemClock.sleep(retryMs);
    }
  }

  /** Everything is built anew and asked, nothing is lost, and metadata are consistent. */
  async #atTheEnd(): Promise<readonly string[]> {
    if (this.#allWrong().length > 0) return [];
    await this.#builds.refreshAll(AbortSignal.timeout(recoveryBoundMs));
    for (let i = 0; i < finalQuestions; i++) {
      await this.#untilAnswered(i, AbortSignal.timeout(recoveryBoundMs));
    }
    const { problems } = await this.#clients.nth('metadata', 0).maintenance.checkStore({});
    for (const { reason, name, detail } of problems) this.#note(`${reason} ${name}`, detail);
    await this.#untilReplicated(AbortSignal.timeout(recoveryBoundMs));
    const lost = await Promise.all(hostsOf.metadata.map((_, n) => this.#writes.lost(n)));
    return lost.flat();
  }

  /** Every segment that answers is on two hosts again. */
  async #untilReplicated(deadline: AbortSignal): Promise<void> {
    for (;;) {
      const { resources } = await listAll(this.#clients.whole(0), 'segments', { parent: cube });
      const ready = resources.filter(
        ({ state }) => state === metadata.SegmentState.SEGMENT_STATE_READY,
      );
      const alone = ready.filter(({ replicas }) => new Set(replicas).size < replication);
      if (alone.length === 0) return;
      if (deadline.aborted) {
        for (const { name, replicas } of alone)
          this.#note(name, `is on ${replicas.join() || 'none'}`);
        return;
      }
      await systemClock.sleep(retryMs);
    }
  }

  #note(what: string, why: string): void {
    this.#wrong.push(`${what}\n  ${why}`);
  }

  #allWrong(): readonly string[] {
    const restricted = this.#restricted.wrong.map((each) => `restricted: ${each}`);
    return [...this.#queries.wrong, ...restricted, ...this.#wrong];
  }

  #summary(): string {
    const { failures, right } = this.#queries;
    return [
      `${right} right answers; ${this.#tally}`,
      `questions that failed: ${failures}`,
      `${this.#restricted.right} right answers to a restricted user; failed: ${this.#restricted.failures}`,
      `${this.#builds.done} builds; failed: ${this.#builds.failures}`,
      `${this.#writes.acknowledged.length} acknowledged writes; failed: ${this.#writes.failures}`,
    ].join('\n');
  }
}

/** A partitioned model over enough rows, in segments of a month. */
function worldSpec(seed: number): WorldSpec {
  const partitioned = randomWorld.filter(
    ({ model, rows }) => model.partition?.column === 'f.d' && rows['fact']!.length > 50,
  );
  const [spec] = fc.sample(partitioned, { seed, numRuns: 1 }) as [WorldSpec];
  return {
    ...spec,
    cube: { ...spec.cube, segments: { every: 'month', autoMerge: [] } },
    dropped: [],
  };
}
