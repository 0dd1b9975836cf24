import type { Node, TypeName } from '@pgsql/types';
import { nearestName } from '@tessera/base';
import type { DataType } from '@tessera/columnar';
import type { BindContext } from './bind-context.ts';
import { badName } from './errors.ts';
import { type } from './types.ts';

const named: Readonly<Record<string, DataType>> = {
  bool: type.boolean,
  boolean: type.boolean,
  int2: type.smallint,
  smallint: type.smallint,
  int4: type.integer,
  int: type.integer,
  integer: type.integer,
  int8: type.bigint,
  bigint: type.bigint,
  float4: type.real,
  real: type.real,
  float8: type.double,
  numeric: type.numeric,
  decimal: type.numeric,
  text: type.text,
  varchar: type.text,
  date: type.date,
  time: type.time,
  timestamp: type.timestamp,
  timestamptz: type.timestamptz,
  interval: type.interval,
  bytea: type.bytes,
};

/** A type as written. `length` is the n of varchar(n): longer values are cut by an explicit cast. */
export interface WrittenType {
  readonly type: DataType;
  readonly length?: number;
  /** Of `interval '3' month`: the unit of a bare number. */
  readonly intervalUnit?: string;
}

const intervalUnits: Readonly<Record<number, string>> = {
  4: 'year',
  2: 'month',
  8: 'day',
  1024: 'hour',
  2048: 'minute',
  4096: 'second',
};

/** @throws UNKNOWN_TYPE, UNSUPPORTED_SQL for types outside analytical SQL. */
export function bindTypeName(ctx: BindContext, name: TypeName | undefined): WrittenType {
  const location = name?.location;
  const words = (name?.names ?? []).map((n) => ('String' in n ? (n.String.sval ?? '') : ''));
  const word = words.at(-1) ?? '';
  if (name?.arrayBounds !== undefined) throw ctx.unsupported('An array type', location);
  if (word === 'bpchar') throw ctx.unsupported('Type character(n)', location);
  const found = Object.hasOwn(named, word) ? named[word] : undefined;
  if (found === undefined) {
    const nearest = nearestName(word, Object.keys(named));
    throw badName('UNKNOWN_TYPE', `Type "${word}" does not exist`, ctx.at(location), nearest);
  }
  const modifiers = (name?.typmods ?? []).map((node) => integerOf(node));
  if (modifiers.length === 0) return { type: found };
  if (found.kind === 'numeric') return { type: numericType(ctx, modifiers, location) };
  if (word === 'varchar') return { type: found, length: modifiers[0] ?? 0 };
  if (found.kind === 'interval') {
    const intervalUnit = intervalUnits[modifiers[0] ?? -1];
    if (intervalUnit === undefined || modifiers.length > 1) {
      throw ctx.unsupported('An interval with several fields or a precision', location);
    }
    return { type: found, intervalUnit };
  }
  if (modifiers[0] === 6) return { type: found };
  throw ctx.unsupported(`Precision ${modifiers[0]} of type ${word}`, location);
}

function numericType(
  ctx: BindContext,
  [precision = 0, scale = 0]: readonly number[],
  location: number | undefined,
): DataType {
  if (precision < 1 || scale < 0 || precision > 38 || scale > precision) {
    throw ctx.unsupported(`Type numeric(${precision},${scale})`, location);
  }
  return { kind: 'numeric', precision, scale };
}

function integerOf(node: Node): number {
  return 'A_Const' in node ? (node.A_Const.ival?.ival ?? (node.A_Const.ival ? 0 : -1)) : -1;
}
