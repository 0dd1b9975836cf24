import { quoteName } from '@tessera/duckdb';

/**
 * How a column of a layout is held. `enum`: texts as codes whose order is that of their bytes. `narrow`: a
 * decimal of up to 38 digits in 64 bits, because all its values fit.
 */
export interface StoredColumn {
  readonly name: string;
  /** Its DuckDB type in the Parquet file. */
  readonly fileType: string;
  readonly held:
    | { readonly kind: 'plain' }
    | { readonly kind: 'enum'; readonly typeName: string; readonly words: readonly string[] }
    | { readonly kind: 'narrow'; readonly scale: number };
}

/** The DuckDB type of the column in memory. */
export function heldType({ held, fileType }: StoredColumn): string {
  switch (held.kind) {
    case 'plain':
      return fileType;
    case 'enum':
      return quoteName(held.typeName);
    case 'narrow':
      return `DECIMAL(18, ${held.scale})`;
  }
}

/** About how many bytes a value takes in memory before compression. */
export function heldBytes({ held, fileType }: StoredColumn): number {
  if (held.kind === 'enum')
    return held.words.length <= 256 ? 1 : held.words.length <= 65_536 ? 2 : 4;
  if (held.kind === 'narrow') return 8;
  const decimal = /^DECIMAL\((\d+)/.exec(fileType);
  if (decimal !== null) {
    const width = Number(decimal[1]);
    return width <= 4 ? 2 : width <= 9 ? 4 : width <= 18 ? 8 : 16;
  }
  return plainBytes[fileType] ?? 24;
}

const plainBytes: Readonly<Record<string, number>> = {
  BOOLEAN: 1,
  SMALLINT: 2,
  INTEGER: 4,
  DATE: 4,
  FLOAT: 4,
  BIGINT: 8,
  DOUBLE: 8,
  TIME: 8,
  TIMESTAMP: 8,
  'TIMESTAMP WITH TIME ZONE': 8,
  HUGEINT: 16,
};
