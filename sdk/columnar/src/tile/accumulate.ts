import { invariant } from '@tessera/base';
import { codedOf } from './condition.ts';
import { GroupTable } from './group-table.ts';
import type { CodedColumn, NumberColumn, Tile } from './tile.ts';

/** An aggregate over columns of tiles. `exact`: sums would leave 2^53, so they are made of bigints. */
export type TileAggregate =
  | { readonly fn: 'sum'; readonly column: string; readonly exact: boolean }
  | { readonly fn: 'min' | 'max'; readonly column: string; readonly coded: boolean }
  | { readonly fn: 'm2'; readonly count: string; readonly sum: string; readonly m2: string }
  | {
      readonly fn: 'bits';
      readonly bucket: string;
      readonly bucketCount: number;
      readonly bits: string;
    };

/** What an aggregate gives for each group. */
export type AggregateResult =
  /** `seen` is 0 where there was no value. */
  | {
      readonly kind: 'numbers';
      readonly values: ArrayLike<number | bigint>;
      readonly seen: Uint8Array;
    }
  /** 0 where there was no value. */
  | { readonly kind: 'codes'; readonly codes: Uint32Array }
  | { readonly kind: 'bits'; readonly words: readonly BitWord[] };

/** The 64 bits that a group has in a bucket. */
export interface BitWord {
  readonly group: number;
  readonly bucketCode: number;
  readonly low: number;
  readonly high: number;
}

/** Takes the rows of one tile after another, as (row, group) pairs. */
export interface Accumulator {
  begin(tile: Tile): void;
  /** There are `groupCount` groups by now. */
  add(rows: Uint32Array, groups: Uint32Array, count: number, groupCount: number): void;
  result(groupCount: number): AggregateResult;
}

export function accumulatorOf(aggregate: TileAggregate): Accumulator {
  switch (aggregate.fn) {
    case 'sum':
      return aggregate.exact ? new ExactSum(aggregate.column) : new Sum(aggregate.column);
    case 'm2':
      return new Deviations(aggregate);
    case 'bits':
      return new Bits(aggregate);
    default: {
      const { column, coded, fn } = aggregate;
      return coded ? new ExtremeCode(column, fn) : new ExtremeNumber(column, fn);
    }
  }
}

function numbersOf(tile: Tile, name: string): NumberColumn {
  const column = tile.columns.get(name);
  invariant(column?.kind === 'numbers', `column ${name} is held as numbers`);
  return column;
}

/** Room for at least `count` values, twice as much when it grows. */
function grown<T extends Float64Array | Uint32Array | Uint8Array>(values: T, count: number): T {
  if (count <= values.length) return values;
  const larger = new (values.constructor as new (length: number) => T)(
    Math.max(count, values.length * 2),
  );
  larger.set(values);
  return larger;
}

class Sum implements Accumulator {
  readonly #name: string;
  #column: NumberColumn | undefined;
  #sums = new Float64Array(64);
  #seen = new Uint8Array(64);

  constructor(name: string) {
    this.#name = name;
  }

  begin(tile: Tile): void {
    this.#column = numbersOf(tile, this.#name);
  }

  add(rows: Uint32Array, groups: Uint32Array, count: number, groupCount: number): void {
    this.#sums = grown(this.#sums, groupCount);
    this.#seen = grown(this.#seen, groupCount);
    const { nulls } = this.#column!;
    const values = this.#column!.values as Float64Array;
    const sums = this.#sums;
    const seen = this.#seen;
    for (let i = 0; i < count; i++) {
      const row = rows[i]!;
      if (nulls !== undefined && nulls[row] === 1) continue;
      const group = groups[i]!;
      sums[group] = sums[group]! + values[row]!;
      seen[group] = 1;
    }
  }

