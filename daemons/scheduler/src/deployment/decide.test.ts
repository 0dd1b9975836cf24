import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type DaemonWanted,
  type DeploymentWanted,
  decide,
  isUp,
  type ObservedHost,
  type ObservedProcess,
} from './decide.ts';

const daemonOf = (rest: Partial<DaemonWanted> = {}): DaemonWanted => ({
  processId: 'c.storage',
  on: new Map(['a', 'b', 'c'].map((host) => [host, 'new'])),
  unready: new Set(),
  maxUnavailable: 1,
  ...rest,
});
const processOf = (rest: Partial<ObservedProcess>): ObservedProcess => ({
  id: 'c.storage',
  state: 'RUNNING',
  fingerprint: 'new',
  isServing: true,
  isOfThisVersion: true,
  hasChangedFiles: false,
  ...rest,
});
const hostOf = (name: string, ...processes: Partial<ObservedProcess>[]): ObservedHost => ({
  name,
  processes: processes.map(processOf),
});
const gone = (name: string): ObservedHost => ({ name });
const wanted = (...daemons: DaemonWanted[]): DeploymentWanted => ({ daemons, isPaused: false });
const next = (...hosts: ObservedHost[]) => decide(wanted(daemonOf()), hosts);
const old = { fingerprint: 'old', isOfThisVersion: false };

describe('the next step', () => {
  test('starts what is missing, or has ended', () => {
    expect(next(hostOf('a', {}), hostOf('b'))).toMatchObject({ kind: 'start', host: 'b' });
    expect(next(hostOf('a', { state: 'STOPPED' }))).toMatchObject({ kind: 'start', host: 'a' });
    expect(next(hostOf('d'))).toBeUndefined();
  });

  test('starts nothing, and stops nothing for it, where its artifacts are not', () => {
    const waiting = wanted(daemonOf({ unready: new Set(['a', 'c']) }));
    expect(decide(waiting, [hostOf('a'), hostOf('c', old)])).toBeUndefined();
    expect(decide(waiting, [hostOf('c', { ...old, state: 'BACKOFF' })])).toBeUndefined();
    expect(decide(waiting, [hostOf('a'), hostOf('b')])).toMatchObject({ kind: 'start', host: 'b' });
    const later = wanted(daemonOf({ unready: new Set(['a']) }), daemonOf({ processId: 'c.query' }));
    const query = { ...old, id: 'c.query' };
    expect(decide(later, [hostOf('a', old, query)])).toBeUndefined();
  });

  test('puts changed files right beside what runs as wanted, and nowhere else', () => {
    const changed = { hasChangedFiles: true };
    expect(next(hostOf('a', {}), hostOf('b', changed))).toMatchObject({
      kind: 'restore',
      host: 'b',
    });
    expect(next(hostOf('a', { ...changed, ...old }))).toMatchObject({ kind: 'stop' });
    expect(next(hostOf('a', { ...changed, state: 'STOPPING' }))).toBeUndefined();
    expect(
      decide({ ...wanted(daemonOf()), isPaused: true }, [hostOf('a', changed)]),
    ).toBeUndefined();
  });

  test('replaces one after the other', () => {
    const step = { kind: 'stop', host: 'a', processId: 'c.storage' };
    expect(next(hostOf('a', old), hostOf('b', old))).toEqual(step);
  });

  test.each([
    ['starts', hostOf('a', { state: 'STARTING' })],
    ['does not say that it serves', hostOf('a', { isServing: false })],
    ['does not stay up', hostOf('a', { state: 'BACKOFF' })],
    ['is stopping', hostOf('a', { ...old, state: 'STOPPING' })],
    ['is on a host that is gone', gone('a')],
  ])('takes none away while one %s', (_, down) => {
    expect(next(down, hostOf('b', old))).toBeUndefined();
  });

  test('takes none away once the wanted version has failed, however many may be down', () => {
    const three = wanted(daemonOf({ maxUnavailable: 3 }));
    const failed = hostOf('a', { state: 'BACKOFF' });
    expect(decide(three, [failed, hostOf('b', old)])).toBeUndefined();
    const starting = hostOf('a', { state: 'STARTING' });
    expect(decide(three, [starting, hostOf('b', old)])).toMatchObject({ kind: 'stop', host: 'b' });
  });

  test('first replaces an old one that does not run', () => {
    const broken = hostOf('b', { ...old, state: 'BACKOFF' });
    expect(next(hostOf('a', old), broken)).toMatchObject({ kind: 'stop', host: 'b' });
    const silent = hostOf('b', { ...old, isServing: false });
    expect(next(hostOf('a', old), silent)).toMatchObject({ kind: 'stop', host: 'b' });
  });

  test('changes no daemon before those in front of it run as wanted', () => {
    const both = wanted(daemonOf(), daemonOf({ processId: 'c.query' }));
    const oldQuery = { ...old, id: 'c.query' };
    const at = (storage: Partial<ObservedProcess>) =>
      decide(both, [hostOf('a', storage, oldQuery)]);
    expect(at({})).toMatchObject({ processId: 'c.query' });
    expect(at(old)).toMatchObject({ processId: 'c.storage' });
    expect(at({ isServing: false })).toBeUndefined();
  });

  test('changes the next daemon, when the one in front is down since an earlier version', () => {
    const both = wanted(daemonOf(), daemonOf({ processId: 'c.query' }));
    const waiting = { isServing: false, isOfThisVersion: false };
    const hosts = [hostOf('a', waiting, { ...old, id: 'c.query' })];
    expect(decide(both, hosts)).toMatchObject({ kind: 'stop', processId: 'c.query' });
  });

  test('ends and forgets what is not wanted any more', () => {
    const nothing = wanted();
    expect(decide(nothing, [hostOf('a', {})])).toMatchObject({ kind: 'stop' });
    expect(decide(nothing, [hostOf('a', { state: 'STOPPING' })])).toBeUndefined();
    expect(decide(nothing, [hostOf('a', { state: 'STOPPED' })])).toMatchObject({ kind: 'delete' });
  });

  test('ends a daemon where it was when it is up where it goes', () => {
    const moved = wanted(daemonOf({ on: new Map([['b', 'new']]) }));
    const at = (there: ObservedHost) => decide(moved, [hostOf('a', {}), there]);
    expect(at(hostOf('b'))).toMatchObject({ kind: 'start', host: 'b' });
    expect(at(hostOf('b', { isServing: false }))).toBeUndefined();
    expect(at(gone('b'))).toBeUndefined();
    expect(at(hostOf('b', {}))).toMatchObject({ kind: 'stop', host: 'a' });
  });

  test('is nothing while the deployment is paused', () => {
    expect(decide({ ...wanted(daemonOf()), isPaused: true }, [hostOf('a')])).toBeUndefined();
  });
});

