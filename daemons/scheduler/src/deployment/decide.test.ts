import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type DaemonWanted,
  type DeploymentWanted,
  decide,
  type HostSelector,
  type ObservedHost,
  type ObservedProcess,
  select,
} from './decide.ts';

const everywhere: HostSelector = { labels: {}, racks: [], hosts: [], limit: 0 };
const daemonOf = (fingerprint: string, rest: Partial<DaemonWanted> = {}): DaemonWanted => ({
  processId: 'c.storage',
  hosts: everywhere,
  fingerprint,
  maxUnavailable: 1,
  ...rest,
});
const hostOf = (
  name: string,
  state?: ObservedProcess['state'],
  fingerprint = 'new',
): ObservedHost => ({
  name,
  labels: {},
  rack: '',
  processes: state === undefined ? [] : [{ id: 'c.storage', state, fingerprint }],
});
const wanted = (...daemons: DaemonWanted[]): DeploymentWanted => ({ daemons, isPaused: false });
const next = (...hosts: ObservedHost[]) => decide(wanted(daemonOf('new')), hosts);

describe('the next step', () => {
  test('starts what is missing, or has ended', () => {
    expect(next(hostOf('a', 'RUNNING'), hostOf('b'))).toMatchObject({ kind: 'start', host: 'b' });
    expect(next(hostOf('a', 'STOPPED'))).toMatchObject({ kind: 'start', host: 'a' });
  });

  test('replaces one after the other, and none while one is down', () => {
    const old = (name: string) => hostOf(name, 'RUNNING', 'old');
    expect(next(old('b'), old('a'))).toEqual({ kind: 'stop', host: 'a', processId: 'c.storage' });
    for (const down of ['STARTING', 'STOPPING', 'BACKOFF'] as const) {
      expect(next(hostOf('a', down), old('b'))).toBeUndefined();
    }
    const gone = { name: 'a', labels: {}, rack: '' };
    expect(next(gone, old('b'))).toBeUndefined();
  });

  test('first replaces an old one that does not run', () => {
    const hosts = [hostOf('a', 'RUNNING', 'old'), hostOf('b', 'BACKOFF', 'old')];
    expect(next(...hosts)).toMatchObject({ kind: 'stop', host: 'b' });
  });

  test('ends and forgets what is not wanted any more', () => {
    const nothing = wanted();
    expect(decide(nothing, [hostOf('a', 'RUNNING')])).toMatchObject({ kind: 'stop' });
    expect(decide(nothing, [hostOf('a', 'STOPPING')])).toBeUndefined();
    expect(decide(nothing, [hostOf('a', 'STOPPED')])).toMatchObject({ kind: 'delete' });
  });

  test('is nothing while the deployment is paused', () => {
    expect(decide({ ...wanted(daemonOf('new')), isPaused: true }, [hostOf('a')])).toBeUndefined();
  });
});

test('a selector takes hosts that fit all that it says, the first by name', () => {
  const host = (name: string, rack: string, disk: string) => ({ name, rack, labels: { disk } });
  const hosts = [host('c', 'r1', 'nvme'), host('a', 'r2', 'nvme'), host('b', 'r1', 'hdd')];
  const names = (selector: Partial<HostSelector>) =>
    select({ ...everywhere, ...selector }, hosts).map(({ name }) => name);
  expect(names({})).toEqual(['a', 'b', 'c']);
  expect(names({ racks: ['r1'] })).toEqual(['b', 'c']);
  expect(names({ labels: { disk: 'nvme' }, racks: ['r1'] })).toEqual(['c']);
  expect(names({ hosts: ['b', 'x'] })).toEqual(['b']);
  expect(names({ limit: 2 })).toEqual(['a', 'b']);
});

/** Hosts that do what they are told, a little later. */
class World {
  readonly processes = new Map<string, ObservedProcess>();
  readonly hosts: readonly string[];

  constructor(hosts: readonly string[]) {
    this.hosts = hosts;
  }

  observe(unseen: ReadonlySet<string> = new Set()): ObservedHost[] {
    return this.hosts.map((name) => {
      const own = [...this.processes].filter(([key]) => key.startsWith(`${name}/`));
      const processes = own.map(([, process]) => process);
      const host = { name, labels: {}, rack: name < 'c' ? 'r1' : 'r2' };
      return unseen.has(name) ? host : { ...host, processes };
    });
  }

