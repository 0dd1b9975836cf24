import { describe, expect, test } from 'vitest';
import { decide } from './decide.ts';
import type { Replica, ReplicaStep, ReplicaView } from './replicas.ts';
import {
  bytesOnTheWay,
  isWithin,
  limits,
  replication,
  SimulatedCluster,
} from './simulated-cluster.ts';

const seeds = Array.from({ length: 25 }, (_, i) => i + 1);
const turnsOfTrouble = 120;
/** Far more than all bytes need within the limits. */
const turnsToRecover = 400;

describe('decide, turn by turn', () => {
  test.each(seeds)(
    'seed %i: through random failures no copy is lost, and in the end all is as wanted',
    (seed) => {
      const cluster = new SimulatedCluster(seed);
      for (let turn = 0; turn < turnsOfTrouble; turn++) {
        cluster.breakSomething();
        cluster.scrub(0.05);
        const { steps } = cluster.decide();
        expectLimits(cluster, steps);
        cluster.act(steps, 0.2);
        cluster.advance(0.1);
        for (const { id } of cluster.segments) {
          if (!cluster.deep.has(id)) expect(cluster.goodHosts(id).length, id).toBeGreaterThan(0);
        }
      }
      cluster.calm();
      let turn = 0;
      for (; turn < turnsToRecover; turn++) {
        const { steps } = cluster.decide();
        expectLimits(cluster, steps);
        const { to } = bytesOnTheWay(cluster, []);
        if (steps.length === 0 && to.size === 0) break;
        cluster.act(steps, 0.05);
        cluster.advance(0.05);
      }
      expect(turn).toBeLessThan(turnsToRecover);
      for (const [segment, hosts] of cluster.wanted) {
        expect(hosts).toHaveLength(replication);
        expect(cluster.goodHosts(segment)).toEqual(hosts);
        expect(cluster.holders(segment)).toEqual(hosts);
      }
    },
  );

  /** Copies that came back with a host may exceed a limit; no decision may. */
  function expectLimits(cluster: SimulatedCluster, steps: readonly ReplicaStep[]): void {
    const { to, from } = bytesOnTheWay(cluster, steps);
    for (const step of steps) {
      if (step.kind !== 'copy') continue;
      const limit = step.from === undefined ? limits.deepBytes : limits.outboundBytes;
      expect(isWithin(to.get(step.to)!, limits.inboundBytes)).toBe(true);
      expect(isWithin(from.get(step.from)!, limit)).toBe(true);
    }
  }
});

describe('decide', () => {
  const good: Replica = { kind: 'good' };
  const damaged: Replica = { kind: 'damaged' };
  type Held = Readonly<Record<string, Readonly<Record<string, Replica>>>>;
  const decided = (
    wanted: Readonly<Record<string, readonly string[]>>,
    observed: Held,
    more: Partial<ReplicaView> = {},
  ) =>
    decide({
      wanted: new Map(Object.entries(wanted)),
      observed: new Map(
        Object.entries(observed).map(([host, held]) => [host, new Map(Object.entries(held))]),
      ),
      deep: new Set(),
      bytesOf: () => 10,
      limits: { inboundBytes: 100, outboundBytes: 100, deepBytes: 100 },
      ...more,
    });
  const copy = (segment: string, from: string | undefined, to: string) => ({
    kind: 'copy',
    segment,
    from,
    to,
    bytes: 10,
  });
  const drop = (segment: string, host: string) => ({ kind: 'drop', segment, host, bytes: 10 });

  test('all as wanted: nothing to do', () => {
    expect(decided({ s: ['a', 'b'] }, { a: { s: good }, b: { s: good } }).steps).toEqual([]);
  });

  test('a replica that lacks is copied from a peer, even if deep storage has it', () => {
    const { steps } = decided(
      { s: ['a', 'b'] },
      { a: { s: good }, b: {} },
      { deep: new Set(['s']) },
    );
    expect(steps).toEqual([copy('s', 'a', 'b')]);
  });

  test('without a good peer it comes from deep storage', () => {
    const { steps } = decided({ s: ['a', 'b'] }, { a: {}, b: {} }, { deep: new Set(['s']) });
    expect(steps).toEqual([copy('s', undefined, 'a'), copy('s', undefined, 'b')]);
  });

  test('without any source it is said, and nothing is done', () => {
    const outcome = decided({ s: ['a', 'b'] }, { a: {}, b: { s: damaged } });
    expect(outcome.withoutSource).toEqual(['s']);
    expect(outcome.steps).toEqual([{ kind: 'quarantine', segment: 's', host: 'b' }]);
  });

  test('a damaged replica is set aside, is no source, and is copied again once it is gone', () => {
    const wanted = { s: ['a', 'b'] };
    const first = decided(wanted, { a: { s: damaged }, b: { s: good } });
    expect(first.steps).toEqual([{ kind: 'quarantine', segment: 's', host: 'a' }]);
    expect(decided(wanted, { a: {}, b: { s: good } }).steps).toEqual([copy('s', 'b', 'a')]);
  });

  test.each([
    { why: 'one is on its way', b: { s: { kind: 'copying', from: 'c' } as Replica } },
    { why: 'one is damaged', b: { s: damaged } },
    { why: 'a host does not answer', b: undefined },
  ])('a surplus replica stays while $why', ({ b }) => {
    const observed = { a: { s: good }, c: { s: good }, ...(b === undefined ? {} : { b }) };
    const { steps } = decided({ s: ['a', 'b'] }, observed);
    expect(steps.filter(({ kind }) => kind === 'drop')).toEqual([]);
  });

  test('a surplus replica goes when all wanted ones are good; an unwanted copy at once', () => {
    const observed = { a: { s: good }, b: { s: good }, c: { s: good } };
    expect(decided({ s: ['a', 'b'] }, observed).steps).toEqual([drop('s', 'c')]);
    const copying = { a: { s: good }, b: {}, c: { s: { kind: 'copying', from: 'a' } as Replica } };
    expect(decided({ s: ['a', 'b'] }, copying).steps).toEqual([
      copy('s', 'a', 'b'),
      drop('s', 'c'),
    ]);
  });

  test('what nobody wants, and what is wanted nowhere, is left alone', () => {
    expect(decided({ s: [] }, { a: { s: good, retired: good } }).steps).toEqual([]);
  });

  test('the fewest good replicas come first, as far as the limits allow; a large segment goes alone', () => {
    const wanted = { one: ['a', 'b', 'c'], two: ['a', 'b', 'c'], deep: ['c'] };
    const observed = { a: { one: good, two: good }, b: { two: good }, c: {} };
    const deep = new Set(['deep']);
    const narrow = { inboundBytes: 20, outboundBytes: 20, deepBytes: 5 };
    const { steps } = decided(wanted, observed, { deep, limits: narrow });
    expect(steps).toEqual([
      copy('deep', undefined, 'c'),
      copy('one', 'a', 'b'),
      copy('one', 'a', 'c'),
    ]);
  });
});
