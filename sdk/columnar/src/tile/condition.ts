import { invariant } from '@tessera/base';
import { blockRows, type CodedColumn, type Tile } from './tile.ts';

/** SQL's three truths as numbers: AND is the smallest, OR the largest, NOT the rest to 2. */
export const truth = { no: 0, unknown: 1, yes: 2 } as const;

/** For each code of a column whether something holds: one of `truth`. */
export class CodeTest {
  readonly column: string;
  readonly truths: Uint8Array;
  /** How many codes below each one pass: tells at once what a range of codes can do. */
  readonly #passingBelow: Uint32Array;

  constructor(column: string, truths: Uint8Array) {
    this.column = column;
    this.truths = truths;
    this.#passingBelow = new Uint32Array(truths.length + 1);
    for (let code = 0; code < truths.length; code++) {
      const passes = truths[code] === truth.yes ? 1 : 0;
      this.#passingBelow[code + 1] = this.#passingBelow[code]! + passes;
    }
  }

  /** What the codes from `low` to `high` do: all pass, none, or it depends. */
  verdict(low: number, high: number): 'all' | 'none' | 'some' {
    const passing = this.#passingBelow[high + 1]! - this.#passingBelow[low]!;
    if (passing === 0) return 'none';
    return passing === high - low + 1 ? 'all' : 'some';
  }
}

/** A condition over the codes of several columns. */
export type Condition =
  | { readonly kind: 'codes'; readonly test: CodeTest }
  | { readonly kind: 'and' | 'or'; readonly args: readonly Condition[] }
  | { readonly kind: 'not'; readonly arg: Condition }
  | { readonly kind: 'constant'; readonly truth: number };

interface ColumnTest {
  readonly test: CodeTest;
  readonly column: CodedColumn;
}

/** A condition over one tile. Finds the rows that pass, block by block. */
export class TileFilter {
  readonly #tests: readonly ColumnTest[];
  /** Of the block in hand, the tests that some of its rows pass. */
  readonly #open: ColumnTest[] = [];
  readonly #others: readonly BlockTruths[];
  readonly #pruned = { blocks: 0, rows: 0 };

