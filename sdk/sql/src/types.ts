import type { DataType, TypeKind } from '@tessera/columnar';

/** PostgreSQL's types: names, categories, which casts happen by themselves, and what several agree on. */
const plainNames: Readonly<Record<Exclude<TypeKind, 'numeric'>, string>> = {
  boolean: 'boolean',
  smallint: 'smallint',
  integer: 'integer',
  bigint: 'bigint',
  real: 'real',
  double: 'double precision',
  text: 'text',
  date: 'date',
  time: 'time without time zone',
  timestamp: 'timestamp without time zone',
  timestamptz: 'timestamp with time zone',
  interval: 'interval',
  bytes: 'bytea',
  unknown: 'unknown',
};

/** PostgreSQL's spelling, for example `double precision` or `numeric(10,2)`. */
export function typeName(type: DataType): string {
  if (type.kind !== 'numeric') return plainNames[type.kind];
  return type.precision === undefined ? 'numeric' : `numeric(${type.precision},${type.scale ?? 0})`;
}

/** Equal in kind, and for numerics in precision and scale. */
export function sameType(a: DataType, b: DataType): boolean {
  if (a.kind !== b.kind) return false;
  if (a.kind !== 'numeric' || b.kind !== 'numeric') return true;
  return a.precision === b.precision && a.scale === b.scale;
}

export const type = {
  boolean: { kind: 'boolean' },
  smallint: { kind: 'smallint' },
  integer: { kind: 'integer' },
  bigint: { kind: 'bigint' },
  real: { kind: 'real' },
  double: { kind: 'double' },
  text: { kind: 'text' },
  date: { kind: 'date' },
  time: { kind: 'time' },
  timestamp: { kind: 'timestamp' },
  timestamptz: { kind: 'timestamptz' },
  interval: { kind: 'interval' },
  bytes: { kind: 'bytes' },
  unknown: { kind: 'unknown' },
  numeric: { kind: 'numeric' },
} as const satisfies Readonly<Record<TypeKind, DataType>>;

/** numeric with that many digits after the point (`undefined`: unconstrained). */
export function numericOf(scale: number | undefined, precision?: number): DataType {
  if (scale === undefined) return type.numeric;
  return precision === undefined
    ? { kind: 'numeric', scale }
    : { kind: 'numeric', precision, scale };
}

export type TypeCategory =
  | 'number'
  | 'string'
  | 'date'
  | 'interval'
  | 'boolean'
  | 'bytes'
  | 'unknown';

const categories: Readonly<Record<TypeKind, TypeCategory>> = {
  boolean: 'boolean',
  smallint: 'number',
  integer: 'number',
  bigint: 'number',
  numeric: 'number',
  real: 'number',
  double: 'number',
  text: 'string',
  date: 'date',
  time: 'date',
  timestamp: 'date',
  timestamptz: 'date',
  interval: 'interval',
  bytes: 'bytes',
  unknown: 'unknown',
};

export const categoryOf = (kind: TypeKind): TypeCategory => categories[kind];

const preferred: ReadonlySet<TypeKind> = new Set([
  'double',
  'text',
  'timestamptz',
  'interval',
  'boolean',
]);

export const isPreferred = (kind: TypeKind): boolean => preferred.has(kind);

const numberOrder: readonly TypeKind[] = [
  'smallint',
  'integer',
  'bigint',
  'numeric',
  'real',
  'double',
];

/** True for types whose values are whole numbers. */
export const isInteger = (t: DataType): boolean =>
  ['smallint', 'integer', 'bigint'].includes(t.kind);
/** True for types of exact arithmetic: integers and numeric. */
export const isExact = (t: DataType): boolean => isInteger(t) || t.kind === 'numeric';
export const isNumber = (t: DataType): boolean => categoryOf(t.kind) === 'number';

/** Whether PostgreSQL casts by itself, in any expression. */
export function implicitlyCasts(from: TypeKind, to: TypeKind): boolean {
  if (from === to || from === 'unknown') return true;
  const rank = numberOrder.indexOf(from);
  if (rank >= 0) return numberOrder.indexOf(to) > rank;
  if (from === 'date') return to === 'timestamp' || to === 'timestamptz';
  if (from === 'timestamp') return to === 'timestamptz';
  return from === 'time' && to === 'interval';
}

/** Whether `cast(x as …)` is allowed. Text converts to and from everything. */
export function explicitlyCasts(from: TypeKind, to: TypeKind): boolean {
  if (implicitlyCasts(from, to) || from === 'text' || to === 'text') return true;
  if (categoryOf(from) === 'number' && categoryOf(to) === 'number') return true;
  if (from === 'timestamp' || from === 'timestamptz') {
    return to === 'date' || to === 'time' || to === 'timestamp';
  }
  if (from === 'boolean') return to === 'integer';
  if (from === 'integer') return to === 'boolean';
  return from === 'interval' && to === 'time';
}

/**
 * What CASE, COALESCE, UNION, IN, VALUES and the like agree on (PostgreSQL's select_common_type), or
 * `undefined` when they do not. `unknown` only when all are.
 */
export function commonType(types: readonly DataType[]): DataType | undefined {
  const known = types.filter((t) => t.kind !== 'unknown');
  if (known.length === 0) return type.unknown;
  let chosen = known[0]!.kind;
  for (const { kind } of known) {
    if (kind === chosen) continue;
    if (categoryOf(kind) !== categoryOf(chosen)) return undefined;
    const better = !isPreferred(chosen) && implicitlyCasts(chosen, kind);
    if (better) chosen = kind;
  }
  if (!known.every(({ kind }) => implicitlyCasts(kind, chosen))) return undefined;
  return chosen === 'numeric' ? commonNumeric(known) : type[chosen];
}

/** The numeric that holds them all: same precision and scale if they agree, else the larger scale. */
function commonNumeric(types: readonly DataType[]): DataType {
  const first = types[0]!;
  if (types.every((t) => sameType(t, first))) return first;
  const scales = types.map(scaleOf);
  return scales.includes(undefined) ? type.numeric : numericOf(Math.max(...(scales as number[])));
}

/** Digits after the point of an exact type's values, `undefined` when not fixed. */
export function scaleOf(t: DataType): number | undefined {
  return t.kind === 'numeric' ? t.scale : 0;
}
