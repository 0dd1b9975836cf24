/** DuckDB as the rest of the SDK uses it: a bounded pool, batches in and out, types, names, scans of native files, checksums. */
export { type AdmissionLimits, AdmissionQueue, type Turn } from './admission-queue.ts';
export type { Parameter } from './bind-parameters.ts';
export {
  type ChecksumColumn,
  checksumOfHashesSql,
  checksumSql,
  rowHashSql,
  textHashSql,
} from './checksum.ts';
export { DuckDbConnection, type QueryOptions } from './connection.ts';
export { DuckDb, type DuckDbOptions } from './duck-db.ts';
export { duckdbType } from './duckdb-type.ts';
export { duckdbFailure, queryCancelled } from './errors.ts';
export {
  countingScanSql,
  csvTable,
  jsonLines,
  jsonPath,
  lineBreaksSql,
  nativeScanSql,
  rejectedScanSql,
} from './native-scan.ts';
export {
  type PrintOptions,
  printExpr,
  printQuery,
  printStatement,
  sessionSettings,
} from './print.ts';
export { quoteName, quoteText } from './quote.ts';
