import { setImmediate } from 'node:timers/promises';
import type { DataType } from '@tessera/columnar';
import {
  codedColumn,
  codesOf,
  type Dictionary,
  mergeDictionaries,
  type NumberColumn,
  recoded,
  type Tile,
  type TileColumn,
  tileBytes,
} from '@tessera/columnar/tile';
import { distinctNumbers } from './distinct-numbers.ts';

/** One segment of a layout, with dictionaries of its own. */
export interface SegmentTile {
  readonly tile: Tile;
  readonly dictionaries: ReadonlyMap<string, Dictionary>;
  /** Type of each column in the file. */
  readonly types: ReadonlyMap<string, DataType>;
}

/** One layout in memory: a tile for each loaded segment, over dictionaries that they share. Never changes. */
export class LayoutTiles {
  readonly types: ReadonlyMap<string, DataType>;
  readonly dictionaries: ReadonlyMap<string, Dictionary>;
  readonly #segments: ReadonlyMap<string, Tile>;
  readonly bytes: number;

  private constructor(parts: {
    readonly types: ReadonlyMap<string, DataType>;
    readonly dictionaries: ReadonlyMap<string, Dictionary>;
    readonly segments: ReadonlyMap<string, Tile>;
  }) {
    this.types = parts.types;
    this.dictionaries = parts.dictionaries;
    this.#segments = parts.segments;
    let bytes = 0;
    for (const dictionary of parts.dictionaries.values()) bytes += dictionary.bytes;
    for (const tile of parts.segments.values()) bytes += tileBytes(tile);
    this.bytes = bytes;
  }

  static of(key: string, { tile, dictionaries, types }: SegmentTile): LayoutTiles {
    return new LayoutTiles({ types, dictionaries, segments: new Map([[key, tile]]) });
  }

  get segmentKeys(): readonly string[] {
    return [...this.#segments.keys()];
  }

  get rowCount(): number {
    let rows = 0;
    for (const tile of this.#segments.values()) rows += tile.rowCount;
    return rows;
  }

  has(key: string): boolean {
    return this.#segments.has(key);
  }

  /** Bytes of one segment, without the dictionaries. */
  bytesOf(key: string): number | undefined {
    const tile = this.#segments.get(key);
    return tile && tileBytes(tile);
  }

  /** The tiles of segments, all of which are there. */
  tiles(keys: readonly string[]): readonly Tile[] {
    return keys.map((key) => this.#segments.get(key)!);
  }

  without(key: string): LayoutTiles {
    const segments = new Map(this.#segments);
    segments.delete(key);
    return new LayoutTiles({ types: this.types, dictionaries: this.dictionaries, segments });
  }

  /** With one more segment. Where it brings new words, the other tiles are made anew with the codes that follow. */
  async with(key: string, added: SegmentTile): Promise<LayoutTiles> {
    const dictionaries = new Map<string, Dictionary>();
    const oldCodes = new Map<string, Uint32Array>();
    const newCodes = new Map<string, Uint32Array>();
    for (const [name, own] of added.dictionaries) {
      const merged = mergeDictionaries(this.dictionaries.get(name)!, own);
      dictionaries.set(name, merged.dictionary);
      if (merged.fromFirst !== undefined) oldCodes.set(name, merged.fromFirst);
      if (merged.fromSecond !== undefined) newCodes.set(name, merged.fromSecond);
    }
    const segments = new Map<string, Tile>();
    for (const [each, tile] of this.#segments) {
      segments.set(each, recodedTile(tile, oldCodes, dictionaries));
      if (oldCodes.size > 0) await setImmediate(); // Scans go on between two tiles.
    }
    segments.set(key, recodedTile(added.tile, newCodes, dictionaries));
    return new LayoutTiles({ types: this.types, dictionaries, segments });
  }

  /** The name under which a column's codes are found; undefined: it is held as numbers only. */
  codedName(name: string): string | undefined {
    if (this.dictionaries.has(name)) return name;
    return this.dictionaries.has(twinOf(name)) ? twinOf(name) : undefined;
  }

  /** With codes for a column that is held as numbers, so that it can be grouped and filtered by. */
  async withCodes(name: string): Promise<LayoutTiles> {
    const columns = [...this.#segments].map(
      ([key, tile]) => [key, tile, tile.columns.get(name) as NumberColumn] as const,
    );
    const distinct = distinctNumbers(
      this.types.get(name)!,
      columns.map(([, , column]) => column),
    );
    const segments = new Map<string, Tile>();
    for (const [key, tile, column] of columns) {
      const codes = codesOf(distinct.codes(column), distinct.dictionary.size);
      const twin = codedColumn(codes);
      segments.set(key, { ...tile, columns: new Map([...tile.columns, [twinOf(name), twin]]) });
      await setImmediate();
    }
    const dictionaries = new Map([...this.dictionaries, [twinOf(name), distinct.dictionary]]);
    return new LayoutTiles({ types: this.types, dictionaries, segments });
  }
}

const twinOf = (name: string) => `codes of ${name}`;

/** Only columns that have a dictionary in `dictionaries` are kept as codes. */
function recodedTile(
  tile: Tile,
  codes: ReadonlyMap<string, Uint32Array>,
  dictionaries: ReadonlyMap<string, Dictionary>,
): Tile {
  const columns = new Map<string, TileColumn>();
  for (const [name, column] of tile.columns) {
    if (column.kind === 'numbers') columns.set(name, column);
    else {
      const dictionary = dictionaries.get(name);
      const to = codes.get(name);
      if (dictionary === undefined) continue;
      columns.set(name, to === undefined ? column : recoded(column, to, dictionary));
    }
  }
  return { ...tile, columns };
}
