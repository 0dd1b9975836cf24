import type { Layout } from '../segment.ts';
import type { WantedLayout } from './wanted-layouts.ts';

/** A layout of a segment in which there is no row: it needs no file, and nothing ever reads it. */
export function layoutWithoutRows(wanted: WantedLayout): Layout {
  const { id, kind, cuboid, columns, sortColumns } = wanted;
  return {
    id,
    kind,
    cuboid,
    sortColumns,
    columns: columns.map((column) =>
      column.role === 'dimension' ? { ...column, hasNulls: false } : column,
    ),
    rowCount: 0n,
    sizeBytes: 0n,
    checksum: '0',
    fileDigest: '',
    file: '',
  };
}