  constructor(condition: Condition | undefined, tile: Tile) {
    const conjuncts = condition === undefined ? [] : conjunctsOf(condition);
    this.#tests = conjuncts.flatMap((conjunct) =>
      conjunct.kind === 'codes'
        ? [{ test: conjunct.test, column: codedOf(tile, conjunct.test.column) }]
        : [],
    );
    this.#others = conjuncts
      .filter(({ kind }) => kind !== 'codes')
      .map((conjunct) => new BlockTruths(conjunct, tile));
  }

  /** What `select` left out so far without looking at rows. */
  get pruned(): { readonly blocks: number; readonly rows: number } {
    return this.#pruned;
  }

  /** Puts the rows from `start` to `end`, all of one block, that pass into `rows`; tells how many. */
  select(start: number, end: number, rows: Uint32Array): number {
    const block = Math.floor(start / blockRows);
    const open = this.#open;
    let openCount = 0;
    for (const each of this.#tests) {
      const verdict = each.test.verdict(each.column.lows[block]!, each.column.highs[block]!);
      if (verdict === 'none') {
        this.#pruned.blocks++;
        this.#pruned.rows += end - start;
        return 0;
      }
      if (verdict === 'some') open[openCount++] = each;
    }
    let count = end - start;
    if (openCount === 0) for (let i = 0; i < count; i++) rows[i] = start + i;
    for (let i = 0; i < openCount && count > 0; i++) {
      const { test, column } = open[i]!;
      count =
        i === 0
          ? selectRange(test.truths, column.codes, start, end, rows)
          : selectRows(test.truths, column.codes, rows, count);
    }
    for (const other of this.#others) count = other.select(start, end, rows, count);
    return count;
  }

  /** Of rows of one block, those that pass, in place; `ids` go along. Tells how many. */
  narrow(rows: Uint32Array, ids: Uint32Array, count: number): number {
    let kept = count;
    for (const { test, column } of this.#tests) {
      const { truths } = test;
      const { codes } = column;
      let next = 0;
      for (let i = 0; i < kept; i++) {
        if (truths[codes[rows[i]!]!] !== truth.yes) continue;
        rows[next] = rows[i]!;
        ids[next++] = ids[i]!;
      }
      kept = next;
    }
    for (const other of this.#others) kept = other.narrow(rows, ids, kept);
    return kept;
  }
}

function selectRange(
  truths: Uint8Array,
  codes: CodedColumn['codes'],
  start: number,
  end: number,
  rows: Uint32Array,
): number {
  let count = 0;
  for (let row = start; row < end; row++) {
    rows[count] = row;
    if (truths[codes[row]!] === truth.yes) count++;
  }
  return count;
}

function selectRows(
  truths: Uint8Array,
  codes: CodedColumn['codes'],
  rows: Uint32Array,
  count: number,
): number {
  let kept = 0;
  for (let i = 0; i < count; i++) {
    const row = rows[i]!;
    rows[kept] = row;
    if (truths[codes[row]!] === truth.yes) kept++;
  }
  return kept;
}

/** Truths of a condition for all rows of a block. */
class BlockTruths {
  readonly #condition: Condition;
  readonly #column: CodedColumn | undefined;
  readonly #children: readonly BlockTruths[];
  readonly #truths = new Uint8Array(blockRows);

  constructor(condition: Condition, tile: Tile) {
    this.#condition = condition;
    const { kind } = condition;
    this.#column = kind === 'codes' ? codedOf(tile, condition.test.column) : undefined;
    const children = kind === 'not' ? [condition.arg] : 'args' in condition ? condition.args : [];
    this.#children = children.map((child) => new BlockTruths(child, tile));
  }

  select(start: number, end: number, rows: Uint32Array, count: number): number {
    const truths = this.#of(start, end);
    let kept = 0;
    for (let i = 0; i < count; i++) {
      const row = rows[i]!;
      rows[kept] = row;
      if (truths[row - start] === truth.yes) kept++;
    }
    return kept;
  }

  narrow(rows: Uint32Array, ids: Uint32Array, count: number): number {
    if (count === 0) return 0;
    const start = rows[0]! - (rows[0]! % blockRows);
    const truths = this.#of(start, rows[count - 1]! + 1);
    let kept = 0;
    for (let i = 0; i < count; i++) {
      if (truths[rows[i]! - start] !== truth.yes) continue;
      rows[kept] = rows[i]!;
      ids[kept++] = ids[i]!;
    }
    return kept;
  }

  #of(start: number, end: number): Uint8Array {
    const condition = this.#condition;
    const truths = this.#truths;
    const count = end - start;
    switch (condition.kind) {
      case 'constant':
        return truths.fill(condition.truth, 0, count);
      case 'codes': {
        const { codes } = this.#column!;
        const byCode = condition.test.truths;
        for (let i = 0; i < count; i++) truths[i] = byCode[codes[start + i]!]!;
        return truths;
      }
      case 'not': {
        const arg = this.#children[0]!.#of(start, end);
        for (let i = 0; i < count; i++) truths[i] = truth.yes - arg[i]!;
        return truths;
      }
      default:
        return this.#combined(condition.kind, start, end);
    }
  }

  #combined(kind: 'and' | 'or', start: number, end: number): Uint8Array {
    const truths = this.#truths;
    const count = end - start;
    truths.fill(kind === 'and' ? truth.yes : truth.no, 0, count);
    for (const child of this.#children) {
      const other = child.#of(start, end);
      for (let i = 0; i < count; i++) {
        const isTaken = kind === 'and' ? other[i]! < truths[i]! : other[i]! > truths[i]!;
        if (isTaken) truths[i] = other[i]!;
      }
    }
    return truths;
  }
}

function conjunctsOf(condition: Condition): Condition[] {
  return condition.kind === 'and' ? condition.args.flatMap(conjunctsOf) : [condition];
}

export function codedOf(tile: Tile, name: string): CodedColumn {
  const column = tile.columns.get(name);
  invariant(column?.kind === 'coded', `column ${name} is held as codes`);
  return column;
}
