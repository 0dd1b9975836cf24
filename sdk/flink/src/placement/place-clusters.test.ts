import { seededRandom } from '@tessera/base';
import { describe, expect, test } from 'vitest';
import { placementCost } from './attempt.ts';
import {
  clusterOf,
  faultsOf,
  gib,
  hostOf,
  randomClusters,
  randomHosts,
  smallTaskManager,
} from './fixture.ts';
import { placeClusters } from './place-clusters.ts';
import type { FlinkHost, PlacedProcess, PlacementOutcome } from './placement.ts';

const countsBy = (processes: readonly PlacedProcess[], key: (process: PlacedProcess) => string) =>
  Object.fromEntries(
    [...Map.groupBy(processes, key)].sort().map(([name, own]) => [name, own.length]),
  );
const byHost = ({ processes }: PlacementOutcome) => countsBy(processes, ({ host }) => host);
const reasons = ({ conditions }: PlacementOutcome) => conditions.map(({ reason }) => reason);
const racked = (...racks: readonly string[]): FlinkHost[] =>
  racks.map((rack, i) => hostOf(`h${i}`, { rack }));

describe('placing a cluster', () => {
  test('uses the fewest hosts', () => {
    const hosts = [hostOf('a'), hostOf('b', { cpuMillis: 16_000, memoryBytes: 64 * gib })];
    const outcome = placeClusters({ clusters: [clusterOf('c', 7)], hosts });
    expect(byHost(outcome)).toEqual({ b: 7 });
    expect(outcome.conditions).toEqual([]);
  });

  test('leaves the larger host whole when a smaller one does', () => {
    const hosts = [hostOf('a', { cpuMillis: 64_000, memoryBytes: 256 * gib }), hostOf('b')];
    expect(byHost(placeClusters({ clusters: [clusterOf('c', 3)], hosts }))).toEqual({ b: 3 });
  });

  test('spreads over racks before it saves hosts', () => {
    const outcome = placeClusters({
      clusters: [clusterOf('c', 4)],
      hosts: racked('r1', 'r1', 'r2', 'r2'),
    });
    expect(Object.values(byHost(outcome))).toEqual([2, 2]);
    expect(reasons(outcome)).toEqual([]);
  });

  test('says when a rack holds more than an even share', () => {
    const outcome = placeClusters({
      clusters: [clusterOf('c', 8)],
      hosts: racked('r1', 'r1', 'r2'),
    });
    expect(reasons(outcome)).toEqual([]);
    const more = placeClusters({ clusters: [clusterOf('c', 10)], hosts: racked('r1', 'r1', 'r2') });
    expect(reasons(more)).toEqual(['RACKS_UNEVEN']);
    expect(more.conditions[0]!.metadata).toEqual({ most: '6', evenShare: '5' });
  });

  test('gives each process ports and a disk of its own', () => {
    const disks = ['/d1', '/d2'].map((mountPoint) => ({ mountPoint, bytes: 15 * gib }));
    const { processes } = placeClusters({
      clusters: [clusterOf('c', 2)],
      hosts: [hostOf('a', { disks })],
    });
    expect(processes.map(({ number, ports, disk }) => ({ number, ports, disk }))).toEqual([
      { number: 1, ports: [20_000, 20_001, 20_002], disk: '/d1' },
      { number: 2, ports: [20_003, 20_004, 20_005], disk: '/d2' },
    ]);
  });

  test.each([
    ['labels', { selector: { labels: { kind: 'ssd' } } }],
    ['racks', { selector: { racks: ['r2'] } }],
    ['hosts', { selector: { hosts: ['b'] } }],
    ['what makes hosts ineligible', { ineligible: new Map([['a', 'CHECKPOINTS_UNSEEN']]) }],
    ['clusters to be apart from', { apartFrom: ['other'] }],
    ['a cluster to be beside', { besides: 'beacon' }],
  ])('heeds %s', (_, rest) => {
    const hosts = [
      hostOf('a', { rack: 'r1', labels: { kind: 'hdd' } }),
      hostOf('b', { rack: 'r2', labels: { kind: 'ssd' } }),
    ];
    const there = [
      clusterOf('other', 1, { selector: { hosts: ['a'] } }),
      clusterOf('beacon', 1, { selector: { hosts: ['b'] } }),
    ];
    const clusters = [...there, clusterOf('c', 2, { priority: -1, ...rest })];
    const { processes } = placeClusters({ clusters, hosts });
    const own = processes.filter(({ cluster }) => cluster === 'c');
    expect(countsBy(own, ({ host }) => host)).toEqual({ b: 2 });
  });

  test('puts no more on a host than it may', () => {
    const groups = [
      { role: 'taskmanager' as const, count: 3, size: smallTaskManager, maxPerHost: 1 },
    ];
    const hosts = ['a', 'b', 'c', 'd'].map((id) => hostOf(id));
    const outcome = placeClusters({ clusters: [clusterOf('c', 3, { groups })], hosts });
    expect(Object.values(byHost(outcome))).toEqual([1, 1, 1]);
  });
});

