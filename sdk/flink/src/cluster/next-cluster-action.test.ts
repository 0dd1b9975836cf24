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

/** A cluster that is placed where hosts can be used, and run by a reconciler that may stop at any point. */
class World {
  readonly fake: FakeHosts;
  journal: ClusterJournal = emptyClusterJournal;
  placed: readonly PlacedProcess[] = [];
  count = 2;
  version = 1;
  jobManagerVersion = 1;
  isWanted = true;
  /** Hosts that are to be emptied. */
  readonly draining = new Set<string>();
  /** Whether silent hosts are given up before they are lost. */
  isImpatient = false;

  constructor(fake: FakeHosts) {
    this.fake = fake;
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
    return {
      processes: this.placed.map(({ role, number, host }) => ({
        id: `c-${role}-${number}`,
        role,
        host,
        fingerprint: String(role === 'jobmanager' ? this.jobManagerVersion : this.version),
      })),
    };
  }

  pass(crash: 'before writing' | 'before acting' | 'never', between = () => {}): boolean {
    const wanted = this.wanted();
    const observed = this.fake.observe();
    const decision = nextClusterAction(wanted, observed, this.journal);
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
    if (next() < 0.04) world.version++;
    if (next() < 0.03) world.jobManagerVersion++;
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
}

const schedules = process.env['TESSERA_LONG'] === '1' ? 10_000 : 150;

test(`a cluster has one JobManager at most, and comes to rest as wanted: ${schedules} schedules`, () => {
  for (let seed = 1; seed <= schedules; seed++) simulate(seed);
}, 600_000);