  result(groupCount: number): AggregateResult {
    return {
      kind: 'numbers',
      values: grown(this.#sums, groupCount),
      seen: grown(this.#seen, groupCount),
    };
  }
}

class ExactSum implements Accumulator {
  readonly #name: string;
  #column: NumberColumn | undefined;
  readonly #sums: bigint[] = [];
  #seen = new Uint8Array(64);

  constructor(name: string) {
    this.#name = name;
  }

  begin(tile: Tile): void {
    this.#column = numbersOf(tile, this.#name);
  }

  add(rows: Uint32Array, groups: Uint32Array, count: number, groupCount: number): void {
    while (this.#sums.length < groupCount) this.#sums.push(0n);
    this.#seen = grown(this.#seen, groupCount);
    const { nulls, values } = this.#column!;
    for (let i = 0; i < count; i++) {
      const row = rows[i]!;
      if (nulls?.[row] === 1) continue;
      const group = groups[i]!;
      this.#sums[group] = this.#sums[group]! + BigInt(values[row]!);
      this.#seen[group] = 1;
    }
  }

  result(groupCount: number): AggregateResult {
    while (this.#sums.length < groupCount) this.#sums.push(0n);
    return { kind: 'numbers', values: this.#sums, seen: grown(this.#seen, groupCount) };
  }
}

class ExtremeCode implements Accumulator {
  readonly #name: string;
  readonly #isMax: boolean;
  #column: CodedColumn | undefined;
  #best = new Uint32Array(64);

  constructor(name: string, fn: 'min' | 'max') {
    this.#name = name;
    this.#isMax = fn === 'max';
  }

  begin(tile: Tile): void {
    this.#column = codedOf(tile, this.#name);
  }

  add(rows: Uint32Array, groups: Uint32Array, count: number, groupCount: number): void {
    this.#best = grown(this.#best, groupCount);
    const { codes } = this.#column!;
    const best = this.#best;
    for (let i = 0; i < count; i++) {
      const code = codes[rows[i]!]!;
      if (code === 0) continue;
      const group = groups[i]!;
      const held = best[group]!;
      if (held === 0 || (this.#isMax ? code > held : code < held)) best[group] = code;
    }
  }

  result(groupCount: number): AggregateResult {
    return { kind: 'codes', codes: grown(this.#best, groupCount) };
  }
}

/** NaN is above every other number, as in PostgreSQL. */
class ExtremeNumber implements Accumulator {
  readonly #name: string;
  readonly #isMax: boolean;
  #column: NumberColumn | undefined;
  readonly #best: (number | bigint)[] = [];
  #seen = new Uint8Array(64);

  constructor(name: string, fn: 'min' | 'max') {
    this.#name = name;
    this.#isMax = fn === 'max';
  }

  begin(tile: Tile): void {
    this.#column = numbersOf(tile, this.#name);
  }

  add(rows: Uint32Array, groups: Uint32Array, count: number, groupCount: number): void {
    this.#seen = grown(this.#seen, groupCount);
    while (this.#best.length < groupCount) this.#best.push(0);
    const { nulls, values } = this.#column!;
    for (let i = 0; i < count; i++) {
      const row = rows[i]!;
      if (nulls?.[row] === 1) continue;
      const group = groups[i]!;
      const value = values[row]!;
      if (this.#seen[group] === 1 && !this.#isBetter(value, this.#best[group]!)) continue;
      this.#best[group] = value;
      this.#seen[group] = 1;
    }
  }

  #isBetter(value: number | bigint, held: number | bigint): boolean {
    const [high, low] = this.#isMax ? [value, held] : [held, value];
    return high > low || (Number.isNaN(high) && !Number.isNaN(low));
  }

  result(groupCount: number): AggregateResult {
    while (this.#best.length < groupCount) this.#best.push(0);
    return { kind: 'numbers', values: this.#best, seen: grown(this.#seen, groupCount) };
  }
}

/** Chan, Golub and LeVeque: M2 = M2a + M2b + delta² · na · nb / (na + nb), stable where sums of squares cancel. */
class Deviations implements Accumulator {
  readonly #names: { readonly count: string; readonly sum: string; readonly m2: string };
  #columns: readonly NumberColumn[] = [];
  #counts = new Float64Array(64);
  #sums = new Float64Array(64);
  #squares = new Float64Array(64);

  constructor(names: { readonly count: string; readonly sum: string; readonly m2: string }) {
    this.#names = names;
  }

  begin(tile: Tile): void {
    const { count, sum, m2 } = this.#names;
    this.#columns = [count, sum, m2].map((name) => numbersOf(tile, name));
  }

  add(rows: Uint32Array, groups: Uint32Array, count: number, groupCount: number): void {
    this.#counts = grown(this.#counts, groupCount);
    this.#sums = grown(this.#sums, groupCount);
    this.#squares = grown(this.#squares, groupCount);
    const [counts, sums, squares] = this.#columns as [NumberColumn, NumberColumn, NumberColumn];
    for (let i = 0; i < count; i++) {
      const row = rows[i]!;
      const n = counts.nulls?.[row] === 1 ? 0 : Number(counts.values[row]!);
      if (n === 0) continue;
      const group = groups[i]!;
      const [sum, m2] = [Number(sums.values[row]!), Number(squares.values[row]!)];
      const held = this.#counts[group]!;
      const delta = held === 0 ? 0 : sum / n - this.#sums[group]! / held;
      this.#squares[group] = this.#squares[group]! + m2 + delta * delta * ((held * n) / (held + n));
      this.#sums[group] = this.#sums[group]! + sum;
      this.#counts[group] = held + n;
    }
  }

  result(groupCount: number): AggregateResult {
    const counts = grown(this.#counts, groupCount);
    const seen = Uint8Array.from(counts, (count) => (count > 0 ? 1 : 0));
    return { kind: 'numbers', values: grown(this.#squares, groupCount), seen };
  }
}

/** Unites the words of 64 bits that a group has in each bucket. */
class Bits implements Accumulator {
  readonly #names: { readonly bucket: string; readonly bits: string };
  readonly #bucketCount: number;
  readonly #table: GroupTable;
  readonly #keys = new Float64Array(1_024);
  readonly #slots = new Uint32Array(1_024);
  #lows = new Uint32Array(64);
  #highs = new Uint32Array(64);
  #buckets: CodedColumn | undefined;
  #bits: NumberColumn | undefined;

  constructor(names: {
    readonly bucket: string;
    readonly bits: string;
    readonly bucketCount: number;
  }) {
    this.#names = names;
    this.#bucketCount = names.bucketCount;
    this.#table = new GroupTable(Number.MAX_SAFE_INTEGER);
  }

  begin(tile: Tile): void {
    this.#buckets = codedOf(tile, this.#names.bucket);
    this.#bits = numbersOf(tile, this.#names.bits);
  }

  add(rows: Uint32Array, groups: Uint32Array, count: number): void {
    const { codes } = this.#buckets!;
    const { values, nulls } = this.#bits!;
    for (let i = 0; i < count; i++) {
      this.#keys[i] = groups[i]! * this.#bucketCount + codes[rows[i]!]!;
    }
    this.#table.number(this.#keys, count, this.#slots);
    this.#lows = grown(this.#lows, this.#table.count);
    this.#highs = grown(this.#highs, this.#table.count);
    for (let i = 0; i < count; i++) {
      const row = rows[i]!;
      if (nulls?.[row] === 1) continue;
      const slot = this.#slots[i]!;
      const word = values[row]!;
      if (typeof word === 'number') {
        this.#lows[slot]! |= word >>> 0;
        this.#highs[slot]! |= Math.floor(word / 4_294_967_296);
      } else {
        this.#lows[slot]! |= Number(BigInt.asUintN(32, word));
        this.#highs[slot]! |= Number(BigInt.asUintN(32, word >> 32n));
      }
    }
  }

  result(): AggregateResult {
    const words = Array.from(this.#table.keys, (key, slot): BitWord => {
      const bucketCode = key % this.#bucketCount;
      const group = (key - bucketCode) / this.#bucketCount;
      return { group, bucketCode, low: this.#lows[slot]!, high: this.#highs[slot]! };
    });
    return { kind: 'bits', words: words.filter(({ low, high }) => (low | high) !== 0) };
  }
}