describe('a cluster that finds no room', () => {
  test('is placed whole or not at all, and says what would help', () => {
    const outcome = placeClusters({
      clusters: [clusterOf('c', 9)],
      hosts: [hostOf('a'), hostOf('b')],
    });
    expect(outcome.processes).toEqual([]);
    expect(outcome.conditions).toHaveLength(1);
    expect(outcome.conditions[0]).toMatchObject({
      reason: 'CAPACITY_SHORT',
      metadata: { lacking: '1', hosts: '2', moreHosts: '1', cpu: '2', memory: '2' },
    });
  });

  test('leaves its room to those that fit', () => {
    const clusters = [clusterOf('large', 9, { priority: 1 }), clusterOf('small', 8)];
    const outcome = placeClusters({ clusters, hosts: [hostOf('a'), hostOf('b')] });
    expect(countsBy(outcome.processes, ({ cluster }) => cluster)).toEqual({ small: 8 });
  });

  test('gets as many as fit when it runs already', () => {
    const hosts = [hostOf('a'), hostOf('b')];
    const current = placeClusters({ clusters: [clusterOf('c', 2)], hosts }).processes;
    const outcome = placeClusters({ clusters: [clusterOf('c', 9)], hosts, current });
    expect(outcome.processes).toHaveLength(8);
    expect(outcome.processes).toEqual(expect.arrayContaining([...current]));
    expect(reasons(outcome)).toEqual(['CAPACITY_SHORT']);
  });

  test.each([
    ['no host is known', [], 'HOST_NONE_ELIGIBLE', { hosts: '0' }],
    [
      'all are being emptied',
      [hostOf('a', { unfit: 'DRAINING' })],
      'HOST_NONE_ELIGIBLE',
      { DRAINING: '1' },
    ],
    [
      'none could hold one',
      [hostOf('a', { memoryBytes: 4 * gib })],
      'PROCESS_TOO_LARGE',
      { memory: '1' },
    ],
    ['no disk is large enough', [hostOf('a', { disks: [] })], 'PROCESS_TOO_LARGE', { disk: '1' }],
    [
      'there are no ports',
      [hostOf('a', { ports: { first: 1, last: 2 } })],
      'PROCESS_TOO_LARGE',
      { ports: '1' },
    ],
  ] as const)('says so when %s', (_, hosts, reason, metadata) => {
    const outcome = placeClusters({ clusters: [clusterOf('c', 1)], hosts });
    expect(outcome.conditions).toMatchObject([{ reason, metadata }]);
  });

  test('is told when more of its quota is in use than there is, and stays', () => {
    const [small, hosts] = [clusterOf('c', 2, { quota: 'team' }), [hostOf('a')]];
    const current = placeClusters({ clusters: [small], hosts }).processes;
    const waiting = clusterOf('d', 1, { quota: 'team' });
    const withQuota = (slots: number, cluster = small) => {
      const quotas = new Map([['team', { slots, memoryBytes: 100 * gib }]]);
      return placeClusters({ clusters: [cluster, waiting], hosts, quotas, current });
    };
    const told = (outcome: PlacementOutcome) =>
      outcome.conditions.map(({ cluster, reason }) => `${cluster} ${reason}`);
    expect(told(withQuota(4))).toEqual(['d QUOTA_EXCEEDED']);
    const lowered = withQuota(3);
    expect(lowered.processes).toEqual(current);
    expect(told(lowered)).toEqual(['c QUOTA_OVERDRAWN', 'd QUOTA_EXCEEDED']);
    expect(lowered.conditions[0]!.metadata).toEqual({ quota: 'team', resources: 'slots' });
    const size = { ...smallTaskManager, slots: 3 };
    const grown = clusterOf('c', 2, {
      quota: 'team',
      groups: [{ role: 'taskmanager', count: 2, size }],
    });
    expect(told(withQuota(5, grown))).toEqual(['c QUOTA_OVERDRAWN', 'd QUOTA_EXCEEDED']);
  });

  test('is told when its quota is used up', () => {
    const clusters = ['c', 'd'].map((id) => clusterOf(id, 2, { quota: 'team' }));
    const quotas = new Map([['team', { slots: 6 }]]);
    const outcome = placeClusters({ clusters, hosts: [hostOf('a')], quotas });
    expect(countsBy(outcome.processes, ({ cluster }) => cluster)).toEqual({ c: 2 });
    expect(outcome.conditions).toMatchObject([
      { cluster: 'd', reason: 'QUOTA_EXCEEDED', metadata: { quota: 'team', allowed: '1' } },
    ]);
  });
});

