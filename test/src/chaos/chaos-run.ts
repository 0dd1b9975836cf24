import { cpSync, globSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { seededRandom, systemClock } from '@tessera/base';
import {
  ClusterClients,
  hostCount,
  hostsOf,
  slowSyncUnusable,
  TestCluster,
} from '@tessera/testkit/cluster';
import { Oracle, World, type WorldSpec } from '../differential/world.ts';
import { BuildLoad } from './build-load.ts';
import { DataVersions } from './data-versions.ts';
import { chooseRounds, type FaultKind, formatFault, type Round } from './fault.ts';
import { problemsAtRest } from './final-checks.ts';
import { inject } from './inject.ts';
import type { ChaosOutcome, FaultWindow } from './outcome.ts';
import { QueryLoad, statements } from './query-load.ts';
import { QuestionTally } from './question-kinds.ts';
import { Questions } from './questions.ts';
import { Recovery } from './recovery.ts';
import { loadRestrictedView, makeRestrictedUser, restrictedView } from './restricted-user.ts';
import { SourceData } from './source-data.ts';
import { worldSpec } from './world-spec.ts';
import { WriteLoad } from './write-load.ts';

interface Users {
  readonly clients: ClusterClients;
  readonly restricted: ClusterClients;
}

export interface ChaosOptions {
  readonly seed: number;
  /** At least so many. */
  readonly faults: number;
  /** No round begins after so long. */
  readonly limitMs?: number;
  /** Is given a line for each round, and the summary. */
  readonly print: (line: string) => void;
  /** Where the daemons' logs are copied at the end, a folder for each host. */
  readonly logFolder?: string;
  /** What every daemon's process is given besides. */
  readonly environment?: Readonly<Record<string, string>>;
}

const world = 'chaos';
const cube = `projects/${world}/cubes/world`;
const users = 2;
/** What a cluster may take at most until it is well again; generous, because machines that test are busy. */
const recoveryBoundMs = 120_000;
/** What everything may take at the end: unused files go after their grace, and files are looked for once a minute. */
const restBoundMs = 240_000;
const finalQuestions = 20;

/** A cluster under load from all sides, to which one round of faults after the other happens. */
export async function runChaos(options: ChaosOptions): Promise<ChaosOutcome> {
  await using stack = new AsyncDisposableStack();
  const cluster = stack.use(await TestCluster.start(options.environment));
  const { logFolder } = options;
  if (logFolder !== undefined) stack.defer(() => copyLogs(cluster, logFolder));
  const oracle = stack.use(await Oracle.start());
  const clients = stack.use(await ClusterClients.ofAdmin(cluster));
  const restricted = stack.use(await makeRestrictedUser(clients, world));
  const users = { clients, restricted };
  return await new ChaosRun(cluster, users, oracle, options).run(); // Before all of it ends.
}

function copyLogs({ folder }: TestCluster, to: string): void {
  for (const log of globSync('host-*/*.log', { cwd: folder })) {
    cpSync(join(folder, log), join(to, log), { recursive: true });
  }
}

class ChaosRun {
  readonly #cluster: TestCluster;
  readonly #users: Users;
  readonly #oracle: Oracle;
  readonly #options: ChaosOptions;
  readonly #tally = new QuestionTally();
  readonly #wrong: string[] = [];
  readonly #versions = new DataVersions();
  readonly #spec: WorldSpec;
  readonly #asking: readonly QueryLoad[];
  readonly #writes: WriteLoad;
  readonly #builds: BuildLoad;
  readonly #recovery: Recovery;
  readonly #windows: FaultWindow[] = [];
  readonly #without: ReadonlySet<FaultKind>;

  constructor(cluster: TestCluster, users: Users, oracle: Oracle, options: ChaosOptions) {
    const { seed } = options;
    const clock = systemClock;
    const { clients, restricted } = users;
    this.#cluster = cluster;
    this.#users = users;
    this.#oracle = oracle;
    this.#options = options;
    this.#spec = worldSpec(seed);
    const { model } = this.#spec;
    const versions = this.#versions;
    const asked = { project: world, oracle, versions, tally: this.#tally, clock };
    const seesAll = { clients, questions: new Questions(asked) };
    const ofUser = ['restricted user'] as const;
    const seesPart = {
      clients: restricted,
      questions: new Questions({ ...asked, ofUser, viewOf: restrictedView }),
    };
    this.#asking = [seesAll, seesPart].map((user) => new QueryLoad({ ...user, clock, model }));
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
    this.#recovery = new Recovery({
      ...{ writes: this.#writes, clock },
      users: [seesAll, seesPart],
      probes: statements(model, seed - 1),
    });
    const why = slowSyncUnusable();
    if (why !== undefined) options.print(`without slow-sync: ${why}`);
    this.#without = new Set<FaultKind>(why === undefined ? [] : ['slow-sync']);
  }

  async run(): Promise<ChaosOutcome> {
    await this.#makeWorld();
    const stop = new AbortController();
    const load = this.#load(stop.signal);
    const { limitMs = Number.POSITIVE_INFINITY } = this.#options;
    const endMs = systemClock.monotonicMs() + limitMs;
    try {
      for (const [i, round] of this.#rounds().entries()) {
        if (this.#allWrong().length > 0 || systemClock.monotonicMs() > endMs) break;
        await this.#runRound(i, round);
      }
    } finally {
      stop.abort();
      await Promise.all(load);
    }
    const lost = await this.#atTheEnd();
    this.#options.print(this.#summary());
    return {
      ...{ lost, wrong: this.#allWrong(), windows: this.#windows, without: this.#without },
      questions: this.#tally,
      acknowledged: this.#writes.acknowledged,
      operations: this.#builds.acknowledged.length,
      publishedSegments: this.#builds.published,
    };
  }

  /** What sources are read from: all hosts see it, as they would a shared file system. */
  get #sources(): string {
    return join(this.#cluster.folder, 'sources');
  }

  async #makeWorld(): Promise<void> {
    mkdirSync(this.#sources);
    const platform = { client: this.#users.clients.whole(0), directory: this.#sources };
    await World.create(world, this.#spec, { platform, oracle: this.#oracle });
    await loadRestrictedView(this.#oracle, world);
    this.#versions.begin(world, Number.NEGATIVE_INFINITY);
    await this.#writes.prepare(`projects/${world}/sources/files`);
  }

  #rounds(): readonly Round[] {
    const { seed, faults } = this.#options;
    const daemons = this.#cluster.daemons.map(({ name }) => name);
    const targets = { daemons, hosts: hostCount, without: this.#without };
    return chooseRounds(seededRandom(seed), faults, targets);
  }

  #load(stop: AbortSignal): Promise<void>[] {
    const { seed } = this.#options;
    const [all, part] = this.#asking as [QueryLoad, QueryLoad];
    const asking = Array.from({ length: users }, (_, user) =>
      all.run(seed + 10_000 * (user + 1), stop),
    );
    const restricted = part.run(seed + 5_000, stop);
    return [...asking, restricted, this.#builds.run(stop), this.#writes.run(stop)];
  }

  async #runRound(index: number, { faults, holdMs }: Round): Promise<void> {
    const before = this.#counts();
    await using healing = new AsyncDisposableStack();
    for (const fault of faults) healing.defer(await inject(this.#cluster, fault));
    await systemClock.sleep(holdMs);
    await healing.disposeAsync();
    const healedMs = systemClock.monotonicMs();
    await Promise.all(this.#cluster.daemons.map((daemon) => daemon.untilReady()));
    this.#wrong.push(...(await this.#recovery.untilServed(AbortSignal.timeout(recoveryBoundMs))));
    this.#wrong.push(...this.#ended());
    const recoveryMs = systemClock.monotonicMs() - healedMs;
    const after = this.#counts();
    const right = after.right - before.right;
    const failed = after.failed - before.failed;
    this.#windows.push({ faults, holdMs, recoveryMs, right, failed });
    const what = faults.map(formatFault).join('; ');
    this.#options.print(
      `${index + 1}. ${what} (${holdMs} ms): well again after ${(recoveryMs / 1_000).toFixed(1)} s; ${right} right answers, ${failed} failures`,
    );
  }

  /** Daemons that nobody has ended since they were ready. */
  #ended(): readonly string[] {
    const away = this.#cluster.daemons.filter(({ isRunning }) => !isRunning);
    return away.map((daemon) => `${daemon.name} has ended by itself:\n${daemon.logEnd()}`);
  }

  /** Of all questions that users have asked. */
  #counts() {
    const sum = (count: (load: QueryLoad) => number) =>
      this.#asking.reduce((total, load) => total + count(load), 0);
    return { right: sum(({ right }) => right), failed: sum(({ failures }) => failures.total) };
  }

  /** Everything is built anew and asked, all is as it should be, and nothing is lost. */
  async #atTheEnd(): Promise<readonly string[]> {
    if (this.#allWrong().length > 0) return this.#writes.lostOnTheWay;
    await this.#setClocksRight();
    const deadline = AbortSignal.timeout(restBoundMs);
    await this.#builds.refreshAll(deadline);
    for (let i = 0; i < finalQuestions; i++) {
      this.#wrong.push(...(await this.#recovery.untilServed(deadline)));
    }
    const { clients } = this.#users;
    const parts = { cluster: this.#cluster, clients, builds: this.#builds, clock: systemClock };
    this.#wrong.push(...(await problemsAtRest({ ...parts, project: world }, deadline)));
    const lost = await Promise.all(hostsOf.metadata.map((_, n) => this.#writes.lost(n)));
    return [...this.#writes.lostOnTheWay, ...lost.flat()];
  }

  /** As an operator does whom `tessera status` tells of CLOCK_OFF. */
  async #setClocksRight(): Promise<void> {
    const faults = this.#windows.flatMap((window) => window.faults);
    const skewed = faults.flatMap((fault) => (fault.kind === 'skew-clock' ? [fault.daemon] : []));
    for (const name of new Set(skewed)) {
      const daemon = this.#cluster.named(name);
      await daemon.end('SIGTERM');
      await daemon.start();
    }
  }

  #allWrong(): readonly string[] {
    const [all, part] = this.#asking as [QueryLoad, QueryLoad];
    return [...all.wrong, ...part.wrong.map((each) => `restricted: ${each}`), ...this.#wrong];
  }

  #summary(): string {
    const [all, part] = this.#asking as [QueryLoad, QueryLoad];
    const recoveries = this.#windows.map(({ recoveryMs }) => recoveryMs).sort((a, b) => a - b);
    const seconds = (at: number) => ((recoveries.at(at) ?? 0) / 1_000).toFixed(1);
    const { published, acknowledged: operations, failures } = this.#builds;
    const writes = Object.entries(this.#writes.acknowledged);
    return [
      `${this.#tally}`,
      `share from cuboids: ${this.#tally.cuboidShare.toFixed(2)}`,
      `questions that failed: ${all.failures}; of the restricted user: ${part.failures}`,
      `${operations.length} operations, ${published} segments published; failed: ${failures}`,
      `acknowledged writes: ${writes.map(([what, count]) => `${count} ${what}`).join(', ')}; failed: ${this.#writes.failures}`,
      `well again: median ${seconds(Math.floor(recoveries.length / 2))} s, worst ${seconds(-1)} s`,
    ].join('\n');
  }
}
