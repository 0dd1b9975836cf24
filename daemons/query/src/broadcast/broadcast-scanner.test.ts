import { Code, seededRandom } from '@tessera/base';
import type { DaemonWork } from '@tessera/client';
import { rowsOf } from '@tessera/columnar';
import { layoutRelation, type ScanPlan } from '@tessera/cube';
import { type Expr, type } from '@tessera/sql';
import { ManualClock } from '@tessera/testkit';
import { describe, expect, test } from 'vitest';
import { FakeNode, failure } from '../testing/fake-node.ts';
import { AskingLocator } from './asking-locator.ts';
import { BroadcastScanner } from './broadcast-scanner.ts';
import { hedgingDefaults } from './hedging.ts';
import type { SegmentLocator } from './segment-locator.ts';
import { fixedNodes } from './storage-node.ts';

const column = (name: string, of: Expr['type']): Expr => {
  return { kind: 'column', relation: layoutRelation, name, type: of };
};

function planOver(segments: readonly string[]): ScanPlan {
  return {
    cube: 'projects/p/cubes/sales',
    layout: 'rows',
    segments: segments.map((id) => ({ id, fileDigest: id.padEnd(64, '0') })),
    lookups: [],
    groupBy: [{ name: 'k', expr: column('k', type.text) }],
    aggregates: [
      { name: 'n', fn: 'count_sum', args: [column('n', type.bigint)], type: type.bigint },
    ],
  };
}

const segments = ['s0', 's1', 's2', 's3', 's4', 's5'];
const all = [
  ['a', 63n],
  ['b', 126n],
  ['c', 189n],
];

class Cluster {
  readonly clock = new ManualClock();
  readonly nodes: readonly FakeNode[];
  readonly scanner: BroadcastScanner;
  readonly work: DaemonWork[] = [];

  constructor(
    holding: Readonly<Record<string, readonly string[]>>,
    hedging = hedgingDefaults,
    locator?: SegmentLocator,
  ) {
    this.nodes = Object.entries(holding).map(([name, held]) => new FakeNode(name, held));
    this.scanner = new BroadcastScanner({
      nodes: fixedNodes(this.nodes),
      locator: locator ?? new AskingLocator(fixedNodes(this.nodes), this.clock),
      clock: this.clock,
      maxPartialBytes: 1_000_000,
      hedging,
    });
  }

  node(name: string): FakeNode {
    return this.nodes.find((node) => node.name === name)!;
  }

  get calls(): number {
    return this.nodes.reduce((sum, { asked }) => sum + asked.length, 0);
  }

  async rows(plan = planOver(segments), signal = new AbortController().signal) {
    const onDaemonWork = (work: DaemonWork) => this.work.push(work);
    const options = { parameters: [], signal, onDaemonWork };
    const batches = await Array.fromAsync(this.scanner.scan(plan, options));
    return batches.flatMap(rowsOf);
  }
}

const reasonOf = (work: Promise<unknown>) =>
  work.then(
    () => 'no failure',
    (error: { reason?: string; message: string }) => error.reason ?? error.message,
  );

const twoOfThree = { a: segments.slice(0, 4), b: segments.slice(2), c: ['s0', 's1', 's4', 's5'] };