describe('clusters of different priority', () => {
  const withHeadroom = (count: number, headroom: number, priority: number) =>
    clusterOf('first', count, {
      priority,
      groups: [{ role: 'taskmanager', count, size: smallTaskManager, headroom }],
    });

  test('the headroom of a higher one is not given to a lower one', () => {
    const outcome = placeClusters({
      clusters: [withHeadroom(1, 2, 1), clusterOf('second', 2)],
      hosts: [hostOf('a')],
    });
    expect(countsBy(outcome.processes, ({ cluster }) => cluster)).toEqual({ first: 1 });
    expect(outcome.reservations).toMatchObject([{ cluster: 'first', host: 'a', count: 2 }]);
  });

  test('the headroom of a lower one gives way', () => {
    const outcome = placeClusters({
      clusters: [withHeadroom(1, 2, -1), clusterOf('second', 2)],
      hosts: [hostOf('a')],
    });
    expect(countsBy(outcome.processes, ({ cluster }) => cluster)).toEqual({ first: 1, second: 2 });
    expect(outcome.conditions).toMatchObject([
      { reason: 'HEADROOM_SHORT', metadata: { reserved: '1', headroom: '2' } },
    ]);
  });

  test('a cluster that grows finds the room that was kept for it', () => {
    const hosts = [hostOf('a')];
    const before = placeClusters({ clusters: [withHeadroom(1, 2, 1)], hosts });
    const clusters = [withHeadroom(3, 0, 1), clusterOf('second', 2)];
    const after = placeClusters({ clusters, hosts, current: before.processes });
    expect(countsBy(after.processes, ({ cluster }) => cluster)).toEqual({ first: 3 });
  });

  test('what runs is not moved for one of higher priority', () => {
    const hosts = [hostOf('a')];
    const low = clusterOf('low', 4);
    const current = placeClusters({ clusters: [low], hosts }).processes;
    const clusters = [low, clusterOf('high', 1, { priority: 9 })];
    expect(placeClusters({ clusters, hosts, current }).processes).toEqual(current);
  });
});

