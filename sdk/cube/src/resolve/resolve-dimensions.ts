import type { DataType } from '@tessera/columnar';
import { type Expr, exprKey, typeName } from '@tessera/sql';
import type { Dimension, Lookup, Partition } from '../model.ts';
import type { DimensionSpec, Grain } from '../model-spec.ts';
import { columnsOf, type ExpressionBinder } from './expression-binder.ts';
import { dateOfFormat } from './resolve-partition.ts';
import type { Violations } from './violations.ts';

interface Context {
  readonly binder: ExpressionBinder;
  readonly lookups: readonly Lookup[];
  readonly partition: Partition | undefined;
  readonly violations: Violations;
}

/** Types whose values can be stored, grouped and compared by everyone who reads the cuboids. */
const unstorable: ReadonlySet<DataType['kind']> = new Set(['interval', 'bytes', 'unknown']);
/** Columns that every companion layout of a distinct count has. */
const reserved = new Set(['bucket', 'bits']);

/** Binds the dimensions; a faulty one is left out and has a violation, so that the others are checked too. */
export function resolveDimensions(specs: readonly DimensionSpec[], context: Context): Dimension[] {
  const { violations } = context;
  const entries = specs.map(({ name }, i) => ({ field: `dimensions[${i}].name`, name }));
  violations.unique(entries, 'dimensions');
  for (const { field, name } of entries) {
    if (!reserved.has(name.toLowerCase())) continue;
    violations.add(field, `${name} is the name of a column that Tessera stores itself; rename it.`);
  }
  const plain = specs.map((spec, i) => resolveDimension(spec, `dimensions[${i}]`, context));
  return specs.flatMap((spec, i) => {
    const dimension = plain[i];
    if (dimension === undefined || spec.derivedFrom === undefined) return dimension ?? [];
    const derivedFrom = derivation(spec, `dimensions[${i}].derivedFrom`, specs, plain, context);
    return derivedFrom === undefined ? [] : [{ ...dimension, derivedFrom }];
  });
}

function resolveDimension(
  spec: DimensionSpec,
  field: string,
  context: Context,
): Dimension | undefined {
  const base = context.binder.bind(spec.column, `${field}.column`);
  if (base === undefined) return undefined;
  const expr = spec.grain === undefined ? base : truncated(spec, spec.grain, base, field, context);
  if (expr === undefined) return undefined;
  if (unstorable.has(expr.type.kind)) {
    const description = `A dimension cannot be of type ${typeName(expr.type)}; cast it, for example to text.`;
    context.violations.add(`${field}.column`, description);
    return undefined;
  }
  const { name, grain } = spec;
  return { name, expr, type: expr.type, ...(grain === undefined ? {} : { grain }) };
}

/** `date_trunc` as PostgreSQL types it, but of a date a date again (ADR 0101). */
function truncated(
  { column }: DimensionSpec,
  grain: Grain,
  base: Expr,
  field: string,
  { binder, partition, violations }: Context,
): Expr | undefined {
  switch (base.type.kind) {
    case 'timestamp':
    case 'timestamptz':
      return binder.bind(`date_trunc('${grain}', (${column}\n))`, field);
    case 'date':
      return dateTruncated(column, grain, base);
    default:
      if (partition?.format !== undefined && exprKey(partition.column) === exprKey(base)) {
        const date = dateOfFormat(column, partition);
        if (date !== undefined) return dateTruncated(date, grain, binder.bind(date, field));
      }
      violations.add(
        `${field}.grain`,
        `A grain needs a date or timestamp, and this is ${typeName(base.type)}; declare a computed column that makes one.`,
      );
      return undefined;
  }

  function dateTruncated(text: string, of: Grain, whole: Expr | undefined): Expr | undefined {
    if (of === 'hour' || of === 'minute') {
      violations.add(`${field}.grain`, `A date has no ${of}; use day or coarser.`);
      return undefined;
    }
    if (of === 'day') return whole;
    return binder.bind(`cast(date_trunc('${of}', cast((${text}\n) as timestamp)) as date)`, field);
  }
}

/** The stored dimension that is the key of the lookup from which this one comes. */
function derivation(
  spec: DimensionSpec,
  field: string,
  specs: readonly DimensionSpec[],
  plain: readonly (Dimension | undefined)[],
  { lookups, violations }: Context,
): Dimension['derivedFrom'] {
  const position = specs.findIndex(({ name }) => name === spec.derivedFrom);
  const names = specs.map(({ name }) => name).filter((name) => name !== spec.name);
  if (position < 0 || specs[position] === spec) {
    violations.unknown(field, 'other dimension', spec.derivedFrom!, names);
    return undefined;
  }
  const own = plain[specs.indexOf(spec)]!;
  const aliases = new Set(columnsOf(own.expr).map(({ relation }) => relation));
  const lookup = lookups.find(({ alias }) => aliases.has(alias));
  if (aliases.size !== 1 || lookup === undefined) {
    violations.add(
      field,
      `A derived dimension is computed from the columns of one lookup; ${spec.name} uses ${[...aliases].join(', ')}. Remove derivedFrom to store it.`,
    );
    return undefined;
  }
  return keyOf(
    lookup,
    { position, spec: specs[position]!, key: plain[position] },
    field,
    violations,
  );
}

function keyOf(
  lookup: Lookup,
  wanted: { position: number; spec: DimensionSpec; key: Dimension | undefined },
  field: string,
  violations: Violations,
): Dimension['derivedFrom'] {
  const { position, spec, key } = wanted;
  const [first, ...more] = lookup.keys;
  const described = `${lookup.parent}.${first?.parentColumn}`;
  if (key === undefined) return undefined; // It has a violation of its own.
  if (more.length > 0) {
    violations.add(
      field,
      `${lookup.alias} is joined by ${lookup.keys.length} columns, so no single dimension is its key; remove derivedFrom to store this one.`,
    );
  } else if (spec.derivedFrom !== undefined) {
    violations.add(
      field,
      `${spec.name} is derived itself; derive from a dimension that is stored.`,
    );
  } else if (!isKeyColumn(key.expr, lookup)) {
    violations.add(
      field,
      `${spec.name} is not the key by which ${lookup.alias} is joined; derive from a dimension with column ${described}.`,
    );
  } else return { dimension: position, lookup: lookup.alias };
  return undefined;
}

function isKeyColumn(expr: Expr, { alias, parent, keys }: Lookup): boolean {
  if (expr.kind !== 'column') return false;
  const [key] = keys;
  return (
    (expr.relation === parent && expr.name === key?.parentColumn) ||
    (expr.relation === alias && expr.name === key?.column)
  );
}

/** Positions in `dimensions` of each hierarchy's members. */
export function resolveHierarchies(
  hierarchies: readonly (readonly string[])[],
  names: readonly string[],
  violations: Violations,
): number[][] {
  return hierarchies.map((members, i) => {
    const entries = members.map((name, j) => ({ field: `hierarchies[${i}][${j}]`, name }));
    violations.unique(entries, `members of hierarchies[${i}]`);
    if (members.length < 2) {
      violations.add(
        `hierarchies[${i}]`,
        'A hierarchy has at least two dimensions, coarse to fine.',
      );
    }
    return entries.flatMap(({ field, name }) => {
      const position = names.indexOf(name);
      if (position < 0) violations.unknown(field, 'dimension', name, names);
      return position < 0 ? [] : [position];
    });
  });
}
