import type { FieldViolation } from '@tessera/base';
import { metadata } from '@tessera/proto';
import { Faults } from './faults.ts';

/** Whether everything a cube names is in its model. */
export function checkCube(
  spec: metadata.CubeSpec,
  model: metadata.ModelSpec,
): readonly FieldViolation[] {
  const faults = new Faults();
  const names: Names = {
    dimensions: model.dimensions.map(({ name }) => name),
    measures: model.measures.map(({ name }) => name),
  };
  for (const [i, group] of spec.groups.entries()) checkGroup(`groups[${i}]`, group, names, faults);
  for (const [i, cuboid] of spec.cuboids.entries()) {
    checkNames(`cuboids[${i}]`, cuboid.names, names.dimensions, faults);
  }
  if (spec.groups.length === 0 && spec.planner === undefined && spec.cuboids.length === 0) {
    faults.add('groups', 'The cube keeps no cuboid: give groups, cuboids or a planner.');
  }
  checkSegments(spec, model, faults);
  return faults.found;
}

interface Names {
  readonly dimensions: readonly string[];
  readonly measures: readonly string[];
}

function checkGroup(
  at: string,
  group: metadata.AggregationGroupSpec,
  names: Names,
  faults: Faults,
): void {
  checkNames(`${at}.include`, group.include, names.dimensions, faults);
  checkNames(`${at}.measures`, group.measures, names.measures, faults, 'measure');
  checkNames(`${at}.mandatory`, group.mandatory, group.include, faults, 'included dimension');
  for (const [field, lists] of [
    ['joint', group.joint],
    ['hierarchies', group.hierarchies],
  ] as const) {
    for (const [i, list] of lists.entries()) {
      checkNames(`${at}.${field}[${i}]`, list.names, group.include, faults, 'included dimension');
    }
  }
  if (group.maxDimensions !== undefined && group.maxDimensions < group.mandatory.length) {
    faults.add(`${at}.maxDimensions`, 'is smaller than the number of mandatory dimensions.');
  }
}

function checkNames(
  at: string,
  given: readonly string[],
  known: readonly string[],
  faults: Faults,
  what = 'dimension',
): void {
  faults.unique(at, given, 'Name');
  for (const [i, name] of given.entries()) faults.known(`${at}[${i}]`, name, known, what);
}

function checkSegments(
  { segments }: metadata.CubeSpec,
  model: metadata.ModelSpec,
  faults: Faults,
): void {
  const every = segments?.every ?? metadata.Grain.GRAIN_UNSPECIFIED;
  if (every !== metadata.Grain.GRAIN_UNSPECIFIED && model.partition === undefined) {
    faults.add('segments.every', 'The model has no partition column, so it cannot be cut by time.');
  }
}