describe('a scan over several storage daemons', () => {
  test('asks each for its own segments with one plan, and adds up what comes back', async () => {
    const cluster = new Cluster({ a: ['s0', 's1', 's2'], b: ['s3', 's4', 's5'] });
    expect(await cluster.rows()).toEqual(all);
    expect(cluster.nodes.map(({ asked }) => asked)).toEqual([
      [['s0', 's1', 's2']],
      [['s3', 's4', 's5']],
    ]);
  });

  test('reads each segment once, whatever replicas there are', async () => {
    const cluster = new Cluster(twoOfThree);
    expect(await cluster.rows()).toEqual(all);
    const asked = cluster.nodes.flatMap((node) => node.asked.flat());
    expect(asked.sort()).toEqual(segments);
  });

  test('reads the same segments from the same daemons again, and elsewhere when those have much to do', async () => {
    const cluster = new Cluster({ a: ['s0'], b: ['s0'] });
    const plan = planOver(['s0']);
    for (let i = 0; i < 5; i++) await cluster.rows(plan);
    const [warm, cold] = cluster.nodes.toSorted((x, y) => y.asked.length - x.asked.length);
    expect([warm!.asked.length, cold!.asked.length]).toEqual([5, 0]);
    warm!.script.push(...new Array(4).fill('hang'));
    const stop = new AbortController();
    const stuck = Array.from({ length: 4 }, () => reasonOf(cluster.rows(plan, stop.signal)));
    await expect.poll(() => warm!.running).toBe(4);
    await cluster.rows(plan);
    expect(cold!.asked.length).toBe(1);
    stop.abort();
    await Promise.all(stuck);
  });
});

describe('a scan that was made before', () => {
  const ids = Array.from({ length: 24 }, (_, i) => `s${i}`);
  const plan = planOver(ids);
  const whole = ['a', 'b', 'c'].map((key, i) => [key, (2n ** 24n - 1n) * BigInt(i + 1)]);
  /** Each is on two of three. */
  const holding = Object.fromEntries(
    ['a', 'b', 'c'].map((name, i) => [name, ids.filter((_, id) => id % 3 !== i)]),
  );

  /** Of the last scan, by its first calls. */
  function asked({ work }: Cluster): readonly string[] {
    return work.flatMap(({ attempt, daemon }) => (attempt === 'first' ? [daemon] : []));
  }

  /** Daemons that have scanned the plan twice, in so long a time each. */
  async function knowing(scanMicros: number): Promise<Cluster> {
    const cluster = new Cluster(holding);
    for (const node of cluster.nodes) node.scanMicros = scanMicros;
    for (let i = 0; i < 2; i++) {
      cluster.work.length = 0;
      expect(await cluster.rows(plan)).toEqual(whole);
    }
    return cluster;
  }

  test('asks as few daemons as have all segments when it was over soon, else all', async () => {
    expect(asked(await knowing(20))).toHaveLength(2);
    expect(asked(await knowing(200_000))).toHaveLength(3);
  });

  test('goes on by the others when one of the few fails', async () => {
    const cluster = await knowing(20);
    const [first] = asked(cluster);
    cluster.node(first!).script.push(failure('CONNECTION_LOST'));
    expect(await cluster.rows(plan)).toEqual(whole);
    cluster.work.length = 0;
    expect(await cluster.rows(plan)).toEqual(whole);
    expect(asked(cluster)).not.toContain(first);
  });

  test('goes on by the others when one of the few hangs', async () => {
    const cluster = await knowing(20);
    const node = cluster.node(asked(cluster)[0]!);
    node.script.push('hang');
    const rows = cluster.rows(plan);
    await expect.poll(() => node.running).toBe(1);
    await cluster.clock.advance(hedgingDefaults.firstDelayMs);
    expect(await rows).toEqual(whole);
  });
});

