import {
  type Column,
  type ColumnBatch,
  columnFromValues,
  type DataType,
  heldScale,
  rescale,
  takeColumn,
  type Value,
} from '@tessera/columnar';
import {
  type AggregateResult,
  type BitWord,
  type Condition,
  type FilteredAggregate,
  maxPossibleGroups,
  type NumberColumn,
  type Tile,
  type TileAggregate,
  type TileGroups,
  type TileKey,
  type TileScan,
} from '@tessera/columnar/tile';
import {
  firstRows,
  layoutRelation,
  type ScanAggregate,
  type ScanPlan,
  scanSchema,
} from '@tessera/cube';
import { NotCompiled } from '@tessera/sql';
import { badScanPlan } from '../errors.ts';
import type { CodeExpressions } from './code-expressions.ts';
import { type DistinctKeys, distinctKeys } from './distinct-keys.ts';
import type { LayoutTiles } from './layout-tiles.ts';
import { NotForTiles } from './not-for-tiles.ts';

/** A scan plan as it is run over tiles, and how its rows are made of what comes out. */
export interface PreparedScan {
  readonly scan: TileScan;
  readonly batch: (groups: TileGroups) => ColumnBatch;
}

/**
 * Turns a scan plan, without parameters, into a scan of tiles.
 * @throws NotForTiles; BAD_SCAN_PLAN when it names a column that the layout does not have.
 */
export class ScanPreparation {
  readonly #plan: ScanPlan;
  readonly #layout: LayoutTiles;
  readonly #tiles: readonly Tile[];
  readonly #expressions: CodeExpressions;

  constructor(
    plan: ScanPlan,
    layout: LayoutTiles,
    tiles: readonly Tile[],
    expressions: CodeExpressions,
  ) {
    this.#plan = plan;
    this.#layout = layout;
    this.#tiles = tiles;
    this.#expressions = expressions;
  }

