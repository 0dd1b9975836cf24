import type { DataType } from '@tessera/columnar';
import { answers, type CuboidId, dimensionsOf } from '../cuboid.ts';
import type { Model } from '../model.ts';
import { cardenas } from '../statistics/cardenas.ts';
import { partsOfModel } from './parts.ts';

export interface StoredSize {
  readonly rows: number;
  readonly bytes: number;
}

/** What a cuboid takes over all segments: its rows, and with them one companion per exact distinct count. */
export interface CuboidSize extends StoredSize {
  /** Of the layout of rows alone. */
  readonly rowsLayout: StoredSize;
  /** By column of the distinct count. */
  readonly companions: ReadonlyMap<string, StoredSize>;
}

export interface SizeInputs {
  readonly sourceRows: number;
  readonly segmentCount: number;
  /** Distinct values of each dimension, by its bit. */
  readonly cardinalities: readonly number[];
  /** Rows of cuboids over all segments, estimated from the sample. */
  readonly measured: ReadonlyMap<CuboidId, number>;
  /** Bytes of all measure columns of one row. */
  readonly measureBytes: number;
  /** Distinct values of what is counted distinct, by column. */
  readonly counted: ReadonlyMap<string, number>;
  /** Bytes on disk per predicted byte, where some were built before. Default 1. */
  readonly correction?: number;
}

/** A file's footer and each column's part of it. */
const fileBytes = 600;
const columnBytes = 120;
/** A bucket number and a word of the bitmap, in which few bits are on. Words of one group repeat its key, at next to no cost. */
const wordBytes = 4;
const idsPerWord = 64;

/** Sizes of cuboids, whether they were sampled or not. */
export class SizeModel {
  readonly #inputs: SizeInputs;
  readonly #measured: readonly (readonly [CuboidId, number])[];
  readonly #known = new Map<CuboidId, CuboidSize>();

  constructor(inputs: SizeInputs) {
    this.#inputs = inputs;
    this.#measured = [...inputs.measured].sort(([, a], [, b]) => b - a);
  }

  sizeOf(cuboid: CuboidId): CuboidSize {
    const known = this.#known.get(cuboid) ?? this.#size(cuboid);
    this.#known.set(cuboid, known);
    return known;
  }

  /**
   * Rows over all segments. What was not sampled is bounded by its measured ancestors and descendants, and between them
   * is the largest descendant times the values of the dimensions that it lacks, as far as the source has rows for that.
   */
  rowsOf(cuboid: CuboidId): number {
    const { measured, sourceRows, segmentCount, cardinalities } = this.#inputs;
    const known = measured.get(cuboid);
    if (known !== undefined) return Math.min(known, sourceRows);
    const within = this.#measured.find(([other]) => answers(cuboid, other));
    const above = this.#measured.findLast(([other]) => answers(other, cuboid));
    const rest = dimensionsOf((cuboid & ~(within?.[0] ?? 0n)) as CuboidId);
    const start = within?.[1] ?? segmentCount;
    const cells = rest.reduce((product, dimension) => product * cardinalities[dimension]!, start);
    const rows = Math.max(within?.[1] ?? 0, cardenas(cells, sourceRows));
    return Math.min(rows, above?.[1] ?? sourceRows, sourceRows);
  }

  #size(cuboid: CuboidId): CuboidSize {
    const { measureBytes, counted, sourceRows } = this.#inputs;
    const rows = this.rowsOf(cuboid);
    const keyBytes = this.#keyBytes(cuboid);
    const columns = dimensionsOf(cuboid).length + 2;
    const rowsLayout = { rows, bytes: this.#bytes(rows * (keyBytes + measureBytes), columns) };
    const companions = new Map(
      [...counted].map(([column, values]) => {
        const words = cardenas(rows * Math.ceil(values / idsPerWord), sourceRows);
        return [
          column,
          { rows: words, bytes: this.#bytes(rows * keyBytes + words * wordBytes, columns) },
        ] as const;
      }),
    );
    const all = [rowsLayout, ...companions.values()];
    return { rows, bytes: all.reduce((sum, { bytes }) => sum + bytes, 0), rowsLayout, companions };
  }

  /** Dictionary codes as wide as the values need. */
  #keyBytes(cuboid: CuboidId): number {
    const { cardinalities } = this.#inputs;
    const bits = dimensionsOf(cuboid).map((i) => Math.max(1, Math.log2(cardinalities[i]! + 1)));
    return bits.reduce((sum, each) => sum + each, 0) / 8;
  }

  #bytes(data: number, columns: number): number {
    const { segmentCount, correction = 1 } = this.#inputs;
    const overhead = segmentCount * (fileBytes + columns * columnBytes);
    return Math.ceil(data * correction + overhead);
  }
}

/** Bytes that all measure columns of a model take in one row, as Parquet packs them. */
export function measureBytesOf(model: Model): number {
  return partsOfModel(model)
    .filter(({ fn }) => fn !== 'distinct_bits')
    .reduce((sum, { fn, type }) => sum + (fn === 'count' ? 2 : packedBytes(type)), 0);
}

function packedBytes({ kind }: DataType): number {
  switch (kind) {
    case 'boolean':
      return 0.2;
    case 'smallint':
    case 'date':
      return 2;
    case 'integer':
      return 3;
    case 'bigint':
      return 4;
    case 'text':
      return 12;
    default:
      return 7;
  }
}
