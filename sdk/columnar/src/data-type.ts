/**
 * The types of columns and expressions: PostgreSQL's, as far as analytical SQL needs them.
 * A `numeric` without `scale` is PostgreSQL's unconstrained numeric (what avg or division gives); in a
 * column it is held with `unconstrainedScale` digits after the point.
 */
export type DataType =
  | {
      readonly kind:
        | 'boolean'
        | 'smallint'
        | 'integer'
        | 'bigint'
        | 'real'
        | 'double'
        | 'text'
        | 'date'
        | 'time'
        | 'timestamp'
        | 'timestamptz'
        | 'interval'
        | 'bytes'
        /** An untyped NULL or string literal before its context gave it a type. Never the type of a stored column. */
        | 'unknown';
    }
  | { readonly kind: 'numeric'; readonly precision?: number; readonly scale?: number };

export type TypeKind = DataType['kind'];

/** Digits after the point with which an unconstrained numeric is held (PostgreSQL gives 16 to 20 for quotients). */
export const unconstrainedScale = 20;

export interface Field {
  readonly name: string;
  readonly type: DataType;
  /** False only where no NULL can be; `true` when not known. */
  readonly nullable: boolean;
}

export type Schema = readonly Field[];

/** The type as SQL spells it, for messages and metadata: `numeric(10,2)`, `bigint`. */
export function formatDataType(type: DataType): string {
  if (type.kind !== 'numeric' || type.scale === undefined) return type.kind;
  return `numeric(${type.precision ?? ''},${type.scale})`;
}

/** Digits after the point with which a numeric column is held. */
export function heldScale(type: DataType): number {
  return type.kind === 'numeric' ? (type.scale ?? unconstrainedScale) : 0;
}
