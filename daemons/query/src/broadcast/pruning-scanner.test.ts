import { systemClock } from '@tessera/base';
import type { SnapshotRead } from '@tessera/client';
import { batchFromRows, type DataType, rowsOf } from '@tessera/columnar';
import { layoutRelation, type ScanPlan } from '@tessera/cube';
import type { Expr } from '@tessera/sql';
import { expect, test } from 'vitest';
import { FakeNode, failure } from '../testing/fake-node.ts';
import { AskingLocator } from './asking-locator.ts';
import { BroadcastScanner } from './broadcast-scanner.ts';
import { PruningScanner } from './pruning-scanner.ts';
import { fixedNodes } from './storage-node.ts';

const integer: DataType = { kind: 'integer' };
const text: DataType = { kind: 'text' };
const column = (relation: string, name: string, type: DataType): Expr => ({
  ...{ kind: 'column', relation, name, type },
});

/** Dates of the year 2020 + i in segment i, joined to a calendar of which one year is wanted. */
function planFor(year: number): ScanPlan {
  const args = [
    column('d', 'year', integer),
    { kind: 'literal', type: integer, value: year } as Expr,
  ];
  return {
    ...{ cube: 'projects/p/cubes/sales', layout: 'rows' },
    segments: [0, 1, 2, 3].map((i) => ({
      ...{ id: `s${i}`, fileDigest: `${i}`.padEnd(64, '0') },
      columns: [
        {
          ...{ name: 'day', type: integer, role: 'dimension', hasNulls: false },
          ...{ minimum: (2020 + i) * 1_000, maximum: (2020 + i) * 1_000 + 364 },
        },
      ],
    })),
    lookups: [
      {
        ...{ alias: 'd', snapshot: 'dates', inner: false },
        on: [{ expr: column(layoutRelation, 'day', integer), column: 'key' }],
        columns: [{ name: 'year', type: integer }],
      },
    ],
    filter: { kind: 'call', fn: '=', args, type: { kind: 'boolean' } },
    groupBy: [{ name: 'k', expr: column(layoutRelation, 'k', text) }],
    aggregates: [
      {
        ...{ name: 'n', fn: 'count_sum', type: { kind: 'bigint' } },
        args: [column(layoutRelation, 'n', { kind: 'bigint' })],
      },
    ],
  };
}

function clusterWith(reads: SnapshotRead[], broken = false) {
  const nodes = [new FakeNode('a', ['s0', 's1']), new FakeNode('b', ['s2', 's3'])];
  const now = fixedNodes(nodes);
  const locator = new AskingLocator(now, systemClock);
  const parts = { nodes: now, locator, clock: systemClock, maxPartialBytes: 1_000_000 };
  const snapshots = {
    async *readSnapshot(read: SnapshotRead) {
      reads.push(read);
      const schema = read.columns.map((each) => ({ ...each, nullable: true }));
      const days = [2020, 2021, 2022, 2023].flatMap((year) =>
        [0, 100, 364].map((day) => [year * 1_000 + day, year]),
      );
      yield batchFromRows(schema, days);
      if (broken) throw failure('CONNECTION_LOST');
    },
  };
  return { nodes, scanner: new PruningScanner(new BroadcastScanner(parts), snapshots) };
}

const rowsBy = async (scanner: PruningScanner, plan: ScanPlan) => {
  const options = { parameters: [], signal: new AbortController().signal };
  return (await Array.fromAsync(scanner.scan(plan, options))).flatMap(rowsOf);
};

test('daemons are not asked for segments in which no row has a partner that passes; the lookup is read once', async () => {
  const reads: SnapshotRead[] = [];
  const { nodes, scanner } = clusterWith(reads);
  const plan = planFor(2022);
  for (let i = 0; i < 2; i++) expect((await rowsBy(scanner, plan))[0]).toEqual(['a', 4n]);
  expect((await rowsBy(scanner, planFor(2023)))[0]).toEqual(['a', 8n]);
  expect(await rowsBy(scanner, planFor(1999))).toEqual([]);
  expect(nodes.map(({ asked }) => asked)).toEqual([[], [['s2'], ['s2'], ['s3']]]);
  expect(reads).toEqual([
    {
      snapshot: 'projects/p/snapshots/dates',
      columns: [
        { name: 'key', type: integer },
        { name: 'year', type: integer },
      ],
    },
  ]);
});

test('a lookup that cannot be read here prunes nothing', async () => {
  const { nodes, scanner } = clusterWith([], true);
  await rowsBy(scanner, planFor(2022));
  expect(nodes.flatMap(({ asked }) => asked)).toEqual([
    ['s0', 's1'],
    ['s2', 's3'],
  ]);
});