describe('placing again', () => {
  const hosts = racked('r1', 'r1', 'r2', 'r2');
  const clusters = [clusterOf('c', 6)];
  const current = placeClusters({ clusters, hosts }).processes;

  test('after a host is lost moves only what was on it, under numbers that are new', () => {
    const lost = current[0]!.host;
    const rest = hosts.filter(({ id }) => id !== lost);
    const { processes } = placeClusters({ clusters, hosts: rest, current });
    const stayed = current.filter(({ host }) => host !== lost);
    expect(processes).toEqual(expect.arrayContaining(stayed));
    const moved = processes.filter((process) => !stayed.includes(process));
    expect(processes).toHaveLength(6);
    const before = current.map(({ number }) => number);
    expect(processes.filter(({ number }) => !before.includes(number))).toHaveLength(
      6 - stayed.length,
    );
    expect(moved.every(({ host }) => host !== lost)).toBe(true);
  });

  test('empties a host that is drained, or says that there is no room', () => {
    const drained = current[0]!.host;
    const draining = hosts.map((host) =>
      host.id === drained ? { ...host, unfit: 'DRAINING' } : host,
    );
    const outcome = placeClusters({ clusters, hosts: draining, current });
    expect(byHost(outcome)[drained]).toBeUndefined();
    const all = hosts.map((host) => ({ ...host, unfit: 'DRAINING' }));
    const blocked = placeClusters({ clusters, hosts: all, current });
    expect(blocked.processes).toEqual(current);
    expect(reasons(blocked)).toEqual(['DRAIN_BLOCKED']);
  });

  test('gives a lost JobManager the room of a TaskManager, since nothing works without it', () => {
    const size = { cpuMillis: 500, memoryBytes: gib, diskBytes: 0, ports: 3, slots: 0 };
    const whole = clusterOf('c', 4, {
      groups: [
        { role: 'jobmanager', count: 1, size },
        { role: 'taskmanager', count: 4, size: smallTaskManager },
      ],
    });
    const two = [hostOf('a'), hostOf('b')];
    const before = placeClusters({ clusters: [whole], hosts: two }).processes;
    const workers = before.filter(({ role }) => role === 'taskmanager');
    const moved = workers.map((process) => ({ ...process, host: 'a' }));
    const { processes, conditions } = placeClusters({
      clusters: [whole],
      hosts: [hostOf('a')],
      current: [...moved, { ...before.find(({ role }) => role === 'jobmanager')!, host: 'b' }],
    });
    expect(countsBy(processes, ({ role }) => role)).toEqual({ jobmanager: 1, taskmanager: 3 });
    expect(conditions).toMatchObject([{ role: 'taskmanager', reason: 'CAPACITY_SHORT' }]);
  });

  test('takes from the fullest rack when fewer are wanted', () => {
    const { processes } = placeClusters({ clusters: [clusterOf('c', 2)], hosts, current });
    const rackOf = (id: string) => hosts.find((host) => host.id === id)!.rack!;
    expect(countsBy(processes, ({ host }) => rackOf(host))).toEqual({ r1: 1, r2: 1 });
    expect(current).toEqual(expect.arrayContaining([...processes]));
  });

  test('moves a process only when its new size does not fit where it is', () => {
    const larger = { ...smallTaskManager, memoryBytes: 16 * gib };
    const grown = clusterOf('c', 6, {
      groups: [{ role: 'taskmanager', count: 6, size: larger }],
    });
    const { processes } = placeClusters({ clusters: [grown], hosts, current });
    expect(processes).toHaveLength(6);
    const where = (all: readonly PlacedProcess[]) =>
      all.map(({ host, number }) => `${host} ${number}`);
    const stayed = where(processes).filter((place) => where(current).includes(place));
    // Two fit on each of the two hosts that were in use.
    expect(stayed).toHaveLength(4);
  });
});

const seeds = Array.from({ length: 150 }, (_, i) => i + 1);

