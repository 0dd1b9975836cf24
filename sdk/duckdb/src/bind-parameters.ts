import duckdb from '@duckdb/node-bindings';
import { type DataType, heldScale, type Interval, type Value } from '@tessera/columnar';

/** A value with the type it was bound with: the type decides how DuckDB reads it. */
export interface Parameter {
  readonly type: DataType;
  readonly value: Value;
}

export function bindParameters(
  statement: duckdb.PreparedStatement,
  parameters: readonly Parameter[],
): void {
  for (let i = 0; i < parameters.length; i++) bindParameter(statement, i + 1, parameters[i]!);
}

function bindParameter(
  statement: duckdb.PreparedStatement,
  index: number,
  { type, value }: Parameter,
): void {
  if (value === null) duckdb.bind_null(statement, index);
  else if (type.kind === 'numeric') {
    const width = type.precision ?? 38;
    duckdb.bind_decimal(statement, index, {
      width,
      scale: heldScale(type),
      value: value as bigint,
    });
  } else binders[type.kind](statement, index, value);
}

type Binder = (statement: duckdb.PreparedStatement, index: number, value: unknown) => void;

const binders: Readonly<Record<Exclude<DataType['kind'], 'numeric'>, Binder>> = {
  boolean: (s, i, value) => duckdb.bind_boolean(s, i, value as boolean),
  smallint: (s, i, value) => duckdb.bind_int16(s, i, value as number),
  integer: (s, i, value) => duckdb.bind_int32(s, i, value as number),
  bigint: (s, i, value) => duckdb.bind_int64(s, i, value as bigint),
  real: (s, i, value) => duckdb.bind_float(s, i, value as number),
  double: (s, i, value) => duckdb.bind_double(s, i, value as number),
  date: (s, i, value) => duckdb.bind_date(s, i, { days: value as number }),
  time: (s, i, value) => duckdb.bind_time(s, i, { micros: value as bigint }),
  timestamp: (s, i, value) => duckdb.bind_timestamp(s, i, { micros: value as bigint }),
  timestamptz: (s, i, value) => duckdb.bind_timestamp_tz(s, i, { micros: value as bigint }),
  interval: (s, i, value) => duckdb.bind_interval(s, i, value as Interval),
  bytes: (s, i, value) => duckdb.bind_blob(s, i, value as Uint8Array),
  text: (s, i, value) => duckdb.bind_varchar(s, i, value as string),
  unknown: (s, i, value) => duckdb.bind_varchar(s, i, value as string),
};
