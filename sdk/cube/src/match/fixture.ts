import type { DataType, Field, Value } from '@tessera/columnar';
import {
  type BindCatalog,
  bind,
  loadParser,
  parse,
  type Statement,
  type TableDefinition,
  typeName,
} from '@tessera/sql';
import { wantedLayouts } from '../lattice/wanted-layouts.ts';
import type {
  CubeState,
  LookupSnapshot,
  MatchedStatement,
  ModelState,
  SourceExtent,
} from '../matched.ts';
import type { Model } from '../model.ts';
import type { CubeSpec, ModelSpec } from '../model-spec.ts';
import { resolveModel } from '../resolve/resolve-model.ts';
import type { Segment, SegmentRange } from '../segment.ts';
import { daysOf, microsPerDay } from '../time/civil.ts';
import { type MatchOptions, matchStatement } from './match-statement.ts';

/** A small world for tests of matching: flights by month, built as the builder would, without any data. */
await loadParser();

const kinds: Readonly<Record<string, DataType>> = {
  int: { kind: 'integer' },
  big: { kind: 'bigint' },
  num: { kind: 'numeric', precision: 10, scale: 2 },
  double: { kind: 'double' },
  text: { kind: 'text' },
  date: { kind: 'date' },
  ts: { kind: 'timestamp' },
  tz: { kind: 'timestamptz' },
};

/** `origin text, delay int!` where `!` says that there are no NULLs. */
function table(name: string, columns: string): TableDefinition {
  const fields: Field[] = columns.split(', ').map((text) => {
    const [column, kind] = text.split(' ') as [string, string];
    const type = kinds[kind.replace('!', '')];
    if (type === undefined) throw new Error(`no type ${kind}`);
    return { name: column, type, nullable: !kind.endsWith('!') };
  });
  return { name: { source: 'files', table: name }, columns: fields };
}

const tables = [
  table(
    'flights',
    'date date, at ts, seen tz, datekey int, origin text, destination text, carrier text, delay int, distance int!, fuel int!, price num, speed double',
  ),
  table('airports', 'iata text, name text, state text, city_id int, elevation int'),
  table('cities', 'id int, country text'),
  table('dates', 'datekey int, year int, month int'),
  table('weather', 'station text, rain int'),
];

export const catalog: BindCatalog = {
  find: (name, source) =>
    source === undefined || source === 'files'
      ? tables.find((each) => each.name.table === name)
      : undefined,
  tables: () => tables.map(({ name }) => name),
};

export const flights: ModelSpec = {
  fact: { source: 'files', table: 'flights', alias: 'f' },
  joins: [
    { table: 'airports', alias: 'origin', on: 'f.origin = origin.iata', kind: 'left' },
    { table: 'airports', alias: 'dest', on: 'f.destination = dest.iata', kind: 'left' },
    { table: 'cities', alias: 'city', on: 'origin.city_id = city.id', kind: 'left' },
    { table: 'dates', alias: 'dates', on: 'f.datekey = dates.datekey', kind: 'inner' },
  ],
  partition: { column: 'f.date', grain: 'month' },
  dimensions: [
    { name: 'day', column: 'f.date', grain: 'day' },
    { name: 'month', column: 'f.date', grain: 'month' },
    { name: 'origin', column: 'f.origin' },
    { name: 'destination', column: 'f.destination' },
    { name: 'carrier', column: 'f.carrier' },
    { name: 'origin_state', column: 'origin.state' },
    { name: 'dest_state', column: 'dest.state', derivedFrom: 'destination' },
    { name: 'country', column: 'city.country' },
    { name: 'year', column: 'dates.year' },
  ],
  hierarchies: [],
  computedColumns: [],
  measures: [
    { name: 'flights', aggregate: 'count' },
    { name: 'delays', aggregate: 'count', column: 'f.delay' },
    { name: 'delay', aggregate: 'sum', column: 'f.delay' },
    { name: 'distance', aggregate: 'sum', column: 'f.distance' },
    { name: 'fuel', aggregate: 'sum', column: 'f.fuel' },
    { name: 'worst', aggregate: 'max', column: 'f.delay' },
    { name: 'late', aggregate: 'count', filter: 'f.delay > 15' },
    { name: 'spread', aggregate: 'stddev_samp', column: 'f.speed' },
    { name: 'price', aggregate: 'avg', column: 'f.price' },
    { name: 'price_spread', aggregate: 'var_pop', column: 'f.price' },
    { name: 'places', aggregate: 'count_distinct', column: 'f.delay' },
  ],
};

export const flightsCube: CubeSpec = {
  model: 'flights',
  groups: [],
  cuboids: [
    ['day', 'origin', 'destination', 'carrier', 'origin_state'],
    ['origin_state', 'day'],
    ['month', 'carrier'],
    ['year', 'country'],
    ['carrier'],
  ],
  segments: { every: 'month', autoMerge: [] },
};

export function micros(year: number, month: number, day = 1): bigint {
  return daysOf({ year: BigInt(year), month, day }) * microsPerDay;
}

