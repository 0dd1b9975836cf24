import { isTesseraError } from '@tessera/base';
import { lit } from '@tessera/sql';
import { describe, expect, test } from 'vitest';
import type { Model } from '../model.ts';
import { parseResources } from '../resources/parse-resources.ts';
import type { CubeResource } from '../resources/resource.ts';
import { checkCube } from './check-cube.ts';

const partitioned = {
  name: 'm',
  dimensions: [{ name: 'day' }, { name: 'shop' }],
  measures: [{ name: 'sales' }],
  partition: { column: { ...lit.int(1), kind: 'column' }, grain: 'month', format: 'yyyyMM' },
} as unknown as Model;
const { partition: _, ...rest } = partitioned;
const unpartitioned: Model = rest;

function faultsOf(fields: string, model: Model): string[] {
  const yaml = `apiVersion: tessera/v1\nkind: Cube\nname: c\nmodel: m\n${fields}`;
  const { spec } = parseResources(yaml, 'c.yaml').resources[0]!.resource as CubeResource;
  try {
    checkCube('c', spec, model);
  } catch (error) {
    if (!isTesseraError(error, 'CUBE_INVALID')) throw error;
    return error.violations.map(({ field, description }) => `${field}: ${description}`);
  }
  return [];
}

const groups = 'groups: [{ include: [day, shop], mandatory: [day], measures: [sales] }]';

describe('checkCube', () => {
  test('accepts what fits the model', () => {
    const segments = 'segments: { every: month, autoMerge: [quarter, year], retain: 10y }';
    expect(faultsOf(`${groups}\n${segments}`, partitioned)).toEqual([]);
    expect(faultsOf('cuboids: [[shop]]', unpartitioned)).toEqual([]);
    expect(faultsOf('planner: { budget: 1x }', unpartitioned)).toEqual([]);
  });

  test.each([
    ['groups: [{ include: [dya] }]', 'groups[0].include[0]: There is no dimension dya'],
    [
      'groups: [{ include: [day], mandatory: [shop] }]',
      'groups[0].mandatory[0]: There is no included dimension shop',
    ],
    [
      'groups: [{ include: [day], joint: [[day, shop]] }]',
      'groups[0].joint[0][1]: There is no included',
    ],
    ['groups: [{ include: [day, day] }]', 'groups[0].include[1]: day stands here twice'],
    [
      'groups: [{ include: [day], measures: [sale] }]',
      'measures[0]: There is no measure sale; did you mean sales',
    ],
    ['cuboids: [[day, x]]', 'cuboids[0][1]: There is no dimension x'],
    ['groups: []', 'groups: The cube keeps no cuboid'],
    [`${groups}\nsegments: { autoMerge: [year] }`, 'segments.every: is missing'],
    [`${groups}\nsegments: { every: day }`, 'segments.every: The partition column does not tell'],
    [`${groups}\nsegments: { every: month, autoMerge: [week] }`, 'segments.autoMerge[0]: A week'],
    [`${groups}\nsegments: { every: month, autoMerge: [month] }`, 'segments.autoMerge[0]: A month'],
  ])('%s', (fields, says) => {
    expect(faultsOf(fields, partitioned).join('\n')).toContain(says);
  });

  test('refuses a replication that no YAML could have asked for', () => {
    const spec = { model: 'm', groups: [], cuboids: [['shop']], segments: { autoMerge: [] } };
    for (const replication of [-1, 17]) {
      expect(() => checkCube('c', { ...spec, replication }, unpartitioned)).toThrow(
        `${replication} is not from 1 to 16`,
      );
    }
  });

  test('a model without a partition has no segments to speak of', () => {
    const faults = faultsOf(`${groups}\nsegments: { every: month }`, unpartitioned);
    expect(faults).toEqual([expect.stringContaining('segments: Model m has no partition column')]);
  });
});
