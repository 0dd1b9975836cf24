import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pluginThreadDefaults } from '@tessera/daemon';
import { flink } from '@tessera/proto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Counted } from '../flink/fake-flink.ts';
import { FakeWorld } from '../flink/fake-world.ts';
import { Scripted } from './scripted.ts';
import { StrategyPool } from './strategy-pool.ts';

/** Metrics that lie, strategies in threads that fail, rescales that make things worse. */
let world: FakeWorld;
let folder: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tessera-scaling-'));
  world = await FakeWorld.open('a', 'b');
  world.flink.slotsEach = 2;
  await world.apply({ taskManagerCount: 1, maxTaskManagerCount: 4 });
});
afterEach(async () => {
  await world[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const pool = (deadlineMs: number = pluginThreadDefaults.deadlineMs) =>
  new StrategyPool({
    ...{ ...pluginThreadDefaults, deadlineMs, workDirectory: join(folder, 'work') },
    ...{ logLevel: 'silent', fallbackDirectory: folder },
  });
const reasons = async () => (await world.jobStatus('j')).conditions.map(({ reason }) => reason);
const work = () => world.flink.jobs.at(-1)?.parallelism['work'] ?? 0;

/** What tasks count of a load, at the size that the job has. */
class Tasks {
  /** Records that come in, in each second. */
  load = 1_400;
  /** What a subtask of the worker works off in a second. */
  rate = 500;
  #waiting = 0;
  readonly #counts = { read: 1, sourceBusyMs: 1, busyMs: 1, lifeMs: 2 };

  advance(seconds: number): void {
    const size = Math.max(1, work());
    const due = this.#waiting + this.load * seconds;
    const done = Math.min(due, this.rate * size * seconds);
    this.#waiting = due - done;
    this.#counts.read += done;
    this.#counts.busyMs += (1_000 * done) / (this.rate * size);
    this.#counts.sourceBusyMs += 100 * seconds;
    this.#counts.lifeMs += 1_000 * seconds;
  }

  readonly counted: Counted = (vertex) => {
    const { read, sourceBusyMs, busyMs, lifeMs } = this.#counts;
    const busy = vertex === 'source' ? sourceBusyMs : busyMs;
    return {
      ...{ in: vertex === 'source' ? 0 : read, out: read },
      accumulateBusyTimeMs: busy,
      accumulateIdleTimeMs: lifeMs - busy,
      accumulateBackPressuredTimeMs: 0,
      ...(vertex === 'source' && {
        'Source__s.numRecordsIn': read,
        'Source__s.pendingRecords': this.#waiting,
      }),
    };
  };
}

/** Jobs that are asked to stop have ended with their savepoint by the next look. */
async function looks(tasks: Tasks, count: number, everySeconds = 5): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < count; i++) {
    await world.clock.advance(everySeconds * 1_000);
    tasks.advance(everySeconds);
    const asked = world.flink.calls.get('stopWithSavepoint');
    await world.look();
    if (world.flink.calls.get('stopWithSavepoint') !== asked) {
      world.flink.jobs.push({ ...world.flink.jobs.pop()!, state: 'FINISHED' });
    }
    least = Math.min(least, work());
  }
  return least;
}

async function begin(tasks: Tasks, given: Parameters<typeof flink.FlinkScaling.fromPartial>[0]) {
  world.flink.counted = tasks.counted;
  await looks(tasks, 4, 1);
  const cooldowns = { cooldownBeforeUp: { seconds: 1n }, cooldownBeforeDown: { seconds: 1n } };
  const scaling = flink.FlinkScaling.fromPartial({ ...cooldowns, ...given });
  await world.applyJob('j', { scaling });
  await looks(tasks, 4, 1);
}

type Counts = ReturnType<Counted>;
type Fault = (now: Counts, at: { readonly isWorker: boolean; readonly last: Counts }) => Counts;

const mapped = (counts: Counts, change: (value: number) => number): Counts =>
  counts &&
  Object.fromEntries(Object.entries(counts).map(([name, value]) => [name, change(value)]));

const faults: Readonly<Record<string, Fault>> = {
  'nothing is reported': () => undefined,
  'everything is zero': (now) => mapped(now, () => 0),
  'everything repeats itself': (_, { last }) => last,
  'counters have gone back': (now) => mapped(now, (value) => value / 2),
  'only the worker is zero': (now, { isWorker }) => (isWorker ? mapped(now, () => 0) : now),
  'only the worker repeats itself': (now, { isWorker, last }) => (isWorker ? last : now),
};

describe('metrics that say nothing', () => {
  test.each([
    ['threshold', { windowMs: 30_000, scaleDownWindowMs: 30_000 }],
    ['ds2', { policyIntervalMs: 30_000, warmUpIntervals: 1 }],
    [
      'flink-autoscaler',
      {
        ...{ metricsWindowMs: 30_000, stabilizationIntervalMs: 0, scaleDownIntervalMs: 0 },
        ...{ catchUpDurationMs: 60_000, restartTimeMs: 1_000 },
      },
    ],
    ['forecast', {}],
  ])(
    'make no job smaller that the strategy %s keeps the right size, which fewer records do',
    { timeout: 120_000 },
    async (strategy, options) => {
      await using strategies = pool();
      world.strategies = strategies;
      const tasks = new Tasks();
      const given = { strategy: `@tessera/strategy-${strategy}`, options: JSON.stringify(options) };
      await begin(tasks, given);
      await looks(tasks, 60, 10);
      for (const [why, fault] of Object.entries(faults)) {
        const before = work();
        expect(before).toBeGreaterThan(2);
        const last = new Map(['source', 'work'].map((id) => [id, tasks.counted(id, 0)]));
        world.flink.counted = (vertex, nowMs) => {
          const at = { isWorker: vertex === 'work', last: last.get(vertex) };
          return fault(tasks.counted(vertex, nowMs), at);
        };
        expect(await looks(tasks, 12, 10), why).toBe(before);
        world.flink.counted = tasks.counted;
        await looks(tasks, 4, 10);
      }
      const before = work();
      tasks.load = 100;
      expect(await looks(tasks, 90, 10)).toBeLessThan(before);
    },
  );
});

test('a vertex that reports nothing new holds its job back, which says which one and since when', async () => {
  const strategy = new Scripted();
  world.strategies = strategy;
  const tasks = new Tasks();
  await begin(tasks, { strategy: '@acme/scripted' });
  await looks(tasks, 3);
  const last = tasks.counted('work', 0);
  world.flink.counted = (vertex, nowMs) =>
    vertex === 'work' ? last : tasks.counted(vertex, nowMs);
  const since = new Date(Number(world.clock.now() / 1000n)).toISOString().slice(0, 19);
  await looks(tasks, 3);
  expect(await reasons()).toEqual([]); // It may only be late.
  strategy.wanted = 4;
  await looks(tasks, 10);
  const [condition, ...others] = (await world.jobStatus('j')).conditions;
  expect(others).toEqual([]);
  expect(condition).toMatchObject({
    reason: 'METRICS_STALE',
    message: `Nothing new is reported of work since ${since}Z: the job keeps its size until it is.`,
  });
  expect(work()).toBe(1);
  world.flink.counted = tasks.counted;
  await looks(tasks, 3);
  expect(await reasons()).toEqual([]);
  expect(work()).toBe(4);
});

/** A package as a stranger would write it. */
function install(name: string, decide: string): void {
  const at = join(folder, 'node_modules', name);
  mkdirSync(at, { recursive: true });
  const manifest = {
    ...{ name, version: '1.0.0', type: 'module' },
    exports: { '.': './index.js', './package.json': './package.json' },
    tessera: { apiVersion: 1, kind: 'strategy' },
  };
  writeFileSync(join(at, 'package.json'), JSON.stringify(manifest));
  const config = '{ safeParse: (data) => ({ success: true, data }) }';
  const create = `() => ({ decide: (input, learned) => { ${decide} } })`;
  const plugin = `{ kind: 'strategy', name: '${name}', apiVersion: 1, config: ${config}, create: ${create} }`;
  writeFileSync(join(at, 'index.js'), `export const plugin = ${plugin};`);
}

const decided = (action: string) =>
  `return { action: ${action}, reasons: [{ code: 'SURE', message: 'Sure.' }], options: [], learned: null };`;

describe('a strategy in a thread', () => {
  test.each([
    ['hangs', 'for (;;) {}', 'STRATEGY_TIMED_OUT'],
    ['throws', `throw new Error('out of ideas');`, 'STRATEGY_FAILED'],
    ['ends its process', 'process.exit(1);', 'STRATEGY_FAILED'],
    ['answers nothing', 'return undefined;', 'STRATEGY_OUTPUT_INVALID'],
    [
      'wants less than nothing',
      decided(`{ kind: 'rescale', parallelism: { source: 1, work: -3 } }`),
      'STRATEGY_OUTPUT_INVALID',
    ],
    [
      'wants parts of a subtask',
      decided(`{ kind: 'rescale', parallelism: { source: 1, work: Number.NaN } }`),
      'STRATEGY_OUTPUT_INVALID',
    ],
    [
      'wants another job',
      decided(`{ kind: 'rescale', parallelism: { nobody: 4 } }`),
      'STRATEGY_OUTPUT_INVALID',
    ],
  ])('that %s leaves its job as it is, which says why', async (_, decide, reason) => {
    install('@acme/faulty', decide);
    await using strategies = pool(500);
    world.strategies = strategies;
    const tasks = new Tasks();
    await begin(tasks, { strategy: '@acme/faulty' });
    await looks(tasks, 8);
    expect(await reasons()).toEqual([reason]);
    expect(world.flink.jobs.map(({ parallelism }) => parallelism)).toEqual([
      { source: 1, work: 1 },
    ]);
    expect(world.flink.calls.get('setResourceRequirements') ?? 0).toBe(0);
  });

  test('that is given an option that it does not have leaves its job as it is, which names the option', async () => {
    await using strategies = pool();
    world.strategies = strategies;
    const tasks = new Tasks();
    const options = JSON.stringify({ targt: 0.6 });
    await begin(tasks, { strategy: '@tessera/strategy-threshold', options });
    await looks(tasks, 3);
    const [condition] = (await world.jobStatus('j')).conditions;
    expect(condition).toMatchObject({ reason: 'STRATEGY_FAILED' });
    expect(condition!.message).toContain('targt');
    expect(work()).toBe(1);
  });

  test('that is not installed leaves its job as it is, which says so, until it is', async () => {
    await using strategies = pool();
    world.strategies = strategies;
    const tasks = new Tasks();
    await begin(tasks, { strategy: '@acme/absent' });
    await looks(tasks, 3);
    const [condition] = (await world.jobStatus('j')).conditions;
    expect(condition).toMatchObject({ reason: 'STRATEGY_FAILED' });
    expect(condition!.message).toContain('@acme/absent');
    expect(work()).toBe(1);
    install('@acme/absent', decided(`{ kind: 'rescale', parallelism: { source: 1, work: 2 } }`));
    await looks(tasks, 60);
    expect(work()).toBe(2);
    expect(await reasons()).toEqual([]);
  });
});

/** A job that keeps up with one subtask, and whose strategy will soon want four. */
async function promising(): Promise<{ strategy: Scripted; tasks: Tasks }> {
  const strategy = new Scripted();
  world.strategies = strategy;
  const tasks = new Tasks();
  tasks.load = 400;
  const rollback = {
    ...{ enabled: true, stabilizationMs: 5_000, windowMs: 15_000, tolerance: 0.1 },
    avoidMs: 600_000,
  };
  await begin(tasks, { strategy: '@acme/scripted', rollback });
  await looks(tasks, 12);
  expect(work()).toBe(1);
  return { strategy, tasks };
}

test('a rescale that made things worse is taken back, and not tried again for a while', async () => {
  const { strategy, tasks } = await promising();
  strategy.wanted = 4;
  await looks(tasks, 3);
  expect(work()).toBe(4);
  tasks.rate = 50; // Four get less done than one did.
  await looks(tasks, 8);
  expect(work()).toBe(1);
  tasks.rate = 500;
  await looks(tasks, 40);
  expect(work()).toBe(1);
  const { scalingDecisions } = await world.clients.flinkScalings.listScalingDecisions({
    parent: 'flink-jobs/j',
  });
  const effects = scalingDecisions.flatMap(({ decision }) => decision?.result?.effects ?? []);
  const codes = new Set(effects.map(({ code }) => code));
  expect([...codes]).toEqual(expect.arrayContaining(['ROLLED_BACK', 'TARGET_AVOIDED']));
});

async function looksUntil(tasks: Tasks, size: number, most = 20): Promise<void> {
  for (let i = 0; i < most && work() !== size; i++) await looks(tasks, 1, 1);
}

test.each([
  { when: 'when it has been decided', looked: 1 },
  { when: 'when it is on its way', looked: 2 },
  { when: 'when the job has its new size', looked: 3 },
])(
  'a rescale that made things worse is taken back also by another leader who comes $when',
  async ({ looked }) => {
    const { strategy, tasks } = await promising();
    strategy.wanted = 4;
    await looksUntil(tasks, 4, looked);
    world.forget();
    await looksUntil(tasks, 4);
    expect(work()).toBe(4);
    tasks.rate = 50; // Four get less done than one did.
    await looks(tasks, 15);
    expect(work()).toBe(1);
  },
);

test('a rescale that made things worse is taken back also where the job was stopped and started for it', async () => {
  world.flink.completed = 0;
  const { strategy, tasks } = await promising();
  world.flink.isRigid = true;
  world.flink.savepoint = { status: 'COMPLETED', path: 'file:///state/sp' };
  strategy.wanted = 4;
  await looksUntil(tasks, 4);
  expect(work()).toBe(4);
  expect(world.flink.calls.get('stopWithSavepoint')).toBe(1);
  tasks.rate = 50; // Four get less done than one did.
  await looks(tasks, 15);
  expect(work()).toBe(1);
});