type Turn = 'settles' | 'crashes' | 'is silent' | 'is lost' | 'is found';

/** Hosts that do what they are told, a little later, and of which each may do something by itself. */
class World {
  readonly processes = new Map<string, ObservedProcess>();
  readonly hosts: readonly string[];
  readonly #unseen = new Set<string>();
  /** Fingerprints of what never serves. */
  readonly #broken: ReadonlySet<string>;

  constructor(hosts: readonly string[], broken: readonly string[] = []) {
    this.hosts = hosts;
    this.#broken = new Set(broken);
  }

  observe(): ObservedHost[] {
    return this.hosts.map((name) => {
      if (this.#unseen.has(name)) return { name };
      const own = [...this.processes].filter(([key]) => key.startsWith(`${name}/`));
      return { name, processes: own.map(([, process]) => process) };
    });
  }

  /** False when there is nothing to do. */
  step(deployment: DeploymentWanted): boolean {
    const action = decide(deployment, this.observe());
    if (action === undefined) return false;
    const { kind, host, processId: id } = action;
    expect(this.#unseen.has(host)).toBe(false);
    const key = `${host}/${id}`;
    const before = this.processes.get(key);
    if (kind === 'start') {
      expect(['STOPPED', 'EXITED', undefined]).toContain(before?.state);
      const daemon = deployment.daemons.find(({ processId }) => processId === id)!;
      const fingerprint = daemon.on.get(host)!;
      this.processes.set(key, processOf({ id, state: 'STARTING', fingerprint }));
    } else if (kind === 'stop') {
      expect(before?.state).not.toBe('STOPPING');
      this.processes.set(key, { ...before!, state: 'STOPPING' });
    } else if (kind === 'restore') {
      this.processes.set(key, { ...before!, hasChangedFiles: false });
    } else {
      this.processes.delete(key);
    }
    return true;
  }

  /** What was begun is done. False when nothing was. */
  settle(key: string): boolean {
    const process = this.processes.get(key);
    if (process?.state === 'STOPPING') {
      this.processes.set(key, { ...process, state: 'STOPPED' });
    } else if (
      process?.state === 'STARTING' ||
      (process !== undefined && this.#mayRecover(process))
    ) {
      const isBroken = this.#broken.has(process.fingerprint);
      this.processes.set(key, {
        ...process,
        state: isBroken ? 'BACKOFF' : 'RUNNING',
        isServing: true,
      });
    } else {
      return false;
    }
    return true;
  }

  happen(host: string, turn: Turn): void {
    if (turn === 'is lost') this.#unseen.add(host);
    if (turn === 'is found') this.#unseen.delete(host);
    for (const [key, process] of this.processes) {
      if (!key.startsWith(`${host}/`)) continue;
      if (turn === 'settles') this.settle(key);
      if (process.state !== 'RUNNING') continue;
      if (turn === 'crashes') this.processes.set(key, { ...process, state: 'BACKOFF' });
      if (turn === 'is silent') this.processes.set(key, { ...process, isServing: false });
    }
  }

  down(id: string): number {
    return this.hosts.filter((host) => !isUp(this.processes.get(`${host}/${id}`))).length;
  }

  /** All hosts are seen; steps and settles until nothing changes. */
  converge(deployment: DeploymentWanted): void {
    this.#unseen.clear();
    for (let i = 0; i < 500; i++) {
      if (this.step(deployment)) continue;
      const settled = [...this.processes.keys()].filter((key) => this.settle(key));
      if (settled.length === 0) return;
    }
    throw new Error('does not converge');
  }

  #mayRecover({ state, isServing, fingerprint }: ObservedProcess): boolean {
    if (this.#broken.has(fingerprint)) return false;
    return state === 'BACKOFF' || (state === 'RUNNING' && !isServing);
  }
}

const states = ['STARTING', 'RUNNING', 'BACKOFF', 'STOPPING', 'STOPPED', 'EXITED'] as const;
const names = ['a', 'b', 'c', 'd', 'e'];
const ids = ['c.storage', 'c.query', 'c.old'];
const places = fc
  .subarray(names)
  .chain((hosts) => fc.tuple(...hosts.map((host) => fc.tuple(fc.constant(host), versions()))))
  .map((entries) => new Map(entries));
const daemons = fc.subarray(ids).chain((some) =>
  fc.tuple(
    ...some.map((processId) =>
      fc.record({
        processId: fc.constant(processId),
        on: places,
        unready: fc.constant(new Set<string>()),
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
    isServing: fc.boolean(),
    isOfThisVersion: fc.boolean(),
    hasChangedFiles: fc.boolean(),
  }),
);
const events = fc.array(
  fc.tuple(
    fc.constantFrom(...names),
    fc.constantFrom<Turn>('settles', 'settles', 'crashes', 'is silent', 'is lost', 'is found'),
  ),
  { maxLength: 120 },
);

function versions() {
  return fc.constantFrom('1', '2');
}

test('from whatever state, exactly what is wanted runs in the end, and then nothing is done', () => {
  fc.assert(
    fc.property(daemons, processes, (some, present) => {
      const world = new World(names);
      for (const { host, ...process } of present)
        world.processes.set(`${host}/${process.id}`, process);
      const deployment = wanted(...some);
      world.converge(deployment);
      expect(decide(deployment, world.observe())).toBeUndefined();
      const expected = some.flatMap(({ processId, on }) =>
        [...on].map(([host, fingerprint]) => `${host}/${processId} ${fingerprint}`),
      );
      const found = [...world.processes].map(([key, one]) => `${key} ${one.fingerprint}`);
      expect(found.sort()).toEqual(expected.sort());
      expect([...world.processes.values()].every(isUp)).toBe(true);
    }),
    { numRuns: 1_000 },
  );
});

const changed = (maxUnavailable: number) =>
  wanted(daemonOf({ on: new Map(names.map((host) => [host, 'new'])), maxUnavailable }));

function worldOf(fingerprint: string, broken: readonly string[] = []): World {
  const world = new World(names, broken);
  for (const host of names) world.processes.set(`${host}/c.storage`, processOf({ fingerprint }));
  return world;
}

test('a change never makes more be down than may be, whatever crashes, is silent, slow or unseen', () => {
  fc.assert(
    fc.property(events, fc.integer({ min: 1, max: 3 }), (turns, maxUnavailable) => {
      const world = worldOf('old');
      const deployment = changed(maxUnavailable);
      for (const [host, turn] of turns) {
        const before = world.down('c.storage');
        world.step(deployment);
        // What others have brought down is not ours; we add to it only up to the bound.
        const after = world.down('c.storage');
        expect(after).toBeLessThanOrEqual(Math.max(before, maxUnavailable));
        world.happen(host, turn);
      }
      world.converge(deployment);
      expect(world.down('c.storage')).toBe(0);
    }),
    { numRuns: 1_000 },
  );
});

test('a version that never comes up takes no more than may be down, ends, and can be taken back', () => {
  fc.assert(
    fc.property(events, fc.integer({ min: 1, max: 3 }), (turns, maxUnavailable) => {
      const world = worldOf('old', ['new']);
      const deployment = changed(maxUnavailable);
      const calm = turns.filter(([, turn]) => turn === 'settles');
      for (const [host, turn] of calm) {
        world.step(deployment);
        world.happen(host, turn);
        expect(world.down('c.storage')).toBeLessThanOrEqual(maxUnavailable);
      }
      world.converge(deployment);
      expect(world.down('c.storage')).toBeLessThanOrEqual(maxUnavailable);
      const back = wanted(daemonOf({ on: new Map(names.map((host) => [host, 'old'])) }));
      world.converge(back);
      expect(world.down('c.storage')).toBe(0);
    }),
    { numRuns: 500 },
  );
});
