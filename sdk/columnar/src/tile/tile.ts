import type { Dictionary } from './dictionary.ts';

/**
 * Rows of a cuboid in memory: one array per column, in the order in which the cuboid is sorted. What is grouped
 * and filtered by is held as codes of a dictionary, what is summed as numbers. Tiles never change: who reads one
 * may go on while others are made from it.
 */
export interface Tile {
  readonly rowCount: number;
  readonly columns: ReadonlyMap<string, TileColumn>;
}

export type TileColumn = CodedColumn | NumberColumn;

export type Codes = Uint8Array | Uint16Array | Uint32Array;

export interface CodedColumn {
  readonly kind: 'coded';
  /** Of a dictionary that all tiles of a layout share; 0 is NULL. */
  readonly codes: Codes;
  /** Smallest and largest code of each block of `blockRows` rows. */
  readonly lows: Codes;
  readonly highs: Codes;
}

export interface NumberColumn {
  readonly kind: 'numbers';
  /** Integers, decimals without their point, or floats, in the narrowest form that holds them exactly. */
  readonly values: Int32Array | Float64Array | BigInt64Array | readonly bigint[];
  /** 1 where the value is NULL; absent: nowhere. */
  readonly nulls?: Uint8Array;
  /** No value is farther from 0. Absent for floats. */
  readonly largest?: bigint;
}

/** Rows that are filtered together, and skipped together when no code of theirs can pass. */
export const blockRows = 1_024;

/** Codes in the narrowest array that holds `size` different ones. */
export function codesOf(source: ArrayLike<number>, size: number): Codes {
  const codes = emptyCodes(source.length, size);
  codes.set(source);
  return codes;
}

/** Room for codes of `size` different values. */
export function emptyCodes(length: number, size: number): Codes {
  if (size <= 256) return new Uint8Array(length);
  return size <= 65_536 ? new Uint16Array(length) : new Uint32Array(length);
}

export function codedColumn(codes: Codes): CodedColumn {
  const blocks = Math.ceil(codes.length / blockRows);
  const lows = sameKind(codes, blocks);
  const highs = sameKind(codes, blocks);
  for (let block = 0; block < blocks; block++) {
    const end = Math.min(codes.length, (block + 1) * blockRows);
    let low = codes[block * blockRows]!;
    let high = low;
    for (let row = block * blockRows + 1; row < end; row++) {
      const code = codes[row]!;
      if (code < low) low = code;
      else if (code > high) high = code;
    }
    lows[block] = low;
    highs[block] = high;
  }
  return { kind: 'coded', codes, lows, highs };
}

function sameKind(codes: Codes, length: number): Codes {
  if (codes instanceof Uint8Array) return new Uint8Array(length);
  return codes instanceof Uint16Array ? new Uint16Array(length) : new Uint32Array(length);
}

/** The column with other codes for the same values. */
export function recoded(
  { codes }: CodedColumn,
  to: Uint32Array,
  dictionary: Dictionary,
): CodedColumn {
  const target = emptyCodes(codes.length, dictionary.size);
  for (let row = 0; row < codes.length; row++) target[row] = to[codes[row]!]!;
  return codedColumn(target);
}

/** About what a bigint takes beside its place in an array. */
const wideBytes = 32;

function columnBytes(column: TileColumn): number {
  if (column.kind === 'numbers') {
    const { values, nulls } = column;
    const bytes = ArrayBuffer.isView(values) ? values.byteLength : values.length * wideBytes;
    return bytes + (nulls?.byteLength ?? 0);
  }
  return column.codes.byteLength + column.lows.byteLength + column.highs.byteLength;
}

export function tileBytes({ columns }: Tile): number {
  let bytes = 0;
  for (const column of columns.values()) bytes += columnBytes(column);
  return bytes;
}
