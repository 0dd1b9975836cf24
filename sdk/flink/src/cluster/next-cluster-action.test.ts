import { seededRandom } from '@tessera/base';
import { expect, test } from 'vitest';
import { clusterOf, hostOf } from '../placement/fixture.ts';
import { placeClusters } from '../placement/place-clusters.ts';
import type { PlacedProcess } from '../placement/placement.ts';
import {
  type ClusterJournal,
  emptyClusterJournal,
  type WantedCluster,
} from './cluster-decision.ts';
import { FakeHosts } from './fake-hosts.ts';
import { nextClusterAction } from './next-cluster-action.ts';
import { journalFor, versionToRun } from './trial.ts';

interface Fingerprints {
  readonly jobmanager: string;
  readonly others: string;
}

/** A cluster that is placed where hosts can be used, and run by a reconciler that may stop at any point. */
class World {
  readonly fake: FakeHosts;
  journal: ClusterJournal = emptyClusterJournal;
  placed: readonly PlacedProcess[] = [];
  count = 2;
  /** Of all processes of a role; the last is the newest version. */
  readonly versions: Fingerprints[] = [{ jobmanager: 'jobmanager 1', others: 'others 1' }];
  isWanted = true;
  /** Hosts that are to be emptied. */
  readonly draining = new Set<string>();
  /** Whether silent hosts are given up before they are lost. */
  isImpatient = false;

  constructor(fake: FakeHosts) {
    this.fake = fake;
  }

  get newest(): bigint {
    return BigInt(this.versions.length);
  }

  /** Whether what the newest version says of a role cannot be run. */
  get isBad(): boolean {
    return Object.values(this.versions.at(-1)!).some((one) => this.fake.bad.has(one));
  }

  /** A newer version, in which what was bad is put right. */
  change(role: keyof Fingerprints, isBad: boolean): void {
    const last = this.versions.at(-1)!;
    const next = (each: keyof Fingerprints) => {
      const isKept = each !== role && !this.fake.bad.has(last[each]);
      return isKept ? last[each] : `${each} ${this.newest + 1n}`;
    };
    const fingerprints = { jobmanager: next('jobmanager'), others: next('others') };
    if (isBad) this.fake.bad.add(fingerprints[role]);
    this.versions.push(fingerprints);
  }

  wanted(): WantedCluster {
    const [{ groups }] = [clusterOf('c', this.count)];
    const size = { cpuMillis: 500, memoryBytes: 1, diskBytes: 0, ports: 3, slots: 0 };
    const cluster = clusterOf('c', this.count, {
      groups: [{ role: 'jobmanager', count: 1, size }, ...groups],
    });
    const hosts = this.fake.hosts
      .filter(({ state }) => state === 'seen' || (state === 'silent' && !this.isImpatient))
      .map(({ id }) => hostOf(id, this.draining.has(id) ? { unfit: 'DRAINING' } : {}));
    this.placed = placeClusters({
      clusters: this.isWanted ? [cluster] : [],
      hosts,
      current: this.placed,
      retired: this.journal.started.map(({ id, role }) => ({
        cluster: 'c',
        role,
        number: Number(id.split('-').at(-1)),
      })),
    }).processes;
    const version = versionToRun(this.newest, this.journal);
    const { jobmanager, others } = this.versions[Number(version) - 1]!;
    const processes = this.placed.map(({ role, number, host }) => ({
      id: `c-${role}-${number}`,
      role,
      host,
      fingerprint: role === 'jobmanager' ? jobmanager : others,
    }));
    return this.isWanted ? { processes, version } : { processes };
  }

  pass(crash: 'before writing' | 'before acting' | 'never', between = () => {}): boolean {
    const wanted = this.wanted();
    const observed = this.fake.observe();
    const journal = journalFor(wanted.version, this.journal);
    const decision = nextClusterAction(wanted, observed, journal);
    const { rejected } = decision.journal;
    if (rejected !== undefined && (rejected.version !== this.newest || !this.isBad)) {
      this.fake.violations.push(`version ${rejected.version} is given up, which is good`);
    }
    const { step } = decision;
    if (step?.kind === 'stop' && step.processId.startsWith('c-jobmanager')) {
      const isInUse = observed.registered !== undefined && observed.activeJobs > 0;
      if (isInUse) this.fake.violations.push('a JobManager is taken from jobs that run');
    }
    this.fake.haltsJobs = decision.haltsJobs;
    if (crash === 'before writing') return true;
    this.journal = decision.journal;
    if (crash === 'before acting') return true;
    between();
    if (step !== undefined) this.fake.act(step, wanted.processes);
    return step !== undefined || decision.waitsFor !== undefined;
  }
}

function simulate(seed: number): void {
  const random = seededRandom(seed);
  const { next, integer, pick } = random;
  const world = new World(new FakeHosts(random, integer(2, 5)));
  for (let turn = 0; turn < 60; turn++) {
    if (next() < 0.05) world.count = integer(1, 6);
    if (next() < 0.04) world.change('others', next() < 0.3);
    if (next() < 0.03) world.change('jobmanager', next() < 0.3);
    if (next() < 0.02) world.isWanted = !world.isWanted;
    if (next() < 0.05) world.isImpatient = !world.isImpatient;
    if (next() < 0.04) {
      world.draining.clear();
      if (next() < 0.6) world.draining.add(pick(world.fake.hosts).id);
    }
    world.fake.happen();
    const crash = pick([
      'before writing',
      'before acting',
      'never',
      'never',
      'never',
      'never',
    ] as const);
    world.pass(crash, () => {
      if (next() < 0.2) world.fake.happen();
    });
  }
  // There has to be something to go back to.
  if (world.isBad && world.journal.good === undefined) world.change('jobmanager', false);
  let quiet = 0;
  for (let pass = 0; quiet < 3 && pass < 400; pass++) {
    world.fake.heal();
    quiet = world.pass('never') ? 0 : quiet + 1;
  }
  const say = `seed ${seed}`;
  expect(world.fake.violations, say).toEqual([]);
  expect(quiet, `${say} comes to rest`).toBe(3);
  const found = world.fake.hosts.flatMap(({ id, processes }) =>
    [...processes.values()].map(
      (process) => `${process.id} ${id} ${process.fingerprint} ${process.state}`,
    ),
  );
  const expected = world
    .wanted()
    .processes.map(({ id, host, fingerprint }) => `${id} ${host} ${fingerprint} RUNNING`);
  expect(found.sort(), say).toEqual(expected.sort());
  if (expected.length === 0) return; // It is to end, or no host may have it.
  const { good, rejected } = world.journal;
  if (world.isBad) expect(rejected, say).toMatchObject({ version: world.newest });
  else expect([good, rejected], say).toEqual([world.newest, undefined]);
  for (const { fingerprint } of world.wanted().processes) {
    expect(world.fake.bad.has(fingerprint), say).toBe(false);
  }
}

const schedules = process.env['TESSERA_LONG'] === '1' ? 10_000 : 150;

test(`a cluster has one JobManager at most, gives up no version but bad ones, and comes to rest as the last good one says: ${schedules} schedules`, () => {
  for (let seed = 1; seed <= schedules; seed++) simulate(seed);
}, 600_000);