export function months(year: number, from: number, to: number): SegmentRange[] {
  return Array.from({ length: to - from + 1 }, (_, i) => ({
    kind: 'range',
    start: micros(year, from + i),
    end: from + i === 12 ? micros(year + 1, 1) : micros(year, from + i + 1),
  }));
}

export interface World {
  readonly model: ModelSpec;
  readonly cube: CubeSpec;
  readonly ranges: readonly SegmentRange[];
  readonly extent?: SourceExtent;
  readonly pushDown: boolean;
  readonly stale: readonly string[];
  readonly unmatched: Readonly<Record<string, bigint>>;
  /** Changes a segment after it was made, for the odd ones. */
  readonly segment: (segment: Segment, index: number) => Segment;
}

export const usual: World = {
  model: flights,
  cube: flightsCube,
  ranges: months(2001, 1, 3),
  extent: {
    empty: false,
    minimum: micros(2001, 1),
    maximum: micros(2001, 3, 31),
    hasNulls: false,
  },
  pushDown: true,
  stale: [],
  unmatched: { origin: 5n, dest: 0n, city: 7n, dates: 0n },
  segment: (segment) => segment,
};

const snapshotIds: Readonly<Record<string, string>> = {
  ...{ origin: 'o1', dest: 'd1', city: 'c1', dates: 't1' },
};

/** A model whose wanted layouts are all built in every segment; more dimensions mean more rows. */
export function stateOf(change: Partial<World> = {}): ModelState {
  const world = { ...usual, ...change };
  const model = resolveModel('flights', 7n, world.model, catalog);
  const wanted = wantedLayouts(model, world.cube);
  const segments = world.ranges.map((range, i): Segment => {
    const segment: Segment = {
      id: `s${i}`,
      range,
      state: 'READY',
      layouts: wanted.map((layout) => ({
        ...layout,
        rowCount: rowsOf(layout.dimensions),
        sizeBytes: rowsOf(layout.dimensions) * 8n * BigInt(layout.columns.length),
        checksum: '',
        fileDigest: `${layout.id}@s${i}`,
        file: `${layout.id}/s${i}.parquet`,
      })),
      snapshots: snapshotIds,
      sourceVersions: {},
      modelRevision: 7n,
      sourceRows: 1000n,
      rejectedRows: 1n,
      builtAt: 100n + BigInt(i),
      unmatchedRows: world.unmatched,
    };
    return world.segment(segment, i);
  });
  const cube: CubeState = {
    name: 'cubes/flights',
    segments,
    stale: new Set(world.stale),
    ...(world.extent === undefined ? {} : { sourceExtent: world.extent }),
  };
  return { model, cubes: [cube], snapshots: snapshotsOf(model), pushDown: world.pushDown };
}

/** The snapshots that every segment was built with. */
function snapshotsOf({ lookups }: Model): ReadonlyMap<string, LookupSnapshot> {
  return new Map(
    lookups.map(({ alias, columns }) => {
      const id = snapshotIds[alias]!;
      const counts = { rowCount: 10n, sizeBytes: 100n, rejectedRows: 2n };
      return [id, { id, name: `projects/p/snapshots/${id}`, columns, ...counts }];
    }),
  );
}

/** Rows of a layout of one month. */
function rowsOf(dimensions: readonly string[]): bigint {
  const values: Readonly<Record<string, bigint>> = { day: 30n, month: 2n };
  return dimensions.reduce((rows, name) => rows * (values[name] ?? 10n), 1n);
}

export function statementOf(sql: string): Statement {
  return bind(parse(sql), catalog, { timeZone: 'UTC', now: 0n });
}

export function match(
  sql: string,
  change: Partial<World> = {},
  options: Partial<MatchOptions> = {},
): MatchedStatement {
  return matchStatement(statementOf(sql), [stateOf(change)], { cuboids: 'auto', ...options });
}

/** An expression, short, for comparing plans in tests. */
export function shown(expr: unknown): string {
  const e = expr as { kind: string; [key: string]: unknown };
  const list = (items: unknown): string => (items as unknown[]).map(shown).join(', ');
  switch (e.kind) {
    case 'literal':
      return shownValue(e['value'] as Value);
    case 'parameter':
      return `$${Number(e['index']) + 1}`;
    case 'column':
      return `${e['relation']}.${e['name']}`;
    case 'cast':
      return `${shown(e['arg'])}::${typeName(e['type'] as DataType)}`;
    case 'call':
      return `${e['fn']}(${list(e['args'])})`;
    case 'aggregate':
      return `${e['fn']}!(${e['distinct'] ? 'distinct ' : ''}${list(e['args'])}${e['filter'] ? ` if ${shown(e['filter'])}` : ''})`;
    case 'case': {
      const whens = (e['whens'] as { when: unknown; then: unknown }[]).map(
        (branch) => `${shown(branch.when)}: ${shown(branch.then)}`,
      );
      return `case(${whens.join('; ')}${e['otherwise'] ? `; ${shown(e['otherwise'])}` : ''})`;
    }
    default:
      return e.kind;
  }
}

function shownValue(value: Value): string {
  return typeof value === 'string' ? `'${value}'` : String(value);
}
