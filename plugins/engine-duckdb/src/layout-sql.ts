import { invariant } from '@tessera/base';
import type { DataType } from '@tessera/columnar';
import type { BuildMeasure, BuildPlan, LayoutStep } from '@tessera/cube';
import { duckdbType, quoteName } from '@tessera/duckdb';
import { segmentColumn } from './flat.ts';

/** SQL of one layout for all segments at once, from the flat relation, its parent, or stored files of itself. */

/** Tables (value, id) of the dictionaries, by name. */
export type DictionaryTables = ReadonlyMap<string, string>;

/** Types of the flat columns, by name. */
export type FlatTypes = ReadonlyMap<string, DataType>;

export function layoutFromFlat(
  step: LayoutStep,
  flat: string,
  types: FlatTypes,
  dictionaries: DictionaryTables,
): string {
  return step.kind === 'distinct'
    ? bitsFromFlat(step, flat, dictionaries)
    : rowsFromFlat(step, flat, types);
}

/** From a relation with the columns of a layout that holds at least these dimensions and measures. */
export function layoutFromLayout(step: LayoutStep, parent: string): string {
  const keys = keysOf(step);
  if (step.kind === 'distinct') {
    const { bucket, bits } = wordColumns(step);
    return `SELECT ${[...keys, bucket, `bit_or(${bits}) AS ${bits}`].join(', ')} FROM ${parent} GROUP BY ${[...keys, bucket].join(', ')}`;
  }
  const measures = step.measures.map((measure) => rollUpSql(measure, step));
  return `SELECT ${[...keys, ...measures].join(', ')} FROM ${withMeans(step, parent)} GROUP BY ${keys.join(', ')}`;
}

function keysOf(step: LayoutStep): string[] {
  return [segmentColumn, ...step.dimensions].map(quoteName);
}

function rowsFromFlat(step: LayoutStep, flat: string, types: FlatTypes): string {
  const keys = keysOf(step);
  const measures = step.measures.map((measure) => {
    const value = `${firstSql(measure, types)}::${duckdbType(measure.type)}`;
    return `${value} AS ${quoteName(measure.column)}`;
  });
  return `SELECT ${[...keys, ...measures].join(', ')} FROM ${flat} GROUP BY ${keys.join(', ')}`;
}

function firstSql(measure: BuildMeasure, types: FlatTypes): string {
  const filter = measure.filter ? ` FILTER (WHERE ${quoteName(measure.filter)})` : '';
  const arg = measure.arg === undefined ? '*' : quoteName(measure.arg);
  switch (measure.fn) {
    case 'count':
      return `count(${arg})${filter}`;
    case 'sum':
      return `sum(${arg})${filter}`;
    case 'sum_squares':
      return `sum(${squareSql(arg, types.get(measure.arg ?? ''))})${filter}`;
    case 'min':
    case 'max':
      return `${measure.fn}(${arg})${filter}`;
    case 'm2':
      return `(var_pop(${arg}::DOUBLE)${filter} * count(${arg})${filter})`;
    case 'distinct_bits':
      throw new Error('Broken invariant: distinct bits in a rows layout');
  }
}

/** Exact for exact types: integers are squared with 128 bits, decimals in their own digits. */
function squareSql(arg: string, type: DataType | undefined): string {
  switch (type?.kind) {
    case 'smallint':
    case 'integer':
    case 'bigint':
      return `${arg}::HUGEINT * ${arg}::HUGEINT`;
    case 'numeric':
      return `${arg} * ${arg}`;
    default:
      return `${arg}::DOUBLE * ${arg}::DOUBLE`;
  }
}

function rollUpSql(measure: BuildMeasure, step: LayoutStep): string {
  const column = quoteName(measure.column);
  const type = duckdbType(measure.type);
  switch (measure.fn) {
    case 'count':
    case 'sum':
    case 'sum_squares':
      return `sum(${column})::${type} AS ${column}`;
    case 'min':
    case 'max':
      return `${measure.fn}(${column})::${type} AS ${column}`;
    case 'm2': {
      const { count, sum } = partsOf(measure, step);
      const deviation = `(${sum} / ${count} - ${quoteName(meanColumn(measure))})`;
      return `sum(${column} + ${count} * ${deviation} * ${deviation})::${type} AS ${column}`;
    }
    case 'distinct_bits':
      throw new Error('Broken invariant: distinct bits in a rows layout');
  }
}

