import { describe, expect, test } from 'vitest';
import { reportReplication } from './report.ts';
import type { SeenNode, StoredItem } from './stored-item.ts';

const nodeOf = (id: string, change: Partial<SeenNode> = {}): SeenNode => ({
  id,
  rack: '',
  capacityBytes: 1e6,
  draining: false,
  state: 'alive',
  ...change,
});
const itemOf = (name: string, recorded: readonly string[]): StoredItem => ({
  name,
  kind: 'segment',
  files: [],
  bytes: 100,
  recorded,
  inDeepStorage: false,
  replication: 2,
});
const lost = { state: 'lost' } as const;

describe('a report of replication', () => {
  test('says what each node holds and what is to come', () => {
    const nodes = [nodeOf('a'), nodeOf('b'), nodeOf('c', lost)];
    const { nodes: told } = reportReplication([itemOf('s', ['a', 'c'])], nodes);
    expect(
      told.map(({ node, items, bytes, pendingBytes }) => [node.id, items, bytes, pendingBytes]),
    ).toEqual([
      ['a', 1, 100, 0],
      ['b', 0, 0, 100],
      ['c', 1, 100, 0],
    ]);
  });

  test.each([
    { nodes: [nodeOf('a'), nodeOf('b'), nodeOf('c')], reasons: [] },
    { nodes: [nodeOf('a'), nodeOf('b', lost), nodeOf('c')], reasons: ['REPLICA_LOST'] },
    { nodes: [nodeOf('a'), nodeOf('b', lost)], reasons: ['NODES_TOO_FEW'] },
    { nodes: [nodeOf('a', lost), nodeOf('b', lost), nodeOf('c')], reasons: ['NO_REPLICA_ALIVE'] },
    { nodes: [nodeOf('a'), nodeOf('c', { draining: true })], reasons: ['NODES_TOO_FEW'] },
  ])('says why an item has too few replicas: $reasons', ({ nodes, reasons }) => {
    const { degraded } = reportReplication([itemOf('s', ['a', 'b'])], nodes);
    expect(degraded.map(({ reason }) => reason)).toEqual(reasons);
  });
});
