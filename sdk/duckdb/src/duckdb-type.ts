import { type DataType, unconstrainedScale } from '@tessera/columnar';

/** The DuckDB type in which values of one of our types are held. An unconstrained numeric has `unconstrainedScale` digits. */
export function duckdbType(type: DataType): string {
  switch (type.kind) {
    case 'numeric':
      return `DECIMAL(${type.precision ?? 38}, ${numericScale(type)})`;
    case 'text':
    case 'unknown':
      return 'VARCHAR';
    case 'bytes':
      return 'BLOB';
    case 'timestamptz':
      return 'TIMESTAMP WITH TIME ZONE';
    default:
      return type.kind.toUpperCase();
  }
}

function numericScale(type: DataType & { readonly kind: 'numeric' }): number {
  return type.scale ?? (type.precision === undefined ? unconstrainedScale : 0);
}