const meanColumn = (measure: BuildMeasure) => `mean ${measure.column}`;

/** The parent with the mean of each group beside its rows, where squared deviations are rolled up. */
function withMeans(step: LayoutStep, parent: string): string {
  const means = step.measures
    .filter((measure) => measure.fn === 'm2')
    .map((measure) => {
      const { count, sum } = partsOf(measure, step);
      const over = `OVER (PARTITION BY ${keysOf(step).join(', ')})`;
      return `sum(${sum}) ${over} / sum(${count}) ${over} AS ${quoteName(meanColumn(measure))}`;
    });
  return means.length === 0 ? parent : `(SELECT *, ${means.join(', ')} FROM ${parent})`;
}

/** The count and the sum (as doubles, NULL where nothing was counted) of the same values as an m2. */
function partsOf(measure: BuildMeasure, step: LayoutStep): { count: string; sum: string } {
  const part = (fn: 'count' | 'sum') => {
    const found = step.measures.find(
      (other) => other.fn === fn && other.arg === measure.arg && other.filter === measure.filter,
    );
    invariant(found, `m2 ${measure.column} stands beside its ${fn}`);
    return quoteName(found.column);
  };
  return { count: `nullif(${part('count')}, 0)::DOUBLE`, sum: `${part('sum')}::DOUBLE` };
}

function wordColumns(step: LayoutStep): { bucket: string; bits: string } {
  const named = (role: 'bucket' | 'bits') => {
    const column = step.columns.find((candidate) => candidate.role === role);
    invariant(column, `layout ${step.layout} has a column for ${role}`);
    return quoteName(column.name);
  };
  return { bucket: named('bucket'), bits: named('bits') };
}

/** Names that no dimension has, because theirs have no space. */
const idColumn = quoteName('tessera id');
const valueColumn = quoteName('tessera value');

/** bucket = id >> 6 (arithmetic, so negative ids work), bits = words with bit (id & 63) set. */
function bitsFromFlat(step: LayoutStep, flat: string, dictionaries: DictionaryTables): string {
  const [measure] = step.measures;
  invariant(measure?.arg, `distinct layout ${step.layout} has one measure with an argument`);
  const keys = keysOf(step);
  const { bucket, bits } = wordColumns(step);
  const arg = quoteName(measure.arg);
  const conditions = [`${arg} IS NOT NULL`];
  if (measure.filter) conditions.push(quoteName(measure.filter));
  const dictionary = measure.dictionary && dictionaries.get(measure.dictionary);
  invariant(!measure.dictionary || dictionary, `dictionary ${measure.dictionary} was made`);
  const from = dictionary
    ? `${flat} JOIN (SELECT value AS ${valueColumn}, id AS ${idColumn} FROM ${dictionary}) ON ${arg} = ${valueColumn}`
    : flat;
  const id = dictionary ? idColumn : `${arg}::BIGINT AS ${idColumn}`;
  const ids = `SELECT ${keys.join(', ')}, ${id} FROM ${from} WHERE ${conditions.join(' AND ')}`;
  const bit = `(${idColumn} & 63)`;
  const word = `CASE WHEN ${bit} = 63 THEN (-9223372036854775808)::BIGINT ELSE 1::BIGINT << ${bit} END`;
  return `SELECT ${keys.join(', ')}, (${idColumn} >> 6)::BIGINT AS ${bucket}, bit_or(${word}) AS ${bits} FROM (${ids}) GROUP BY ${keys.join(', ')}, ${idColumn} >> 6`;
}

/** Layouts that still need each layout as their parent. */
export function childrenOf(plan: Pick<BuildPlan, 'layouts'>): Map<string, Set<string>> {
  const children = new Map<string, Set<string>>();
  for (const step of plan.layouts) {
    if (step.parent === undefined) continue;
    const siblings = children.get(step.parent) ?? new Set();
    children.set(step.parent, siblings.add(step.layout));
  }
  return children;
}