describe('placement of anything', () => {
  test('breaks no rule, keeps what may stay, and moves nothing when placed again', () => {
    for (const seed of seeds) {
      const random = seededRandom(seed);
      const hosts = randomHosts(random, random.integer(0, 12));
      const clusters = randomClusters(random, random.integer(1, 5));
      const quotas = new Map([['team', { slots: random.integer(5, 40) }]]);
      const input = { clusters, hosts, quotas };
      const first = placeClusters(input);
      expect(faultsOf(input, first.processes), `seed ${seed}`).toEqual([]);
      for (const { id, groups } of clusters) {
        const own = first.processes.filter(({ cluster }) => cluster === id).length;
        const all = groups.reduce((sum, { count }) => sum + count, 0);
        expect([0, all], `seed ${seed}: ${id} whole or not at all`).toContain(own);
        const isTold = first.conditions.some(({ cluster }) => cluster === id);
        if (own === 0) expect(isTold, `seed ${seed}: ${id} is told why`).toBe(true);
      }
      const again = placeClusters({ ...input, current: first.processes });
      expect(again.processes, `seed ${seed}: nothing moves`).toEqual(
        expect.arrayContaining([...first.processes]),
      );
      const mixed = { ...input, clusters: clusters.toReversed(), hosts: hosts.toReversed() };
      if (seed % 5 === 0) expect(placeClusters(mixed), `seed ${seed}: any order`).toEqual(first);

      const left = hosts.filter(() => random.next() < 0.8);
      const after = placeClusters({ ...input, hosts: left, current: first.processes });
      expect(faultsOf({ ...input, hosts: left }, after.processes), `seed ${seed}`).toEqual([]);
      const isLeft = ({ host }: PlacedProcess) => left.some(({ id }) => id === host);
      // TaskManagers may have to make room for a JobManager that was lost.
      const headless = new Set(
        first.processes
          .filter((process) => process.role === 'jobmanager' && !isLeft(process))
          .map(({ cluster }) => cluster),
      );
      const stays = first.processes.filter(
        (process) => isLeft(process) && !headless.has(process.cluster),
      );
      expect(after.processes, `seed ${seed}: stays`).toEqual(expect.arrayContaining(stays));
    }
  });

  test('has the headroom that it says is kept: a cluster grows into it, and nothing moves', () => {
    let grown = 0;
    for (const seed of seeds) {
      const random = seededRandom(seed);
      const hosts = randomHosts(random, random.integer(1, 12));
      const clusters = randomClusters(random, random.integer(1, 5));
      const { processes: current } = placeClusters({ clusters, hosts });
      const first = placeClusters({ clusters, hosts, current });
      for (const cluster of clusters) {
        const kept = first.reservations
          .filter(({ cluster: id }) => id === cluster.id)
          .reduce((sum, { count }) => sum + count, 0);
        if (kept === 0) continue;
        grown++;
        const groups = cluster.groups.map(({ headroom = 0, ...group }) =>
          headroom === 0 ? group : { ...group, count: group.count + kept },
        );
        const changed = clusters.map((one) => (one === cluster ? { ...one, groups } : one));
        const after = placeClusters({ clusters: changed, hosts, current: first.processes });
        const say = `seed ${seed}: ${cluster.id} by ${kept}`;
        expect(after.processes, say).toEqual(expect.arrayContaining([...first.processes]));
        const own = after.processes.filter(({ cluster: id }) => id === cluster.id).length;
        expect(own, say).toBe(groups.reduce((sum, { count }) => sum + count, 0));
      }
    }
    expect(grown).toBeGreaterThan(50);
  });

  test('costs as much as its hosts and what is beyond even shares', () => {
    const hosts = racked('r1', 'r1', 'r2');
    const clusters = [clusterOf('c', 10)];
    const { processes } = placeClusters({ clusters, hosts });
    expect(placementCost({ clusters, hosts }, processes)).toBe(4);
  });
});
