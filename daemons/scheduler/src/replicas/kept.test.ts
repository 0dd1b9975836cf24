import { metadata } from '@tessera/proto';
import { describe, expect, test } from 'vitest';
import { keptOn } from './kept.ts';

const cube = 'projects/p/cubes/sales';
const segment = (replicas: readonly string[], ofCube = cube) =>
  metadata.Segment.fromPartial({
    name: `${ofCube}/segments/2024-01`,
    replicas: [...replicas],
    layouts: [{ file: 'layouts/one.parquet' }],
  });

function isKept(on: string, replicas: readonly string[], alive = ['a', 'b', 'c']): boolean {
  const segments = [segment(replicas)];
  const cubes = [metadata.Cube.fromPartial({ name: cube })];
  const rest = { snapshots: [], dictionaries: [], cubes, replication: 2 };
  return keptOn(on, { segments, ...rest, alive: new Set(alive) }).length > 0;
}

describe('a file of a segment is', () => {
  test('kept where it is recorded, and nowhere else when enough who have it are alive', () => {
    expect(['a', 'b', 'c'].map((node) => isKept(node, ['a', 'b']))).toEqual([true, true, false]);
  });

  test('kept everywhere while too few who have it are alive: a copy in no record may be the last', () => {
    expect(isKept('c', ['a', 'b'], ['a', 'c'])).toBe(true);
    expect(isKept('c', ['a'])).toBe(true);
    expect(isKept('c', [])).toBe(true);
  });

  test('kept by as many as its cube says, where it does', () => {
    const cubes = [metadata.Cube.fromPartial({ name: cube, spec: { replication: 3 } })];
    const rest = { snapshots: [], dictionaries: [], cubes, replication: 1 };
    const view = { segments: [segment(['a', 'b'])], ...rest, alive: new Set(['a', 'b', 'c']) };
    expect(keptOn('c', view)).toEqual(['layouts/one.parquet']);
  });
});
