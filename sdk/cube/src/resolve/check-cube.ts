import { cubeInvalid } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Model } from '../model.ts';
import type { AggregationGroupSpec, CubeSpec, SegmentsSpec } from '../model-spec.ts';
import { nests } from '../time/civil.ts';
import { parseDateFormat, tells } from '../time/date-format.ts';
import { isDaily } from '../time/period.ts';
import { parseRetention } from '../time/retention.ts';
import { Violations } from './violations.ts';

/**
 * Checks that a cube fits its model: names, segment lengths, and that it keeps anything at all.
 * @throws INVALID_ARGUMENT CUBE_INVALID with every violation
 */
export function checkCube(name: string, spec: CubeSpec, model: Model): void {
  const violations = new Violations();
  const dimensions = model.dimensions.map((dimension) => dimension.name);
  for (const [i, group] of spec.groups.entries())
    checkGroup(group, `groups[${i}]`, model, violations);
  for (const [i, cuboid] of spec.cuboids.entries()) {
    checkNames(cuboid, `cuboids[${i}]`, dimensions, violations);
  }
  if (spec.groups.length + spec.cuboids.length === 0 && spec.planner === undefined) {
    violations.add('groups', 'The cube keeps no cuboid; give groups, cuboids or a planner.');
  }
  checkSegments(spec.segments, model, violations);
  checkReplication(spec.replication ?? 1, violations);
  if (violations.found.length > 0) throw cubeInvalid(name, violations.found);
}

function checkGroup(
  group: AggregationGroupSpec,
  field: string,
  model: Model,
  violations: Violations,
): void {
  const dimensions = model.dimensions.map(({ name }) => name);
  const measures = model.measures.map(({ name }) => name);
  const included = 'included dimension';
  checkNames(group.include, `${field}.include`, dimensions, violations);
  checkNames(group.mandatory, `${field}.mandatory`, group.include, violations, included);
  for (const [i, set] of group.joint.entries()) {
    checkNames(set, `${field}.joint[${i}]`, group.include, violations, included);
  }
  for (const [i, chain] of group.hierarchies.entries()) {
    checkNames(chain, `${field}.hierarchies[${i}]`, group.include, violations, included);
  }
  checkNames(group.measures ?? [], `${field}.measures`, measures, violations, 'measure');
}

function checkNames(
  names: readonly string[],
  field: string,
  known: readonly string[],
  violations: Violations,
  what = 'dimension',
): void {
  for (const [i, name] of names.entries()) {
    if (!known.includes(name)) violations.unknown(`${field}[${i}]`, what, name, known);
    if (names.indexOf(name) < i) violations.add(`${field}[${i}]`, `${name} stands here twice.`);
  }
}

function checkReplication(replication: number, violations: Violations): void {
  if (replication >= 1 && replication <= limits.replication) return;
  violations.add('replication', `${replication} is not from 1 to ${limits.replication}.`);
}

function checkSegments(segments: SegmentsSpec, model: Model, violations: Violations): void {
  const { every, autoMerge, retain } = segments;
  const { partition } = model;
  if (partition === undefined) {
    if (every !== undefined || autoMerge.length > 0 || retain !== undefined) {
      const description = `Model ${model.name} has no partition column, so its cube is one segment; remove this or add a partition.`;
      violations.add('segments', description);
    }
    return;
  }
  if (every === undefined) {
    const description = `is missing: say how long a segment is, for example ${partition.grain}.`;
    violations.add('segments.every', description);
    return;
  }
  const format = partition.format === undefined ? undefined : parseDateFormat(partition.format);
  const told = format === undefined || tells(format, every);
  if (!told || (partition.column.type.kind === 'date' && !isDaily(every))) {
    violations.add(
      'segments.every',
      `The partition column does not tell one ${every} from the next; use a coarser length.`,
    );
  }
  for (const [i, grain] of autoMerge.entries()) {
    if (grain === every || !nests(every, grain)) {
      const description = `A ${grain} is not made of several whole segments of one ${every} each.`;
      violations.add(`segments.autoMerge[${i}]`, description);
    }
  }
  if (retain !== undefined && parseRetention(retain) === undefined) {
    violations.add('segments.retain', `${retain} is not a length of time such as 90d, 18m or 10y.`);
  }
}
