/** DuckDB as the rest of the SDK uses it: types, names, scans of native files, checksums. */
export { type ChecksumColumn, checksumSql, textHashSql } from './checksum.ts';
export { duckdbType } from './duckdb-type.ts';
export { csvTable, jsonLines, jsonPath, nativeScanSql, rejectedScanSql } from './native-scan.ts';
export { quoteName, quoteText } from './quote.ts';
