import { invariant } from '@tessera/base';
import {
  type Accumulator,
  type AggregateResult,
  accumulatorOf,
  type TileAggregate,
} from './accumulate.ts';
import { type Condition, codedOf, TileFilter } from './condition.ts';
import { GroupTable } from './group-table.ts';
import { blockRows, type CodedColumn, type Tile } from './tile.ts';

/** What is to be computed over tiles of one layout, which share their dictionaries. */
export interface TileScan {
  readonly filter?: Condition | undefined;
  readonly keys: readonly TileKey[];
  readonly aggregates: readonly FilteredAggregate[];
}

/** A group key that depends on one column: `numbers` tells for each code which of `count` values it has. */
export interface TileKey {
  readonly column: string;
  readonly numbers: Uint32Array;
  readonly count: number;
}

export interface FilteredAggregate {
  readonly aggregate: TileAggregate;
  readonly filter?: Condition | undefined;
}

export interface TileGroups {
  readonly groupCount: number;
  /** Number of each group's value, for each key. */
  readonly keys: readonly Uint32Array[];
  readonly aggregates: readonly AggregateResult[];
  readonly work: TileWork;
}

/** How much a scan looked at. A tile is pruned when all of its blocks are. */
export interface TileWork {
  readonly rowsScanned: number;
  readonly blocksRead: number;
  readonly blocksPruned: number;
  readonly tilesPruned: number;
}

/** Keys of groups are whole numbers: more possible ones than this cannot be told apart. */
export const maxPossibleGroups = Number.MAX_SAFE_INTEGER;

/** Blocks between two pauses. */
const blocksPerStep = 64;

/**
 * Groups and aggregates the rows that pass, a block at a time: skips blocks that cannot pass by the ranges of their
 * codes, finds the rows of the others, numbers their groups, and adds them up. Without keys there is one group.
 * Pauses (yields) every `blocksPerStep` blocks; the caller may stop there.
 */
export function* scanTiles(
  tiles: readonly Tile[],
  scan: TileScan,
): Generator<undefined, TileGroups, undefined> {
  const grouper = new Grouper(scan.keys);
  const aggregates = scan.aggregates.map(({ aggregate }) => accumulatorOf(aggregate));
  const rows = new Uint32Array(blockRows);
  const groups = new Uint32Array(blockRows);
  const work = { rowsScanned: 0, blocksRead: 0, blocksPruned: 0, tilesPruned: 0 };
  let blocks = 0;
  for (const tile of tiles) {
    const filter = new TileFilter(scan.filter, tile);
    const sinks = scan.aggregates.map((each, i) => new Sink(aggregates[i]!, each.filter, tile));
    grouper.begin(tile);
    for (let start = 0; start < tile.rowCount; start += blockRows) {
      if (++blocks % blocksPerStep === 0) yield;
      const end = Math.min(start + blockRows, tile.rowCount);
      const count = filter.select(start, end, rows);
      if (count === 0) continue;
      grouper.number(rows, count, groups);
      for (const sink of sinks) sink.add(rows, groups, count, grouper.groupCount);
    }
    noteTile(work, tile, filter.pruned);
  }
  const { groupCount } = grouper;
  return {
    groupCount,
    keys: grouper.keys(),
    aggregates: aggregates.map((aggregate) => aggregate.result(groupCount)),
    work,
  };
}

/** Adds what was read of one tile. */
function noteTile(
  work: { -readonly [Name in keyof TileWork]: number },
  { rowCount }: Tile,
  pruned: { readonly blocks: number; readonly rows: number },
): void {
  const blocks = Math.ceil(rowCount / blockRows);
  work.rowsScanned += rowCount - pruned.rows;
  work.blocksRead += blocks - pruned.blocks;
  work.blocksPruned += pruned.blocks;
  if (pruned.blocks === blocks) work.tilesPruned++;
}

/** One aggregate over one tile, behind its own filter. */
class Sink {
  readonly #accumulator: Accumulator;
  readonly #filter: TileFilter | undefined;
  /** What its own filter keeps. */
  readonly #rows: Uint32Array;
  readonly #groups: Uint32Array;

  constructor(accumulator: Accumulator, filter: Condition | undefined, tile: Tile) {
    this.#accumulator = accumulator;
    this.#filter = filter && new TileFilter(filter, tile);
    const room = filter === undefined ? 0 : blockRows;
    this.#rows = new Uint32Array(room);
    this.#groups = new Uint32Array(room);
    accumulator.begin(tile);
  }

  add(rows: Uint32Array, groups: Uint32Array, count: number, groupCount: number): void {
    if (this.#filter === undefined) {
      this.#accumulator.add(rows, groups, count, groupCount);
      return;
    }
    this.#rows.set(rows.subarray(0, count));
    this.#groups.set(groups.subarray(0, count));
    const kept = this.#filter.narrow(this.#rows, this.#groups, count);
    this.#accumulator.add(this.#rows, this.#groups, kept, groupCount);
  }
}

/** Numbers the groups of rows by several keys, as one number of mixed radix. */
class Grouper {
  readonly #keys: readonly TileKey[];
  readonly #table: GroupTable;
  readonly #scratch = new Float64Array(blockRows);
  #columns: readonly CodedColumn[] = [];

  constructor(keys: readonly TileKey[]) {
    this.#keys = keys;
    const possible = keys.reduce((product, { count }) => product * count, 1);
    invariant(possible <= maxPossibleGroups, 'groups can be told apart by one number');
    this.#table = new GroupTable(possible);
  }

  get groupCount(): number {
    return this.#keys.length === 0 ? 1 : this.#table.count;
  }

  begin(tile: Tile): void {
    this.#columns = this.#keys.map(({ column }) => codedOf(tile, column));
  }

  number(rows: Uint32Array, count: number, groups: Uint32Array): void {
    if (this.#keys.length === 0) {
      groups.fill(0, 0, count);
      return;
    }
    const scratch = this.#scratch;
    for (let k = 0; k < this.#keys.length; k++) {
      const { numbers, count: radix } = this.#keys[k]!;
      const { codes } = this.#columns[k]!;
      if (k === 0) for (let i = 0; i < count; i++) scratch[i] = numbers[codes[rows[i]!]!]!;
      else {
        for (let i = 0; i < count; i++) {
          scratch[i] = scratch[i]! * radix + numbers[codes[rows[i]!]!]!;
        }
      }
    }
    this.#table.number(scratch, count, groups);
  }

  keys(): Uint32Array[] {
    const rest = Float64Array.from(this.#table.keys);
    const numbers: Uint32Array[] = [];
    for (const { count: radix } of this.#keys.toReversed()) {
      const digits = new Uint32Array(rest.length);
      for (let group = 0; group < rest.length; group++) {
        const digit = rest[group]! % radix;
        digits[group] = digit;
        rest[group] = (rest[group]! - digit) / radix;
      }
      numbers.unshift(digits);
    }
    return numbers;
  }
}