  async prepare(): Promise<PreparedScan> {
    const plan = this.#plan;
    const keys = await this.#keys();
    if (keys.reduce((product, { count }) => product * count, 1) > maxPossibleGroups) {
      throw new NotForTiles('too many possible groups');
    }
    const aggregates: PreparedAggregate[] = [];
    for (const aggregate of plan.aggregates) aggregates.push(await this.#aggregate(aggregate));
    const scan = { filter: await this.#filter(), keys, aggregates };
    const top = topOf(plan);
    const batch = (groups: TileGroups) => {
      const columns = keys.map(({ values }, i) => takeColumn(values, groups.keys[i]!));
      return top(this.#rows(groups, columns, aggregates));
    };
    return { scan, batch };
  }

  async #keys(): Promise<(TileKey & DistinctKeys)[]> {
    const keys: (TileKey & DistinctKeys)[] = [];
    for (const { expr } of this.#plan.groupBy) {
      const { column, values } = await this.#expressions.values(expr);
      keys.push({ column, ...distinctKeys(values) });
    }
    return keys;
  }

  #rows(
    groups: TileGroups,
    keys: readonly Column[],
    aggregates: readonly PreparedAggregate[],
  ): ColumnBatch {
    const schema = scanSchema(this.#plan);
    const words = this.#plan.aggregates.findIndex(({ fn }) => fn === 'distinct_bits');
    if (words >= 0) {
      const [bucket, bits] = aggregates[words]!.columns(groups.aggregates[words]!, groups);
      const owners = (groups.aggregates[words] as { readonly words: readonly BitWord[] }).words;
      const taken = keys.map((column) =>
        takeColumn(
          column,
          owners.map(({ group }) => group),
        ),
      );
      return { schema, rowCount: owners.length, columns: [...taken, bucket!, bits!] };
    }
    const columns = aggregates.flatMap((each, i) => each.columns(groups.aggregates[i]!, groups));
    return { schema, rowCount: groups.groupCount, columns: [...keys, ...columns] };
  }

  async #filter(): Promise<Condition | undefined> {
    const args: Condition[] = [];
    for (const { alias, inner } of this.#plan.lookups) {
      if (inner) args.push(this.#expressions.hasPartner(alias));
    }
    if (this.#plan.filter !== undefined) {
      args.push(await this.#expressions.condition(this.#plan.filter));
    }
    return args.length === 0 ? undefined : { kind: 'and', args };
  }

  async #aggregate(wanted: ScanAggregate): Promise<PreparedAggregate> {
    const filter = wanted.filter && (await this.#expressions.condition(wanted.filter));
    const prepared = await this.#unfiltered(wanted);
    return filter === undefined ? prepared : { ...prepared, filter };
  }

  async #unfiltered({ fn, args, type }: ScanAggregate): Promise<PreparedAggregate> {
    switch (fn) {
      case 'sum':
      case 'count_sum':
        return this.#sum(this.#numbers(args, 0), type, fn === 'count_sum');
      case 'm2': {
        const [count, sum, m2] = [0, 1, 2].map((index) => this.#numbers(args, index));
        return {
          aggregate: { fn, count: count!, sum: sum!, m2: m2! },
          columns: (result, { groupCount }) => [
            numbers(result, groupCount, { kind: 'double' }, type),
          ],
        };
      }
      case 'min':
      case 'max':
        return this.#extreme(fn, args, type);
      default:
        return this.#distinct(fn, args, type);
    }
  }

  #sum(name: string, type: DataType, zero: boolean): PreparedAggregate {
    const held = this.#layout.types.get(name)!;
    const columns = this.#tiles.map((tile) => tile.columns.get(name) as NumberColumn);
    const rowCount = this.#tiles.reduce((sum, tile) => sum + tile.rowCount, 0);
    const largest = columns.reduce(
      (most, { largest = 0n }) => (largest > most ? largest : most),
      0n,
    );
    const exact = largest * BigInt(rowCount) > BigInt(Number.MAX_SAFE_INTEGER);
    return {
      aggregate: { fn: 'sum', column: name, exact },
      columns: (result, { groupCount }) => [numbers(result, groupCount, held, type, zero)],
    };
  }

  async #extreme(
    fn: 'min' | 'max',
    args: ScanAggregate['args'],
    type: DataType,
  ): Promise<PreparedAggregate> {
    const [arg] = args;
    const held = arg?.kind === 'column' && arg.relation === layoutRelation ? arg.name : undefined;
    if (held !== undefined && !this.#layout.dictionaries.has(held)) {
      const column = this.#numbers(args, 0);
      return {
        aggregate: { fn, column, coded: false },
        columns: (result, { groupCount }) => [
          numbers(result, groupCount, this.#layout.types.get(column)!, type),
        ],
      };
    }
    if (held === undefined) throw new NotForTiles('an extreme of an expression');
    if (arg!.type.kind !== type.kind) throw new NotForTiles('an extreme of another type');
    const { column, values } = await this.#expressions.values(arg!);
    return {
      aggregate: { fn, column, coded: true },
      columns: (result, { groupCount }) => [
        takeColumn(
          values,
          (result as { readonly codes: Uint32Array }).codes.subarray(0, groupCount),
        ),
      ],
    };
  }

  async #distinct(
    fn: 'distinct' | 'distinct_bits',
    args: ScanAggregate['args'],
    type: DataType,
  ): Promise<PreparedAggregate> {
    const [bucketOf] = args;
    if (bucketOf === undefined) throw badScanPlan('an aggregate lacks its argument 1');
    const { column, values } = await this.#expressions.values(bucketOf);
    const aggregate: TileAggregate = {
      fn: 'bits',
      bucket: column,
      bucketCount: values.values.length,
      bits: this.#numbers(args, 1),
    };
    if (fn === 'distinct') {
      return {
        aggregate,
        columns: (result, { groupCount }) => [countBits(result, groupCount, type)],
      };
    }
    return { aggregate, columns: (result) => wordColumns(result, values) };
  }

  /** The bare column of an argument, which is held as numbers. */
  #numbers(args: ScanAggregate['args'], index: number): string {
    const arg = args[index];
    if (arg === undefined) throw badScanPlan(`an aggregate lacks its argument ${index + 1}`);
    if (arg.kind !== 'column' || arg.relation !== layoutRelation) {
      throw new NotForTiles('an aggregate of an expression');
    }
    if (!this.#layout.types.has(arg.name)) {
      throw badScanPlan(`the layout has no column ${arg.name}`);
    }
    if (this.#layout.dictionaries.has(arg.name)) throw new NotForTiles('a sum of codes');
    return arg.name;
  }
}

interface PreparedAggregate extends FilteredAggregate {
  /** Its columns of the result. */
  readonly columns: (result: AggregateResult, groups: TileGroups) => Column[];
}

/** Results of one type as a column of another. @throws NUMERIC_OUT_OF_RANGE */
function numbers(
  result: AggregateResult,
  groupCount: number,
  held: DataType,
  wanted: DataType,
  zero = false,
): Column {
  const { values, seen } = result as Extract<AggregateResult, { readonly kind: 'numbers' }>;
  const isFloat = held.kind === 'double' || held.kind === 'real';
  const convert = isFloat ? (value: number | bigint) => value : rescale(wanted, heldScale(held));
  const none = zero ? convert(0) : null;
  return columnFromValues(
    wanted,
    Array.from(
      { length: groupCount },
      (_, group): Value => (seen[group] === 1 ? convert(values[group]!) : none),
    ),
  );
}

function countBits(result: AggregateResult, groupCount: number, type: DataType): Column {
  const counts = new Float64Array(groupCount);
  for (const { group, low, high } of (result as { readonly words: readonly BitWord[] }).words) {
    counts[group]! += bitCount(low) + bitCount(high);
  }
  return columnFromValues(type, Array.from(counts, rescale(type, 0)));
}

/** Warren, Hacker's Delight, figure 5-2. */
function bitCount(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

function wordColumns(result: AggregateResult, buckets: Column): Column[] {
  const { words } = result as { readonly words: readonly BitWord[] };
  const bits = words.map(({ low, high }) => BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low)));
  const bucket = takeColumn(
    buckets,
    words.map(({ bucketCode }) => bucketCode),
  );
  return [bucket, columnFromValues({ kind: 'bigint' }, bits)];
}

/** Keeps the first rows by the plan's order. */
function topOf({ topK, ...plan }: ScanPlan): (batch: ColumnBatch) => ColumnBatch {
  try {
    return firstRows(topK, scanSchema(plan));
  } catch (error) {
    if (error instanceof NotCompiled) throw new NotForTiles('an order that is not compiled');
    throw error;
  }
}