describe('a daemon that fails', () => {
  test.each([
    { failed: failure('CONNECTION_LOST'), why: 'is away, also in mid-stream' },
    { failed: failure('SCAN_QUEUE_FULL', Code.RESOURCE_EXHAUSTED), why: 'has too much to do' },
    { failed: failure('LAYOUT_CORRUPTED', Code.DATA_LOSS), why: 'finds the file damaged' },
    { failed: failure('LAYOUT_NOT_STORED', Code.NOT_FOUND), why: 'lost the file' },
    { failed: failure('RST_STREAM', Code.INTERNAL), why: 'breaks the stream' },
  ])('and $why is replaced by other replicas, and its rows are thrown away', async ({ failed }) => {
    const cluster = new Cluster(twoOfThree);
    for (const node of cluster.nodes.slice(0, 2)) node.script.push(failed);
    // The third may not have every segment that both others had.
    const plan = planOver(['s0', 's1']);
    expect(await cluster.rows(plan)).toEqual([
      ['a', 3n],
      ['b', 6n],
      ['c', 9n],
    ]);
  });

  test('ends the scan at once where the failure would be the same everywhere', async () => {
    const cluster = new Cluster(twoOfThree);
    const failed = failure('DIVISION_BY_ZERO', Code.INVALID_ARGUMENT);
    for (const node of cluster.nodes) node.script.push(failed, failed);
    expect(await reasonOf(cluster.rows())).toBe('DIVISION_BY_ZERO');
    await expect.poll(() => cluster.nodes.map(({ running }) => running)).toEqual([0, 0, 0]);
    expect(cluster.work.some(({ attempt }) => attempt !== 'first')).toBe(false);
  });

  test('is refused by name and reason when nobody else has the segment', async () => {
    const cluster = new Cluster({ a: ['s0'], b: ['s1'] });
    cluster.node('b').script.push(failure('CONNECTION_LOST'));
    const error = await cluster.rows(planOver(['s0', 's1'])).catch((failed: unknown) => failed);
    expect(error).toMatchObject({
      reason: 'SEGMENT_UNREACHABLE',
      code: Code.UNAVAILABLE,
      metadata: { segment: 's1', asked: 'b (CONNECTION_LOST)' },
    });
  });

  test('gives way to planning without the layout when every replica lacks or damaged it', async () => {
    const cluster = new Cluster({ a: ['s0'], b: ['s0'] });
    cluster.node('a').script.push(failure('LAYOUT_NOT_STORED', Code.NOT_FOUND));
    cluster.node('b').script.push(failure('LAYOUT_CORRUPTED', Code.DATA_LOSS));
    expect(await reasonOf(cluster.rows(planOver(['s0'])))).toBe('LAYOUT_CORRUPTED');
    expect(await reasonOf(cluster.rows(planOver(['s9'])))).toBe('LAYOUT_NOT_STORED');
  });

  test('may be the only one that has the file although it does not say so: that is no absence', async () => {
    const cluster = new Cluster({ a: ['s0'], b: ['s1'] });
    cluster.node('b').silent = true;
    const refused = cluster.rows(planOver(['s0', 's1'])).catch((failed: unknown) => failed);
    await cluster.clock.advance(1_000);
    expect(await refused).toMatchObject({
      reason: 'SEGMENT_UNREACHABLE',
      metadata: { segment: 's1', asked: 'b (NO_ANSWER)' },
    });
  });

  test('is not the first choice for a while', async () => {
    const cluster = new Cluster({ a: ['s0'], b: ['s0'] });
    const plan = planOver(['s0']);
    await cluster.rows(plan);
    const used = cluster.nodes.find(({ asked }) => asked.length > 0)!;
    used.script.push(failure('CONNECTION_LOST'));
    await cluster.rows(plan);
    await cluster.rows(plan);
    expect(used.asked.length).toBe(2);
    await cluster.clock.advance(2_001);
    await cluster.rows(plan);
    expect(used.asked.length).toBe(3);
  });
});

