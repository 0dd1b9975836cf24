import { setImmediate } from 'node:timers/promises';
import type { DataType } from '@tessera/columnar';
import {
  codedColumn,
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

  /**
   * The tiles of `before`, if any, and of more segments. Dictionaries become those of all of them, and tiles whose codes
   * differ from these are made anew.
   */
  static async of(
    before: LayoutTiles | undefined,
    added: ReadonlyMap<string, SegmentTile>,
  ): Promise<LayoutTiles> {
    const owners: readonly { readonly dictionaries: Dictionaries }[] = [
      ...(before === undefined ? [] : [before]),
      ...added.values(),
    ];
    const [first] = added.values();
    const types = before?.types ?? first!.types;
    const dictionaries = new Map<string, Dictionary>();
    for (const name of (before ?? first!).dictionaries.keys()) {
      if (!types.has(name)) continue; // Codes of numbers are made again when they are asked for.
      const each = owners.map((owner) => owner.dictionaries.get(name)!);
      dictionaries.set(
        name,
        each.reduce((all, own) => mergeDictionaries(all, own).dictionary),
      );
    }
    const segments = new Map<string, Tile>();
    const old = before === undefined ? [] : [...before.#segments];
    const parts = [
      ...old.map(([key, tile]) => [key, { tile, dictionaries: before!.dictionaries }] as const),
      ...added,
    ];
    for (const [key, { tile, dictionaries: own }] of parts) {
      segments.set(key, recodedTile(tile, own, dictionaries));
      await setImmediate(); // Scans go on between two tiles.
    }
    return new LayoutTiles({ types, dictionaries, segments });
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
      const twin = codedColumn(distinct.codes(column));
      segments.set(key, { ...tile, columns: new Map([...tile.columns, [twinOf(name), twin]]) });
      await setImmediate();
    }
    const dictionaries = new Map([...this.dictionaries, [twinOf(name), distinct.dictionary]]);
    return new LayoutTiles({ types: this.types, dictionaries, segments });
  }
}

const twinOf = (name: string) => `codes of ${name}`;

type Dictionaries = ReadonlyMap<string, Dictionary>;

/** A tile with the codes of other dictionaries, which have all of its values. */
function recodedTile(tile: Tile, own: Dictionaries, wanted: Dictionaries): Tile {
  const columns = new Map<string, TileColumn>();
  for (const [name, column] of tile.columns) {
    if (column.kind === 'numbers') columns.set(name, column);
    else {
      const dictionary = wanted.get(name);
      if (dictionary === undefined) continue;
      const to = mergeDictionaries(dictionary, own.get(name)!).fromSecond;
      columns.set(name, to === undefined ? column : recoded(column, to, dictionary));
    }
  }
  return { ...tile, columns };
}
