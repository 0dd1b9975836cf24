import type { LayoutColumn } from '@tessera/cube';
import { duckdbType, quoteName, quoteText } from '@tessera/duckdb';
import { segmentColumn } from './flat.ts';

/** A stored file of one layout, with the ordinal of the segment that its rows are of. */
export interface StoredFile {
  readonly segmentOrdinal: number;
  readonly file: string;
}

/** The rows of stored files as a parenthesised query with the columns of the layout and the segment's. */
export function storedRelation(
  columns: readonly LayoutColumn[],
  files: readonly StoredFile[],
): string {
  const typed = columns.map(({ name, type }) => ({
    name: quoteName(name),
    type: duckdbType(type),
  }));
  const segment = quoteName(segmentColumn);
  const none = typed.map(({ name, type }) => `NULL::${type} AS ${name}`);
  const held = typed.map(({ name, type }) => `${name}::${type} AS ${name}`);
  const bySegment = Map.groupBy(files, ({ segmentOrdinal }) => segmentOrdinal);
  const parts = [...bySegment].map(([ordinal, of]) => {
    const list = of.map(({ file }) => quoteText(file)).join(', ');
    return `SELECT ${[`${ordinal}::USMALLINT AS ${segment}`, ...held].join(', ')} FROM read_parquet([${list}])`;
  });
  const empty = `SELECT ${[`0::USMALLINT AS ${segment}`, ...none].join(', ')} WHERE false`;
  return `(${(parts.length > 0 ? parts : [empty]).join(' UNION ALL ')})`;
}
