import type { BlockExplanation } from '@tessera/cube';
import { type CatalogSnapshot, tableKey } from '../catalog/snapshot.ts';

/** Of reading a row, or a byte, of a source's table. */
const sourceRowMicros = 0.1;
const sourceByteMicros = 0.002;
/** Of a table that nothing is known of: as much as a few million rows. */
const unknownTableMicros = 500_000;

/**
 * How long a statement is predicted to work, milliseconds: the scans of its cuboids as matching predicted them, and
 * every table that is read from its source as a whole. Only good for telling small statements from heavy ones.
 */
export function predictWork(
  explanations: readonly BlockExplanation[],
  sourceTables: readonly string[],
  snapshot: CatalogSnapshot,
): number {
  const taken = explanations.flatMap(({ candidates }) => candidates.filter((one) => one.taken));
  const scanMicros = taken.reduce((sum, { predictedMicros }) => sum + predictedMicros, 0);
  const tables = new Set(sourceTables);
  let sourceMicros = 0;
  for (const [source, { tables: known }] of snapshot.sources) {
    for (const { name: table, statistics } of known) {
      if (tables.has(tableKey({ source, table }))) sourceMicros += microsOf(statistics);
    }
  }
  return (scanMicros + sourceMicros) / 1_000;
}

function microsOf(statistics: { readonly rowCount?: bigint; readonly sizeBytes?: bigint }): number {
  const { rowCount, sizeBytes } = statistics;
  if (rowCount === undefined && sizeBytes === undefined) return unknownTableMicros;
  const byRows = Number(rowCount ?? 0n) * sourceRowMicros;
  return Math.max(byRows, Number(sizeBytes ?? 0n) * sourceByteMicros);
}