  /** False when there is nothing to do. */
  step(deployment: DeploymentWanted, unseen?: ReadonlySet<string>): boolean {
    const action = decide(deployment, this.observe(unseen));
    if (action === undefined) return false;
    expect(unseen?.has(action.host) ?? false).toBe(false);
    if (action.kind === 'start') {
      const { processId: id, fingerprint } = action.daemon;
      const key = `${action.host}/${id}`;
      const before = this.processes.get(key)?.state ?? 'STOPPED';
      expect(['STOPPED', 'EXITED']).toContain(before);
      this.processes.set(key, { id, state: 'STARTING', fingerprint });
      return true;
    }
    const key = `${action.host}/${action.processId}`;
    if (action.kind === 'delete') this.processes.delete(key);
    else this.processes.set(key, { ...this.processes.get(key)!, state: 'STOPPING' });
    return true;
  }

  /** What was begun is done. False when nothing was. */
  settle(key: string): boolean {
    const process = this.processes.get(key);
    if (process?.state !== 'STARTING' && process?.state !== 'STOPPING') return false;
    const state = process.state === 'STARTING' ? 'RUNNING' : 'STOPPED';
    this.processes.set(key, { ...process, state });
    return true;
  }

  down(id: string): number {
    const up = (host: string) => this.processes.get(`${host}/${id}`)?.state === 'RUNNING';
    return this.hosts.filter((host) => !up(host)).length;
  }

  /** Steps and settles until nothing changes. */
  converge(deployment: DeploymentWanted): void {
    for (let i = 0; i < 200; i++) {
      if (this.step(deployment)) continue;
      const settled = [...this.processes.keys()].filter((key) => this.settle(key));
      if (settled.length === 0) return;
    }
    throw new Error('does not converge');
  }
}

const states = ['STARTING', 'RUNNING', 'BACKOFF', 'STOPPING', 'STOPPED', 'EXITED'] as const;
const names = ['a', 'b', 'c', 'd', 'e'];
const ids = ['c.storage', 'c.query', 'c.old'];
const selectors = fc.record({
  labels: fc.constant({}),
  racks: fc.subarray(['r1', 'r2', 'r3']),
  hosts: fc.subarray(names),
  limit: fc.nat(3),
});
const daemons = fc.subarray(ids).chain((some) =>
  fc.tuple(
    ...some.map((processId) =>
      fc.record({
        processId: fc.constant(processId),
        hosts: selectors,
        fingerprint: fc.constantFrom('1', '2'),
        maxUnavailable: fc.integer({ min: 1, max: 3 }),
      }),
    ),
  ),
);
const processes = fc.array(
  fc.record({
    host: fc.constantFrom(...names),
    id: fc.constantFrom(...ids),
    state: fc.constantFrom(...states),
    fingerprint: fc.constantFrom('1', '2', '3'),
  }),
);

test('from whatever state, exactly what is wanted runs in the end, and then nothing is done', () => {
  fc.assert(
    fc.property(daemons, processes, (some, present) => {
      const world = new World(names);
      for (const { host, ...process } of present)
        world.processes.set(`${host}/${process.id}`, process);
      // A new version that does not come up stops the change; here all versions do.
      for (const [key, process] of world.processes)
        if (process.state === 'BACKOFF') world.processes.set(key, { ...process, state: 'RUNNING' });
      const deployment = wanted(...some);
      world.converge(deployment);
      expect(decide(deployment, world.observe())).toBeUndefined();
      const expected = some.flatMap(({ processId, hosts, fingerprint }) =>
        select(hosts, world.observe()).map(({ name }) => `${name}/${processId} ${fingerprint}`),
      );
      const found = [...world.processes].map(([key, one]) => `${key} ${one.fingerprint}`);
      expect(found.sort()).toEqual(expected.sort());
      expect([...world.processes.values()].every(({ state }) => state === 'RUNNING')).toBe(true);
    }),
    { numRuns: 1_000 },
  );
});

test('while all are changed, never more are down than may be, whatever is slow or unseen', () => {
  const events = fc.array(
    fc.record({ settles: fc.subarray(names), unseen: fc.subarray(names, { maxLength: 2 }) }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(events, fc.integer({ min: 1, max: 3 }), (turns, maxUnavailable) => {
      const world = new World(names);
      const [id, fingerprint] = ['c.storage', 'old'];
      for (const host of names)
        world.processes.set(`${host}/${id}`, { id, state: 'RUNNING', fingerprint });
      const deployment = wanted(daemonOf('new', { maxUnavailable }));
      for (const { settles, unseen } of turns) {
        world.step(deployment, new Set(unseen));
        expect(world.down(id)).toBeLessThanOrEqual(maxUnavailable);
        for (const host of settles) world.settle(`${host}/${id}`);
      }
      world.converge(deployment);
      expect(world.down(id)).toBe(0);
    }),
    { numRuns: 1_000 },
  );
});
