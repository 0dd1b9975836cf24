/** Cuboids in memory: columns as codes and numbers in typed arrays, and the kernels that filter, group and add them up. */
export type { AggregateResult, BitWord, TileAggregate } from './accumulate.ts';
export { CodeTest, type Condition, truth } from './condition.ts';
export { Dictionary, type MergedDictionary, mergeDictionaries } from './dictionary.ts';
export {
  type FilteredAggregate,
  maxPossibleGroups,
  scanTiles,
  type TileGroups,
  type TileKey,
  type TileScan,
  type TileWork,
} from './scan-tiles.ts';
export {
  blockRows,
  type CodedColumn,
  type Codes,
  codedColumn,
  codesOf,
  emptyCodes,
  type NumberColumn,
  recoded,
  type Tile,
  type TileColumn,
  tileBytes,
} from './tile.ts';
