import type { DataType } from '@tessera/columnar';
import { type Expr, isExact, isNumber, typeName } from '@tessera/sql';
import type { Measure } from '../model.ts';
import type { MeasureAggregate, MeasureSpec } from '../model-spec.ts';
import type { ExpressionBinder } from './expression-binder.ts';
import { partsOf, sumType } from './measure-parts.ts';
import type { Violations } from './violations.ts';

/** Binds the measures and says which columns keep them; a faulty one is left out and has a violation. */
export function resolveMeasures(
  specs: readonly MeasureSpec[],
  factAlias: string,
  binder: ExpressionBinder,
  violations: Violations,
): Measure[] {
  const entries = specs.map(({ name }, i) => ({ field: `measures[${i}].name`, name }));
  violations.unique(entries, 'measures');
  return specs.flatMap((spec, i) => {
    const field = `measures[${i}]`;
    const before = violations.found.length;
    const arg = spec.column === undefined ? undefined : binder.bind(spec.column, `${field}.column`);
    const filter =
      spec.filter === undefined ? undefined : binder.bind(spec.filter, `${field}.filter`);
    checkMeasure(spec, arg, filter, field, violations);
    if (violations.found.length > before) return [];
    const { name, aggregate } = spec;
    const optional = { ...(arg && { arg }), ...(filter && { filter }) };
    const parts = partsOf(aggregate, { ...optional, factAlias });
    return [{ name, aggregate, ...optional, type: resultType(aggregate, arg), parts }];
  });
}

function checkMeasure(
  spec: MeasureSpec,
  arg: Expr | undefined,
  filter: Expr | undefined,
  field: string,
  violations: Violations,
): void {
  const { aggregate } = spec;
  if (spec.column === undefined && aggregate !== 'count') {
    violations.add(`${field}.column`, `is missing: say what ${aggregate} is computed over.`);
  }
  if (spec.precision !== undefined && aggregate !== 'count_distinct') {
    violations.add(`${field}.precision`, `has a meaning for count_distinct only; remove it.`);
  }
  if (filter !== undefined && filter.type.kind !== 'boolean') {
    violations.add(`${field}.filter`, `A filter is a condition; this is ${typeName(filter.type)}.`);
  }
  const problem = arg && typeProblem(aggregate, arg.type);
  if (problem !== undefined) violations.add(`${field}.column`, problem);
}

function typeProblem(aggregate: MeasureAggregate, type: DataType): string | undefined {
  const given = `${typeName(type)}`;
  switch (aggregate) {
    case 'count':
      return undefined;
    case 'min':
    case 'max':
      return ['boolean', 'bytes', 'interval', 'unknown'].includes(type.kind)
        ? `${aggregate} of ${given} cannot be kept; cast it to a number or text.`
        : undefined;
    case 'count_distinct':
      return ['bytes', 'interval', 'unknown'].includes(type.kind)
        ? `Distinct values of ${given} cannot be kept; cast it to text.`
        : undefined;
    case 'sum':
    case 'avg':
      return isNumber(type) ? undefined : `${aggregate} needs a number; this is ${given}.`;
    default:
      return spreadProblem(aggregate, type);
  }
}

/** Squares are kept exactly, with twice the digits after the point. */
function spreadProblem(aggregate: MeasureAggregate, type: DataType): string | undefined {
  if (!isNumber(type)) return `${aggregate} needs a number; this is ${typeName(type)}.`;
  if (type.kind !== 'numeric' || (type.scale !== undefined && type.scale <= 12)) return undefined;
  return `${aggregate} keeps exact squares, which ${typeName(type)} is too wide for; cast it to numeric(p,s) with s up to 12, or to double precision.`;
}

/** The type of the aggregate in PostgreSQL. */
function resultType(aggregate: MeasureAggregate, arg: Expr | undefined): DataType {
  switch (aggregate) {
    case 'count':
    case 'count_distinct':
      return { kind: 'bigint' };
    case 'min':
    case 'max':
      return arg!.type;
    case 'sum':
      return arg!.type.kind === 'real' ? { kind: 'real' } : sumType(arg!.type);
    default:
      return isExact(arg!.type) ? { kind: 'numeric' } : { kind: 'double' };
  }
}
