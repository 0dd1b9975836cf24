import { type Connection, type Coverage, type DaemonWork, query } from '@tessera/client';
import { batchFromRows, encodeArrow, formatValue } from '@tessera/columnar';

export interface Asked {
  readonly ms: number;
  /** Sorted, values separated by `|`. */
  readonly lines: readonly string[];
  /** Of the answer as one Arrow stream. */
  readonly resultBytes: number;
  readonly coverage: Coverage;
  readonly work: readonly DaemonWork[];
}

export async function ask(client: Connection, sql: string): Promise<Asked> {
  const startedMs = performance.now();
  const { schema, rows, summary } = await query(client.queries, sql);
  const ms = performance.now() - startedMs;
  const shown = rows.map((row) =>
    row.map((value, i) => (value === null ? 'NULL' : formatValue(schema[i]!.type, value))),
  );
  return {
    ms,
    lines: shown.map((row) => row.join('|')).sort(),
    resultBytes: encodeArrow(batchFromRows(schema, rows)).length,
    coverage: summary.coverage,
    work: summary.daemonWork,
  };
}
