import type { DataType } from '@tessera/columnar';
import { unconstrainedScale } from '@tessera/columnar';
import { quoteName } from './quote.ts';

/**
 * The checksum of a stored relation: the same for the same set of rows in any order, from any engine.
 *
 * Every value becomes one or two numbers in [0, 2^32], each term is multiplied by its own weight, a row is the
 * sum of its terms modulo 2^31 - 1, and the checksum is the sum of the squares of the rows, in decimal digits.
 * Squares make it see values swapped between rows, which a plain sum would not.
 *
 * | type | numbers |
 * | --- | --- |
 * | smallint, integer, date | value + 2^31 |
 * | bigint, time, timestamp(tz) in µs | low 32 bits, and (value >> 32) + 2^31 |
 * | numeric | unscaled value modulo 2^31 - 1, in [0, 2^31 - 1) |
 * | text | first four bytes of its MD5, little-endian |
 * | boolean | 0 or 1 |
 * | real, double | 1: the last bits of a sum depend on the order of addition, so only NULLs count |
 * | NULL | 2^32 for each number |
 *
 * It needs 64-bit integers, `md5` and a decimal sum, which Spark, Hive and Flink SQL have as well.
 */
export interface ChecksumColumn {
  readonly name: string;
  readonly type: DataType;
  /** SQL that is already the number of a text value (from a dictionary), NULL for NULL. */
  readonly textHash?: string;
}

const nullNumber = '4294967296::BIGINT';
const modulus = 2147483647n;
/** Terms that may be added before 63 bits could overflow: a term is below 2^33 * 2^26. */
const termsPerFold = 15;

/** An aggregate expression over rows with these columns; its value is the checksum as text, '0' over no rows. */
export function checksumSql(columns: readonly ChecksumColumn[]): string {
  return checksumOfHashesSql(rowHashSql(columns));
}

/** The same over rows whose hash is a column already: half as much for DuckDB to plan. */
export function checksumOfHashesSql(hash: string): string {
  return `coalesce(sum(${hash} * ${hash}), 0)::HUGEINT::VARCHAR`;
}

/** What one row adds the square of. */
export function rowHashSql(columns: readonly ChecksumColumn[]): string {
  let row = '1::BIGINT';
  columns.flatMap(numbersOf).forEach((number, i) => {
    const fold = i > 0 && i % termsPerFold === 0;
    row = `${fold ? `((${row}) % ${modulus})` : row} + ${weight(i)} * coalesce(${number}, ${nullNumber})`;
  });
  return `((${row}) % ${modulus})`;
}

/** The number of a text value that the checksum is made of. */
export function textHashSql(value: string): string {
  return `(md5_number(${value}) & 4294967295::UHUGEINT)::BIGINT`;
}

function numbersOf(column: ChecksumColumn): string[] {
  const name = quoteName(column.name);
  const wide = (value: string) => [
    `(${value} & 4294967295)`,
    `((${value} >> 32) + 2147483648::BIGINT)`,
  ];
  switch (column.type.kind) {
    case 'smallint':
    case 'integer':
      return [`(${name}::BIGINT + 2147483648)`];
    case 'date':
      return [`((${name}::DATE - DATE '1970-01-01')::BIGINT + 2147483648)`];
    case 'bigint':
      return wide(`${name}::BIGINT`);
    case 'timestamp':
    case 'timestamptz':
      return wide(`epoch_us(${name})`);
    case 'time':
      return wide(`(epoch_us(${name})::BIGINT)`);
    case 'numeric': {
      const scale =
        column.type.scale ?? (column.type.precision === undefined ? unconstrainedScale : 0);
      const unscaled = scale === 0 ? `${name}::HUGEINT` : unscaledSql(name, scale);
      return [`(((${unscaled}) % ${modulus} + ${modulus}) % ${modulus})::BIGINT`];
    }
    case 'boolean':
      return [`${name}::INTEGER::BIGINT`];
    case 'real':
    case 'double':
    case 'interval':
    case 'bytes':
      return [`CASE WHEN ${name} IS NULL THEN NULL ELSE 1::BIGINT END`];
    default:
      return [column.textHash ?? textHashSql(`${name}::VARCHAR`)];
  }
}

/** The digits without the point, whatever their number: multiplying would overflow at 38 digits. */
function unscaledSql(name: string, scale: number): string {
  return `replace((${name}::DECIMAL(38, ${scale}))::VARCHAR, '.', '')::HUGEINT`;
}

/** Powers of 1000003 modulo the largest prime below 2^26: fixed, pairwise different. */
function weight(index: number): bigint {
  const prime = 67108859n;
  let value = 1n;
  for (let i = 0; i <= index; i++) value = (value * 1000003n) % prime;
  return value;
}