describe('a daemon that does not answer', () => {
  test.each(['hang', 'hang deaf'] as const)(
    'loses to a hedge, whose rows count alone, is stopped and told of (%s)',
    async (behaviour) => {
      const cluster = new Cluster({ a: segments, b: segments });
      const plan = planOver(['s0']);
      await cluster.rows(plan);
      const used = cluster.nodes.find(({ asked }) => asked.length > 0)!;
      used.script.push(behaviour);
      cluster.work.length = 0;
      const rows = cluster.rows(plan);
      await cluster.clock.advance(hedgingDefaults.firstDelayMs);
      expect((await rows)[0]).toEqual(['a', 1n]);
      await expect.poll(() => used.running).toBe(behaviour === 'hang' ? 0 : 1);
      const told = cluster.work.map(({ attempt, outcome }) => `${attempt} ${outcome}`);
      expect(told.sort()).toEqual(['first abandoned', 'hedge answered']);
    },
  );

  test('is hedged sooner once calls are known to be short, and never oftener than allowed', async () => {
    const cluster = new Cluster(
      { a: ['s0'], b: ['s0'] },
      { ...hedgingDefaults, burst: 2, ratio: 0 },
    );
    const plan = planOver(['s0']);
    for (let i = 0; i < 20; i++) await cluster.rows(plan);
    const hangFirst = async (waitMs: number) => {
      await cluster.clock.advance(60_000);
      const before = cluster.calls;
      const warm = cluster.nodes.toSorted((x, y) => y.asked.length - x.asked.length)[0]!;
      warm.script.push('hang');
      const rows = cluster.rows(plan);
      await cluster.clock.advance(waitMs);
      const calls = cluster.calls - before;
      await cluster.clock.advance(hedgingDefaults.stalledMs);
      expect(await rows).toHaveLength(3);
      return calls;
    };
    expect(await hangFirst(hedgingDefaults.minDelayMs)).toBe(2);
    expect(await hangFirst(hedgingDefaults.minDelayMs)).toBe(2);
    expect(await hangFirst(hedgingDefaults.maxDelayMs)).toBe(1);
  });

  test('ends with the caller, together with all other calls', async () => {
    const cluster = new Cluster(twoOfThree);
    for (const node of cluster.nodes) node.script.push('hang', 'hang', 'hang');
    const stop = new AbortController();
    const rows = reasonOf(cluster.rows(planOver(segments), stop.signal));
    await cluster.clock.advance(hedgingDefaults.firstDelayMs);
    expect(cluster.nodes.reduce((sum, { running }) => sum + running, 0)).toBeGreaterThan(1);
    stop.abort(failure('QUERY_TIMEOUT', Code.DEADLINE_EXCEEDED));
    expect(await rows).toBe('QUERY_TIMEOUT');
    await expect.poll(() => cluster.nodes.map(({ running }) => running)).toEqual([0, 0, 0]);
  });
});

test('whatever daemons do, rows are right or refused', async () => {
  for (let seed = 1; seed <= 400; seed++) {
    const random = seededRandom(seed);
    const names = ['a', 'b', 'c', 'd'];
    const holding = Object.fromEntries(
      names.map((name) => [name, segments.filter(() => random.next() < 0.6)]),
    );
    const cluster = new Cluster(holding);
    for (const node of cluster.nodes) {
      for (let i = random.integer(0, 3); i > 0; i--) {
        node.script.push(
          random.pick([
            'answer' as const,
            'hang' as const,
            failure('CONNECTION_LOST'),
            failure('LAYOUT_CORRUPTED', Code.DATA_LOSS),
            failure('LAYOUT_NOT_STORED', Code.NOT_FOUND),
          ]),
        );
      }
    }
    const stop = new AbortController();
    const rows = cluster.rows(planOver(segments), stop.signal).catch((error: unknown) => error);
    await cluster.clock.advance(60_000);
    stop.abort(failure('QUERY_TIMEOUT', Code.DEADLINE_EXCEEDED));
    const outcome = await rows;
    if (Array.isArray(outcome)) {
      expect(outcome.toSorted(), `seed ${seed}`).toEqual(all);
    } else {
      expect(outcome, `seed ${seed}`).toMatchObject({
        reason: expect.stringMatching(
          /^(SEGMENT_UNREACHABLE|LAYOUT_NOT_STORED|LAYOUT_CORRUPTED|QUERY_TIMEOUT)$/,
        ),
      });
    }
    // No call was made of a daemon twice for the same segments.
    for (const { asked } of cluster.nodes) {
      expect(new Set(asked.flat()).size, `seed ${seed}`).toBe(asked.flat().length);
    }
  }
});
