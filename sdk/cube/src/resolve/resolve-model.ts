import { isTesseraError } from '@tessera/base';
import type { BindCatalog } from '@tessera/sql';
import { modelInvalid } from '../errors.ts';
import type { Dimension, Measure, Model } from '../model.ts';
import type { ModelSpec } from '../model-spec.ts';
import { checkTimeZone } from '../time/zone.ts';
import { ExpressionBinder } from './expression-binder.ts';
import { resolveComputedColumns } from './resolve-computed-columns.ts';
import { resolveDimensions, resolveHierarchies } from './resolve-dimensions.ts';
import { resolveTables } from './resolve-joins.ts';
import { resolveMeasures } from './resolve-measures.ts';
import { resolvePartition } from './resolve-partition.ts';
import { Violations } from './violations.ts';

/**
 * A model as users write it, bound to the tables that the sources have. Every violation is told at once, each
 * with its field (`locateViolations` finds the position in the YAML). The SQL parser must be loaded.
 * @throws INVALID_ARGUMENT MODEL_INVALID
 */
export function resolveModel(
  name: string,
  revision: bigint,
  spec: ModelSpec,
  catalog: BindCatalog,
): Model {
  const violations = new Violations();
  const timeZone = resolveTimeZone(spec.timeZone, violations);
  const tables = resolveTables(spec, catalog, violations);
  if (tables === undefined) throw modelInvalid(name, violations.found);
  const { fact, lookups } = tables;
  const binder = new ExpressionBinder({ tables: [fact, ...lookups], timeZone, violations });
  resolveComputedColumns(spec.computedColumns, fact, binder, violations);
  const partition = resolvePartition(spec.partition, fact, binder, violations);
  const context = { binder, lookups, partition, violations };
  const dimensions = resolveDimensions(spec.dimensions, context);
  const names = spec.dimensions.map((dimension) => dimension.name);
  const hierarchies = resolveHierarchies(spec.hierarchies, names, violations);
  const measures = resolveMeasures(spec.measures, fact.alias, binder, violations);
  checkStoredNames(dimensions, measures, spec, violations);
  if (violations.found.length > 0) throw modelInvalid(name, violations.found);
  return {
    name,
    revision,
    fact,
    lookups,
    ...(partition && { partition }),
    dimensions,
    hierarchies,
    computedColumns: binder.computedColumns,
    measures,
    freshness: spec.freshness ?? 'auto',
    timeZone,
  };
}

function resolveTimeZone(zone: string | undefined, violations: Violations): string {
  if (zone === undefined) return 'UTC';
  try {
    checkTimeZone(zone);
    return zone;
  } catch (error) {
    if (!isTesseraError(error)) throw error;
    violations.add('timeZone', error.message);
    return 'UTC';
  }
}

/** Dimensions and measure parts are columns of one file. */
function checkStoredNames(
  dimensions: readonly Dimension[],
  measures: readonly Measure[],
  spec: ModelSpec,
  violations: Violations,
): void {
  const stored = new Map(
    measures.flatMap(({ name, parts }) =>
      parts.map(({ column }) => [column.toLowerCase(), name] as const),
    ),
  );
  for (const { name } of dimensions) {
    const measure = stored.get(name.toLowerCase());
    if (measure === undefined) continue;
    const position = spec.dimensions.findIndex((dimension) => dimension.name === name);
    const description = `${name} is also the stored column of measure ${measure}; rename the dimension.`;
    violations.add(`dimensions[${position}].name`, description);
  }
}
